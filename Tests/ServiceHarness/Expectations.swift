package import Testing

/// Expects the image scores of a JSON answer.
package func expectImageScores(
    _ reply: Reply, _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let scores = try #require(
        try reply.json()["image_scores"] as? [Double], "\(reply.text)", sourceLocation: sourceLocation)
    #expect(scores.count == expected.count, sourceLocation: sourceLocation)
    // Both sum a dozen float64 terms of at most 1.
    #expect(
        zip(scores, expected).allSatisfy { abs($0 - $1) < 1e-14 }, "\(scores) \(expected)",
        sourceLocation: sourceLocation)
}

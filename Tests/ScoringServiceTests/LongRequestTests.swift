import HTTPTypes
import ServiceHarness
import Testing

/// Requests as long as the network lets them be.
@Suite struct LongRequestTests {
    private static let long = String(repeating: "x", count: 64 << 10)

    /// Each of these is 64 KiB from the network.
    @Test(
        arguments: [
            ("/score?X=1", nil, 400), ("/score?method=X", nil, 400), ("/score?temperature=X", nil, 400),
            ("/score?include=X", nil, 400), ("/score?method=%X", nil, 400), ("/X", nil, 404), ("/jobs/X", nil, 404),
            ("/jobs?status=X", nil, 400), ("/jobs?cursor=X", nil, 400), ("/jobs?limit=X", nil, 400),
            ("/jobs", .accept, 406), ("/score", .accept, 406), ("/score", .contentType, 415),
            ("/score", .contentEncoding, 415),
        ] as [(String, HTTPField.Name?, Int)])
    func noAnswerRepeatsALongRequest(target: String, field: HTTPField.Name?, status: Int) async throws {
        let harness = try Harness()
        var fields: HTTPFields = [:]
        if let field { fields[field] = Self.long }
        let target = target.replacing("X", with: Self.long)
        let reply = await harness.send(target.hasPrefix("/score") ? .post : .get, target, fields, body: [1])
        #expect(reply.status == status)
        #expect(reply.bytes.count < 2048)
        #expect(reply.problem != nil)
    }

    @Test func aMethodIsNotRepeatedAtLength() async throws {
        let method = try #require(HTTPRequest.Method(rawValue: Self.long))
        let reply = try await Harness().send(method, "/score")
        #expect(reply.status == 405)
        #expect(reply.bytes.count < 2048)
    }
}

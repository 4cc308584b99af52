import DatasetScoring
import Jobs
import JobStorage
import Scoring
import WebService

/// Which regions of a job a request asks for.
struct RegionQuery: Sendable {
    /// The names of the parameters that say of which pixels regions are.
    static let namesOfKind = ["of", "threshold"]

    /// The names of those that choose among the regions.
    static let namesOfFilter = ["image", "given", "suggested", "min_area", "min_thickness", "decided"]

    private let source: RegionSource?
    private let threshold: Double?
    private let image: Int?
    private let given: Int?
    private let suggested: Int?
    private let leastArea: Int
    private let leastThickness: Int
    private let isDecided: Bool?

    /// - Throws: A 400 problem for a value that is not allowed.
    init(_ parameters: Parameters) throws(Problem) {
        source = try parameters.choice("of")
        threshold = try parameters.threshold()
        image = try parameters.integer("image", in: 0...Int(Int32.max))
        given = try parameters.integer("given", in: 0...ScoringShape.classLimit - 1)
        suggested = try parameters.integer("suggested", in: 0...ScoringShape.classLimit - 1)
        leastArea = try parameters.integer("min_area", in: 1...Int(Int32.max)) ?? 1
        leastThickness = try parameters.integer("min_thickness", in: 1...Int(Int32.max)) ?? 1
        isDecided = try parameters.boolean("decided")
        if let source, source != .issues, threshold != nil {
            throw Problem(
                .invalidParameter, "A threshold makes issues of scores, and of=\(source.rawValue) needs none.",
                parameter: "threshold", expected: "no threshold, or of=issues", actual: "of=\(source.rawValue)")
        }
    }

    /// Of which pixels the regions of a job are: those that the request names, or else its label issues, or else its
    /// issues if it has a threshold, or else all that the model would label otherwise.
    ///
    /// - Throws: A 404 problem if the job has no such regions.
    func kind(_ job: Job<ScoreJob>, _ scores: DatasetScores) throws(Problem) -> RegionKind {
        try scores.requireRegions()
        switch source ?? threshold.map({ _ in .issues }) {
        case nil: return RegionKind(of: scores, threshold: job.details.parameters.threshold)
        case .labelIssues:
            _ = try scores.requireStatistics()
            return .labelIssues
        case .issues: return .issues(threshold: job.details.issueThreshold(threshold))
        case .disagreements: return .disagreements
        }
    }

    /// Proves that the images and classes that are named are there.
    ///
    /// - Throws: A 400 problem if one is not.
    func check(_ scores: DatasetScores) throws(Problem) {
        if let image, image >= scores.imageCount {
            throw .invalidParameter(
                "image", expected: "an image from 0 to \(scores.imageCount - 1)", actual: String(image))
        }
        for (name, value) in [("given", given), ("suggested", suggested)] {
            guard let value, value >= scores.classCount else { continue }
            throw .invalidParameter(
                name, expected: "a class from 0 to \(scores.classCount - 1)", actual: String(value))
        }
    }

    /// Whether a region is among those that are asked for.
    ///
    /// - Parameters:
    ///   - kind: Of which pixels the region is made.
    ///   - log: What was decided about the regions of the job.
    func includes(_ region: Region, of kind: RegionKind, in log: DecisionLog) -> Bool {
        if let isDecided, isDecided == (log.lastWord(on: region.place(of: kind)) == nil) { return false }
        return (image.map { $0 == Int(region.image) } ?? true) && (given.map { $0 == Int(region.given) } ?? true)
            && (suggested.map { $0 == Int(region.suggested) } ?? true) && region.area >= leastArea
            && region.thickness >= leastThickness
    }
}

extension Region {
    /// What decisions call the region.
    ///
    /// - Parameter kind: Of which pixels it is made.
    func place(of kind: RegionKind) -> Decision.Place {
        Decision.Place(kind: kind, image: Int(image), firstPixel: firstPixel)
    }
}

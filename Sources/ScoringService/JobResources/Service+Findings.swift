import DatasetScoring
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
import ServiceInterface
import WebService

/// The endpoints for what the arrays of a job amount to: the worst images, confused classes, and the statistics.
extension Service {
    /// The most images that a ranking lists, and the most rows that a summary has.
    static let longestRanking = 10_000

    /// The memory that a pair of classes takes while it is counted, in bytes.
    private static let bytesOfAPair = 96

    /// `GET /jobs/{id}/ranking`
    func showRanking(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        let parameters = try Parameters(target: call.request.head.path ?? "", known: ["limit", "threshold"])
        let limit = try parameters.integer("limit", in: 1...Self.longestRanking) ?? 20
        let threshold = try parameters.threshold()
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let issues = job.issues(of: scores, threshold: threshold)
                let held = min(limit, scores.imageCount) * 2 * MemoryLayout<DatasetScores.Rank>.stride
                return try Problem.reserving(held) { () throws(Problem) -> Response in
                    let worst = scores.worst(limit)
                    return try .json(holding: held) { writer in
                        writer.object { members in
                            members.rows("ranking", count: worst.count) { members, row in
                                members.integer("image", worst[row].image)
                                if let names = job.details.names { members.string("name", names[worst[row].image]) }
                                members.number("score", worst[row].score)
                                members.integer("num_pixel_issues", issues.count(image: worst[row].image))
                            }
                        }
                    }
                }
            }
        })
    }

    /// `GET /jobs/{id}/summary`
    func showSummary(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        let parameters = try Parameters(
            target: call.request.head.path ?? "", known: ["class_names", "exclude", "top", "threshold"])
        let names = try parameters.texts("class_names")
        let excluded = try parameters.classes("exclude")
        let top = try parameters.integer("top", in: 1...Self.longestRanking) ?? 20
        let threshold = try parameters.threshold()
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                try scores.requirePredicted()
                let classCount = scores.classCount
                if let names { try NameParameters.check(classNames: names.count, classCount: classCount) }
                if let other = excluded.first(where: { $0 >= classCount }) {
                    throw .invalidParameter(
                        "exclude", expected: "classes from 0 to \(classCount - 1)", actual: String(other))
                }
                let masks = try job.issues(of: scores, threshold: threshold).masks()
                let pixelCount = scores.parts.reduce(0) { $0 + $1.shape.pixelCount }
                let pairCount = min(classCount * classCount, pixelCount)
                let rows = try Problem.reserving(pairCount * Self.bytesOfAPair) {
                    () throws(Problem) -> [IssueSummary.Row] in
                    Array(IssueSummary(zip(masks, scores.parts), excluding: Set(excluded)).rows.prefix(top))
                }
                return try .json { writer in
                    writer.rows(count: rows.count) { members, index in
                        let row = rows[index]
                        // cleanlab's table holds the names of the classes, or their numbers if it has no names.
                        members.string("given_label", names?[row.givenLabel] ?? String(row.givenLabel))
                        members.string("predicted_label", names?[row.predictedLabel] ?? String(row.predictedLabel))
                        members.integer("num_pixel_issues", row.issueCount)
                    }
                }
            }
        })
    }

    /// `GET /jobs/{id}/names`
    func showNames(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        try checkNoParameters(call.request)
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, _) = try self.finished(id)
                guard let names = job.details.names else {
                    throw Problem(
                        .noNames, "The images of the job have numbers alone.",
                        expected: "a job of folders, or with names",
                        actual: "no names")
                }
                return try .json { $0.manyStrings(names.all) }
            }
        })
    }

    /// `GET /jobs/{id}/statistics`
    func showStatistics(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        try checkNoParameters(call.request)
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let statistics = try self.finished(id).1.requireStatistics()
                return try .json { writer in
                    writer.object { StatisticsDocument(statistics).write(to: &$0) }
                }
            }
        })
    }
}

extension Job<ScoreJob> {
    /// The issues that a resource describes. If the request names a threshold, these are the pixels below it. Otherwise
    /// they are the label issues, or, if the job has none, the pixels below the job's own threshold or cleanlab's.
    fileprivate func issues(of scores: DatasetScores, threshold: Double?) -> JobIssues {
        let isFound = threshold == nil && scores.statistics != nil
        return JobIssues(
            scores: scores, below: isFound ? nil : IssuesFromScores(threshold: details.issueThreshold(threshold)))
    }
}

/// The issues of a job.
private struct JobIssues: Sendable {
    let scores: DatasetScores
    /// The threshold below which pixels are issues; nil if the issues are the scores' label issues.
    let below: IssuesFromScores?

    func count(image: Int) -> Int {
        let (part, index) = scores.locate(image)
        let plane = part.shape.pixelsPerImage
        if let below { return below.count(part.pixelScores, index * plane..<(index + 1) * plane) }
        return part.labelIssues?.counts.span[index] ?? 0
    }

    /// A mask for each part.
    ///
    /// - Throws: A 503 problem if memory is short.
    func masks() throws(Problem) -> [Buffer<UInt8>] {
        do throws(ScoringError) {
            return try scores.parts.map { (part) throws(ScoringError) in
                if let issues = part.labelIssues, below == nil { return issues.mask }
                return try (below ?? IssuesFromScores()).mask(part.pixelScores, 0..<part.pixelScores.count)
            }
        } catch {
            throw Problem(error)
        }
    }
}

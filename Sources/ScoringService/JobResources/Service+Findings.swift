import HTTPTypes
import Jobs
import Scoring
import ServiceInterface
import Tensors

/// What the arrays of a job come to: the worst images, the classes taken for others, and the numbers behind them.
extension Service {
    /// `GET /jobs/{id}/ranking`
    func showRanking(of id: JobID, _ request: IncomingRequest) throws(Problem) -> any Intake {
        try checkJSONIsAccepted(request)
        let parameters = try Parameters(target: request.head.path ?? "", known: ["limit", "threshold"])
        let limit = try parameters.integer("limit", in: 1...Int(Int32.max)) ?? 20
        let threshold = try parameters.threshold()
        return BodilessIntake(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let issues = job.issues(of: scores, threshold: threshold)
                return try .json { writer in
                    writer.object { members in
                        members.array("ranking", of: scores.ranking().prefix(limit)) { members, image in
                            members.integer("image", image)
                            members.number("score", scores.imageScores.span[image])
                            members.integer("num_pixel_issues", issues.count(image: image))
                        }
                    }
                }
            }
        })
    }

    /// `GET /jobs/{id}/summary`
    func showSummary(of id: JobID, _ request: IncomingRequest) throws(Problem) -> any Intake {
        try checkJSONIsAccepted(request)
        let parameters = try Parameters(
            target: request.head.path ?? "", known: ["class_names", "exclude", "top", "threshold"])
        let names = parameters.list("class_names")
        let excluded = try parameters.classes("exclude")
        let top = try parameters.integer("top", in: 1...Int(Int32.max)) ?? 20
        let threshold = try parameters.threshold()
        return BodilessIntake(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let classCount = scores.shape.classCount
                if let names, names.count != classCount {
                    throw .invalidParameter(
                        "class_names", expected: "\(classCount) names, one for each class",
                        actual: "\(names.count) names")
                }
                if let other = excluded.first(where: { $0 >= classCount }) {
                    throw .invalidParameter(
                        "exclude", expected: "classes from 0 to \(classCount - 1)", actual: String(other))
                }
                let mask = try job.issues(of: scores, threshold: threshold).mask()
                let summary = IssueSummary(mask, scores, excluding: Set(excluded))
                return try .json { writer in
                    writer.array(of: summary.rows.prefix(top)) { members, row in
                        // cleanlab's table holds names, and digits where it was given none.
                        members.string("given_label", names?[row.givenLabel] ?? String(row.givenLabel))
                        members.string("predicted_label", names?[row.predictedLabel] ?? String(row.predictedLabel))
                        members.integer("num_pixel_issues", row.issueCount)
                    }
                }
            }
        })
    }

    /// `GET /jobs/{id}/statistics`
    func showStatistics(of id: JobID, _ request: IncomingRequest) throws(Problem) -> any Intake {
        try checkJSONIsAccepted(request)
        try checkNoParameters(request)
        return BodilessIntake(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let statistics = try self.finished(id).1.requireLabelIssues().statistics
                return try .json { writer in
                    writer.object { StatisticsDocument(statistics).write(to: &$0) }
                }
            }
        })
    }
}

extension Job<ScoreJob> {
    /// The issues that a resource speaks of: those below the threshold that it asks for; without one the label issues, or
    /// where there are none those below the job's own threshold, or cleanlab's.
    fileprivate func issues(of scores: SegmentationScores, threshold: Double?) -> JobIssues {
        if threshold == nil, let labelIssues = scores.labelIssues { return .found(labelIssues) }
        return .below(IssuesFromScores(threshold: details.issueThreshold(threshold)), scores)
    }
}

/// The issues of a job.
private enum JobIssues {
    case found(LabelIssues)
    case below(IssuesFromScores, SegmentationScores)

    func count(image: Int) -> Int {
        switch self {
        case .found(let issues): issues.counts[image]
        case .below(let issues, let scores):
            issues.count(
                scores.pixelScores, image * scores.shape.pixelsPerImage..<(image + 1) * scores.shape.pixelsPerImage)
        }
    }

    /// - Throws: 503 where memory is short.
    func mask() throws(Problem) -> Buffer<UInt8> {
        do throws(ScoringError) {
            return switch self {
            case .found(let issues): issues.mask
            case .below(let issues, let scores): try issues.mask(scores.pixelScores, 0..<scores.pixelScores.count)
            }
        } catch {
            throw Problem(error)
        }
    }
}

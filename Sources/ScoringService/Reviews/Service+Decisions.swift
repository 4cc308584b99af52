import DatasetScoring
import Foundation
import HTTPTypes
import Jobs
import JobStorage
import Scoring
import ServiceInterface
import WebService

/// The endpoints for what reviewers decide about regions.
extension Service {
    /// The most decisions that one request may bring.
    static let mostDecisions = 10_000

    /// `PUT /jobs/{id}/decisions/{region}`
    func putDecision(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        let query = try RegionQuery(
            try Parameters(target: call.request.head.path ?? "", known: RegionQuery.namesOfKind))
        let text = call["region"] ?? ""
        return try MessageHandler(of: call.request, limit: 64 << 10) { [self] body, answer in
            commit(answer) { () throws(Problem) in
                let message = try JSONMessage.decode(DecisionMessage.self, from: body)
                try message.refuseRegion()
                return try self.reading { () throws(Problem) in
                    let (job, scores) = try self.finished(id)
                    let decision = try self.decision(message, on: text, query, job, scores, reviewer: nil)
                    try self.decisions(on: id).add([decision])
                    return .done(.ok) { writer in
                        writer.object { DecisionDocument(decision, in: scores, job.details.names).write(to: &$0) }
                    }
                }
            }
        }
    }

    /// `POST /jobs/{id}/decisions`
    func addDecisions(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        let query = try RegionQuery(
            try Parameters(target: call.request.head.path ?? "", known: RegionQuery.namesOfKind))
        return try MessageHandler(of: call.request, limit: 4 << 20) { [self] body, answer in
            commit(answer) { () throws(Problem) in
                // What is read from the text takes several times its size.
                let message = try Problem.reserving(8 * body.count) { () throws(Problem) in
                    try JSONMessage.decode(DecisionsMessage.self, from: body)
                }
                _ = try DecisionMessage.reviewer(message.reviewer ?? "")
                guard message.decisions.count <= Self.mostDecisions else {
                    throw Problem(
                        .invalidParameter, "These are more decisions than one request may bring.",
                        parameter: "decisions", expected: "at most \(Self.mostDecisions)",
                        actual: "\(message.decisions.count)")
                }
                return try self.reading { () throws(Problem) in
                    let (job, scores) = try self.finished(id)
                    let decisions = try message.decisions.map { (each) throws(Problem) in
                        try self.decision(
                            each, on: try each.requireRegion(), query, job, scores, reviewer: message.reviewer)
                    }
                    try self.decisions(on: id).add(decisions)
                    return .done(.ok) { writer in
                        writer.object { $0.integer("decided", decisions.count) }
                    }
                }
            }
        }
    }

    /// `DELETE /jobs/{id}/decisions/{region}`
    func withdrawDecision(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        let parameters = try Parameters(
            target: call.request.head.path ?? "", known: RegionQuery.namesOfKind + ["reviewer"])
        let query = try RegionQuery(parameters)
        let reviewer = try DecisionMessage.reviewer(parameters.string("reviewer") ?? "")
        let text = call["region"] ?? ""
        return BodilessHandler(later: { [self] answer in
            commit(answer) { () throws(Problem) in
                try self.reading { () throws(Problem) in
                    let (job, scores) = try self.finished(id)
                    let kind = try query.kind(job, scores)
                    let region = try self.regions(of: job, scores, kind).region(text, in: scores)
                    let decisions = self.decisions(on: id)
                    let standing = try decisions.read().standing(region.place(of: kind))
                    guard standing.contains(where: { $0.reviewer == reviewer }) else {
                        throw Problem(
                            .decisionNotFound, "The reviewer has not decided about the region \"\(text)\".",
                            parameter: "reviewer", expected: "one who has", actual: reviewer)
                    }
                    try decisions.add([
                        Decision(
                            region.place(of: kind), given: Int(region.given), suggested: Int(region.suggested),
                            .withdrawn, label: nil, reviewer: reviewer, note: nil, decidedAt: Date())
                    ])
                    return Response(HTTPResponse(status: .noContent))
                }
            }
        })
    }

    /// The decision that a message is.
    ///
    /// - Throws: A 404 problem if there is no such region; 400 for a value that is not allowed.
    private func decision(
        _ message: DecisionMessage, on region: String, _ query: RegionQuery, _ job: Job<ScoreJob>,
        _ scores: DatasetScores, reviewer: String?
    ) throws(Problem) -> Decision {
        let kind = try query.kind(job, scores)
        let region = try regions(of: job, scores, kind).region(region, in: scores)
        return try message.decision(
            on: region, of: kind, classCount: scores.classCount, reviewer: reviewer, at: Date())
    }

    /// `GET /jobs/{id}/decisions`
    func showDecisions(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        let format = try MediaType.negotiated(
            call.request.head.headerFields[.accept], offers: [.json, .csv, .jsonLines])
        let parameters = try Parameters(target: call.request.head.path ?? "", known: ["limit", "cursor"])
        let limit = try parameters.integer("limit", in: 1...Self.mostDecisions) ?? 100
        let cursor = try parameters.cursor() ?? 0
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let log = try self.decisions(on: id).read()
                let names = job.details.names
                func document(_ number: Int) -> DecisionDocument { DecisionDocument(log[number], in: scores, names) }
                switch format {
                case .csv:
                    return try .lines(
                        .csv, header: Array((DecisionDocument.header + "\r\n").utf8), count: log.count
                    ) { log.holds($0) ? Array(DecisionDocument(log[$0], in: scores, names).line.utf8) : nil }
                case .jsonLines:
                    return try .lines(.jsonLines, count: log.count) {
                        DecisionDocument(log[$0], in: scores, names).jsonLine
                    }
                default: break
                }
                let held = (0..<log.count).filter(log.holds)
                let page = held.filter { $0 >= cursor }.prefix(limit + 1)
                return try .json { writer in
                    writer.object { members in
                        members.integer("total", held.count)
                        members.array("decisions", of: page.prefix(limit)) { members, number in
                            document(number).write(to: &members)
                        }
                        members.string("next", page.count > limit ? page.last.map(String.init) : nil)
                    }
                }
            }
        })
    }

    /// `GET /jobs/{id}/decisions/summary`
    func showDecisionSummary(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        let query = try RegionQuery(
            try Parameters(target: call.request.head.path ?? "", known: RegionQuery.namesOfKind))
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let kind = try query.kind(job, scores)
                let summary = DecisionSummary(try self.decisions(on: id).read(), of: kind)
                return try .json { writer in writer.object { summary.write(to: &$0) } }
            }
        })
    }
}

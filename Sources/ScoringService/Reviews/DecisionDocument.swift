import DatasetScoring
import Foundation
import JobStorage
import Scoring
import WebService

/// What is told of a decision: members of a JSON object, or a line of CSV.
struct DecisionDocument {
    /// The header of the CSV.
    static let header = "region,of,threshold,image,name,given,suggested,verdict,label,note,reviewer,decided_at"

    private let decision: Decision
    private let name: String?
    private let region: String

    init(_ decision: Decision, in scores: DatasetScores, _ names: NameList?) {
        self.decision = decision
        let place = decision.place
        name = names?[place.image]
        region = RegionDocument.id(
            image: place.image, firstPixel: place.firstPixel, in: scores.locate(place.image).part.shape.labels)
    }

    func write(to members: inout JSONWriter.Members) {
        let place = decision.place
        members.string("region", region)
        members.string("of", place.kind.source.rawValue)
        members.number("threshold", place.kind.threshold)
        members.integer("image", place.image)
        if let name { members.string("name", name) }
        members.integer("given", decision.given)
        members.integer("suggested", decision.suggested)
        members.string("verdict", decision.verdict.rawValue)
        members.integer("label", decision.label)
        members.string("note", decision.note)
        members.string("reviewer", decision.reviewer.isEmpty ? nil : decision.reviewer)
        members.string("decided_at", time)
    }

    /// The line of CSV, with its end.
    var line: String {
        CSV.line([
            region, decision.place.kind.source.rawValue, decision.place.kind.threshold?.description ?? "",
            String(decision.place.image), name ?? "", String(decision.given), String(decision.suggested),
            decision.verdict.rawValue, decision.label.map(String.init) ?? "", decision.note ?? "", decision.reviewer,
            time,
        ])
    }

    /// A line of JSON, with its end.
    var jsonLine: [UInt8] {
        var writer = JSONWriter()
        writer.object { write(to: &$0) }
        return writer.text + [UInt8(ascii: "\n")]
    }

    private var time: String {
        decision.decidedAt.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}

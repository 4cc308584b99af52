import JobStorage
import Scoring
import WebService

/// How many regions were decided in which way, by their label and the class that the model suggests.
struct DecisionSummary {
    private struct Pair: Hashable {
        let given: Int
        let suggested: Int
    }

    /// What became of the regions of a pair.
    private struct Cell {
        var counts: [Decision.Verdict: Int] = [:]
        /// How many of the regions reviewers are sure of different things about.
        var disputed = 0
    }

    private var cells: [Pair: Cell] = [:]

    /// - Parameter kind: The kind of the regions that count.
    init(_ log: DecisionLog, of kind: RegionKind) {
        for decision in log.lastWords() where decision.place.kind == kind {
            let pair = Pair(given: decision.given, suggested: decision.suggested)
            cells[pair, default: Cell()].counts[decision.verdict, default: 0] += 1
            if log.standing(decision.place).isDispute { cells[pair, default: Cell()].disputed += 1 }
        }
    }

    func write(to members: inout JSONWriter.Members) {
        members.integer("decided", cells.values.reduce(0) { $0 + $1.counts.values.reduce(0, +) })
        members.integer("disputed", cells.values.reduce(0) { $0 + $1.disputed })
        let sorted = cells.sorted { ($0.key.given, $0.key.suggested) < ($1.key.given, $1.key.suggested) }
        members.array("cells", of: sorted) { members, cell in
            members.integer("given", cell.key.given)
            members.integer("suggested", cell.key.suggested)
            for verdict in [Decision.Verdict.wrong, .fine, .unsure] {
                members.integer(verdict.rawValue, cell.value.counts[verdict] ?? 0)
            }
            members.integer("disputed", cell.value.disputed)
        }
    }
}

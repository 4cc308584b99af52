import Scoring
import WebService

/// The JSON document with the numbers that decided which pixels are label issues.
struct StatisticsDocument {
    private let statistics: LabelIssues.Statistics

    init(_ statistics: LabelIssues.Statistics) {
        self.statistics = statistics
    }

    func write(to members: inout JSONWriter.Members) {
        members.integer("downsample", statistics.downsample)
        members.integer("num_pixels", statistics.cellCount)
        members.integer("num_issues", statistics.issueCount)
        if let cut = statistics.cut {
            members.object("cut") { members in
                members.number("score", cut.score)
                members.integer("below", cut.countBelow)
                members.integer("ties", cut.ties)
            }
        } else {
            members.string("cut", nil)
        }
        let thresholds = statistics.thresholds
        members.array("classes", of: thresholds.values.enumerated()) { members, element in
            members.integer("class", element.offset)
            members.integer("count", Int(thresholds.counts[element.offset]))
            members.number("sum", thresholds.sums[element.offset])
            members.numbers("sum_parts", thresholds.parts[element.offset])
            members.number("confident_threshold", element.element)
        }
    }
}

import Scoring
import Threads

extension ImageLoop {
    /// A lane a processor, on threads of their own while there is work for them.
    package init(processors: Int) {
        self.init(lanes: processors) { lanes, lane in Lanes.perform(lanes, lane) }
    }
}

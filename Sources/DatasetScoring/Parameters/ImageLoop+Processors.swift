import Scoring
import Threads

extension ImageLoop {
    /// Creates a loop with one lane for each processor. The lanes run on threads of their own while there is work for
    /// them.
    package init(processors: Int) {
        self.init(lanes: processors) { lanes, lane in Lanes.perform(lanes, lane) }
    }
}

import Dispatch
import Scoring

extension ImageLoop {
    /// A lane a processor, on threads of their own while there is work for them.
    init(processors: Int) {
        self.init(lanes: processors) { lanes, lane in
            DispatchQueue.concurrentPerform(iterations: lanes, execute: lane)
        }
    }
}

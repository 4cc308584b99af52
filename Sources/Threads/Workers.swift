import DequeModule
import Dispatch
import Synchronization

/// Does pieces of work in the order that they come, a bounded number of them at once.
///
/// Operations run on the threads of dispatch's global queue, of which there are as many as processors. Work that waits
/// for a disk would take them away from others, so each worker here has a thread of its own while there is something to
/// do.
package final class Workers: Sendable {
    private struct State {
        var waiting: Deque<@Sendable () -> Void> = []
        var idle: [DispatchQueue]
    }
    private let state: Mutex<State>

    /// - Parameters:
    ///   - name: The name that debuggers show for the threads.
    ///   - count: How many pieces of work are done at once, at least 1.
    package init(_ name: String, count: Int) {
        precondition(count >= 1)
        state = Mutex(State(idle: (0..<count).map { DispatchQueue(label: "\(name).\($0)") }))
    }

    /// Has a piece of work done by the next worker that is free.
    package func perform(_ work: @escaping @Sendable () -> Void) {
        let worker = state.withLock { state in
            state.waiting.append(work)
            return state.idle.popLast()
        }
        guard let worker else { return }
        worker.async { while let next = self.next(of: worker) { next() } }
    }

    /// The work that has waited longest; if none waits, the worker becomes idle.
    private func next(of worker: DispatchQueue) -> (@Sendable () -> Void)? {
        state.withLock { state in
            if let work = state.waiting.popFirst() { return work }
            state.idle.append(worker)
            return nil
        }
    }
}

import Dispatch
import Synchronization

/// Does work in the order that it comes, a bounded number of works at once.
///
/// Unlike operations, whose threads are those of dispatch's global queue, works that wait for a disk take no thread away from
/// others: each of the workers has one of its own while there is something to do.
package final class Workers: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var idle: [DispatchQueue]
    }
    private let state: Mutex<State>

    /// - Parameters:
    ///   - name: For debuggers.
    ///   - count: How much is done at once, at least 1.
    package init(_ name: String, count: Int) {
        precondition(count >= 1)
        state = Mutex(State(idle: (0..<count).map { DispatchQueue(label: "\(name).\($0)") }))
    }

    /// Does something soon.
    package func perform(_ work: @escaping @Sendable () -> Void) {
        let worker = state.withLock { state in
            state.waiting.append(work)
            return state.idle.popLast()
        }
        guard let worker else { return }
        worker.async { while let next = self.next(of: worker) { next() } }
    }

    /// The work that has waited longest; where there is none, the worker is idle.
    private func next(of worker: DispatchQueue) -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.idle.append(worker)
            return nil
        }
    }
}

import Synchronization

/// A body that is written while it is sent, such as server-sent events.
///
/// One side writes from any thread; the server reads, and is woken when there is more. What is written and not yet read
/// is kept, so writers keep it small.
package final class ByteStream: Sendable {
    /// What a reader finds.
    package enum Next {
        case bytes([UInt8])
        /// Nothing yet; the reader will be woken.
        case later
        case end
    }

    private struct State {
        var pending: [UInt8] = []
        var isFinished = false
        var isClosed = false
        var wake: (@Sendable () -> Void)?
    }
    private let state = Mutex(State())

    package init() {}

    /// Whether the reader is gone: what is written now is dropped.
    package var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Adds bytes to the end.
    package func write(_ bytes: some Sequence<UInt8>) {
        change { state in
            if !state.isFinished && !state.isClosed { state.pending.append(contentsOf: bytes) }
        }
    }

    /// Ends the body, behind what was written.
    package func finish() {
        change { $0.isFinished = true }
    }

    /// Takes what there is.
    ///
    /// - Parameters:
    ///   - limit: The most bytes to take, at least 1.
    ///   - wake: Called once, from any thread, when there is more after ``Next/later``.
    package func next(limit: Int, wake: @escaping @Sendable () -> Void) -> Next {
        state.withLock { state in
            guard state.pending.isEmpty else {
                let bytes = Array(state.pending.prefix(limit))
                state.pending.removeFirst(bytes.count)
                return .bytes(bytes)
            }
            guard !state.isFinished else { return .end }
            state.wake = wake
            return .later
        }
    }

    /// The reader wants no more.
    package func close() {
        state.withLock { state in
            state.isClosed = true
            state.pending = []
            state.wake = nil
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let wake = state.withLock { state in
            body(&state)
            defer { state.wake = nil }
            return state.wake
        }
        wake?()
    }
}

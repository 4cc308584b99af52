import Synchronization

/// A body that is written while it is sent, such as server-sent events, or a long text.
///
/// Either one side writes from any thread; the server reads, and is woken when there is more. What is written and not yet read
/// is kept, so writers keep it small. Or the body is made piece by piece, on a worker, each piece when the one before has been
/// read: so that no more than two are there at a time, however long the body is and however slowly it is read.
package final class ByteStream: Sendable {
    /// What a reader finds.
    package enum Next {
        case bytes([UInt8])
        /// Nothing yet; the reader will be woken.
        case later
        case end
        /// The body ends in its midst, which the client is to notice.
        case cut
    }

    /// Makes the next piece of a body, of at least a byte; nil at its end. Called by one thread at a time.
    package typealias Source = @Sendable () -> [UInt8]?

    /// Does something on a worker.
    package typealias Perform = @Sendable (@escaping @Sendable () -> Void) -> Void

    private struct State {
        var pending: [UInt8] = []
        /// How much of `pending` has been read.
        var readCount = 0
        /// Nil where there is no more, or somebody else writes.
        var source: Source?
        var perform: Perform?
        /// Nil where pieces cannot be wrong.
        var isSound: (@Sendable () -> Bool)?
        var isMaking = false
        var isFinished = false
        var isCut = false
        var isClosed = false
        var wake: (@Sendable () -> Void)?

        var hasBytes: Bool { readCount < pending.count }

        mutating func take(_ limit: Int) -> [UInt8] {
            let end = min(readCount + limit, pending.count)
            defer { readCount = end }
            if readCount == 0, end == pending.count { return pending }
            return Array(pending[readCount..<end])
        }

        mutating func add(_ bytes: some Sequence<UInt8>) {
            if !hasBytes { (pending, readCount) = ([], 0) }
            pending.append(contentsOf: bytes)
        }

        /// What holds what the body is made of: to be let go when the lock is free.
        mutating func letGo() -> Source? {
            defer { source = nil }
            return source
        }

        /// Whether the next piece is to be made.
        mutating func beginsToMake() -> Perform? {
            guard source != nil, !isMaking, !hasBytes, let perform else { return nil }
            isMaking = true
            return perform
        }
    }
    private let state = Mutex(State())

    package init() {}

    /// A body that is made piece by piece, once ``begin(on:)`` has said where.
    ///
    /// - Parameter source: Let go when the body is made, or nobody reads it any more.
    package init(pieces source: @escaping Source) {
        state.withLock { $0.source = source }
    }

    /// Says on which workers pieces are made. Does nothing where somebody writes.
    package func begin(on perform: @escaping Perform) {
        state.withLock { if $0.source != nil { $0.perform = perform } }
    }

    /// Makes the first piece now, on the thread that calls, before anybody reads. Does nothing where somebody writes.
    ///
    /// - Parameter isSound: Asked each time that a later piece has been made; where it is not sound, the body is cut off ahead of it.
    package func makeFirst(laterProvedBy isSound: @escaping @Sendable () -> Bool) {
        let isMade = state.withLock { state in
            state.isMaking = state.source != nil
            return state.isMaking
        }
        guard isMade else { return }
        make()
        state.withLock { $0.isSound = isSound }
    }

    /// Whether the reader is gone: what is written now is dropped.
    package var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Adds bytes to the end.
    package func write(_ bytes: some Sequence<UInt8>) {
        change { state in
            if !state.isFinished && !state.isClosed { state.add(bytes) }
            return nil
        }
    }

    /// Ends the body, behind what was written; cuts it off where it is made and not done.
    package func finish() {
        change { state in
            state.isFinished = true
            state.isCut = state.source != nil
            return state.letGo()
        }
    }

    /// Takes what there is.
    ///
    /// - Parameters:
    ///   - limit: The most bytes to take, at least 1.
    ///   - wake: Called once, from any thread, when there is more after ``Next/later``.
    package func next(limit: Int, wake: @escaping @Sendable () -> Void) -> Next {
        let (next, perform): (Next, Perform?) = state.withLock { state in
            guard !state.hasBytes else {
                let bytes = state.take(limit)
                // The next piece is made while this one is on its way.
                return (.bytes(bytes), state.beginsToMake())
            }
            guard !state.isFinished else { return (state.isCut ? .cut : .end, nil) }
            state.wake = wake
            return (.later, state.beginsToMake())
        }
        perform?({ self.make() })
        return next
    }

    private func make() {
        let (source, isSound) = state.withLock { ($0.source, $0.isSound) }
        guard let source else { return }
        let piece = source()
        let isCut = !(isSound?() ?? true)
        change { state in
            state.isMaking = false
            guard !state.isFinished, !state.isClosed else { return nil }
            state.isCut = isCut
            if let piece, !isCut {
                (state.pending, state.readCount) = (piece, 0)
                return nil
            }
            state.isFinished = true
            return state.letGo()
        }
    }

    /// The reader wants no more.
    package func close() {
        let held = state.withLock { state in
            state.isClosed = true
            state.pending = []
            state.readCount = 0
            state.wake = nil
            return state.letGo()
        }
        _ = held
    }

    private func change(_ body: (inout State) -> Source?) {
        let (wake, held) = state.withLock { state in
            let held = body(&state)
            defer { state.wake = nil }
            return (state.wake, held)
        }
        wake?()
        _ = held
    }
}

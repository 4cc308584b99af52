import Synchronization

/// A body that is written while it is sent, such as server-sent events or a long text.
///
/// A stream is filled in one of two ways. A writer adds bytes from any thread with ``write(_:)``, and the server, which
/// reads them, is woken if there are more. Bytes that the server has not read yet stay in memory, so a writer keeps
/// them few. Or a ``Source`` makes the body piece by piece on a worker, each piece once the server has read the one
/// before. Memory then holds at most two pieces, however long the body is and however slowly the client reads it.
package final class ByteStream: Sendable {
    /// What ``next(limit:wake:)`` finds.
    package enum Next {
        case bytes([UInt8])
        /// There is nothing yet; the reader's `wake` will be called.
        case later
        case end
        /// The body breaks off, and the client has to learn that it is not complete.
        case cut
    }

    /// Makes the next piece of a body, of at least one byte, or returns nil at the end of the body. One thread at a
    /// time calls it. If it throws, the body is cut off.
    package typealias Source = @Sendable () throws(CutOff) -> [UInt8]?

    /// A body cannot be made to its end.
    package struct CutOff: Error {
        package init() {}
    }

    /// Runs an action on a worker.
    package typealias Perform = @Sendable (@escaping @Sendable () -> Void) -> Void

    private struct State {
        var pending: [UInt8] = []
        /// How many bytes of `pending` the server has read.
        var readCount = 0
        /// Nil if the body is made already, or if a writer fills the stream.
        var source: Source?
        var perform: Perform?
        /// Tells whether the pieces made so far can be trusted; nil if no piece can turn out to be wrong.
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

        /// Takes the source out of the state. The caller drops it once the lock is free, because the arrays that a
        /// source owns may take long to release.
        mutating func letGo() -> Source? {
            defer { source = nil }
            return source
        }

        /// Marks the next piece as being made if one is due.
        ///
        /// - Returns: What the piece is to be made on; nil if no piece is due.
        mutating func beginsToMake() -> Perform? {
            guard source != nil, !isMaking, !hasBytes, let perform else { return nil }
            isMaking = true
            return perform
        }
    }
    private let state = Mutex(State())

    /// Creates a stream that a writer fills.
    package init() {}

    /// A body that a source makes piece by piece, as soon as ``begin(on:)`` has named the workers for it.
    ///
    /// - Parameter source: The stream releases it when the body is made, or when nobody reads the body any more.
    package init(pieces source: @escaping Source) {
        state.withLock { $0.source = source }
    }

    /// Names the workers that make the pieces. Has no effect on a stream that a writer fills.
    package func begin(on perform: @escaping Perform) {
        state.withLock { if $0.source != nil { $0.perform = perform } }
    }

    /// Makes the first piece now, on the calling thread and before anybody reads. Has no effect on a stream that a
    /// writer fills.
    ///
    /// - Parameter isSound: Is asked each time that a later piece has been made. If it answers false, the body is cut
    ///   off ahead of that piece.
    package func makeFirst(laterProvedBy isSound: @escaping @Sendable () -> Bool) {
        let isMade = state.withLock { state in
            state.isMaking = state.source != nil
            return state.isMaking
        }
        guard isMade else { return }
        make()
        state.withLock { $0.isSound = isSound }
    }

    /// Whether the reader is gone. Bytes that are written afterwards are dropped.
    package var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Adds bytes to the end of the body. Bytes that come after ``finish()`` are dropped.
    package func write(_ bytes: some Sequence<UInt8>) {
        change { state in
            if !state.isFinished && !state.isClosed { state.add(bytes) }
            return nil
        }
    }

    /// Ends the body behind the bytes that were written. If a source makes the body and is not done, the body is cut
    /// off.
    package func finish() {
        change { state in
            state.isFinished = true
            state.isCut = state.source != nil
            return state.letGo()
        }
    }

    /// Takes the bytes that there are.
    ///
    /// - Parameters:
    ///   - limit: The most bytes to take, at least 1.
    ///   - wake: Is called once, from any thread, when there is more to read after ``Next/later``.
    package func next(limit: Int, wake: @escaping @Sendable () -> Void) -> Next {
        let (next, perform): (Next, Perform?) = state.withLock { state in
            guard !state.hasBytes else {
                let bytes = state.take(limit)
                // The next piece is made while this one is being sent.
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
        var (piece, hasFailed) = ([UInt8]?.none, false)
        do throws(CutOff) {
            piece = try source()
        } catch {
            hasFailed = true
        }
        let isCut = hasFailed || !(isSound?() ?? true)
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

    /// Tells the stream that its reader wants no more bytes.
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

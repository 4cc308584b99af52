/// Has TCP acknowledge bytes as soon as they are read, while the rest of a piece is still being looked at.
///
/// A client whose buffers are full waits for the acknowledgement and then goes on sending. With 176 MB over the
/// loopback device this saved an eighth of the time.
struct EarlyAcknowledgement {
    private static let stepByteCount = 32 << 10

    /// Whether the socket can acknowledge. Unix sockets cannot.
    private var isPossible = true

    /// Passes a piece of a body on in steps, and acknowledges between them the bytes that have been read.
    ///
    /// - Parameters:
    ///   - bytes: The piece.
    ///   - connection: The connection over which the piece came.
    ///   - isIdle: Whether some thread has nothing to do. If more requests are under way than there are threads, no
    ///     thread waits for bytes, and the system calls would only cost time.
    ///   - receive: Takes the steps.
    mutating func pass(
        _ bytes: borrowing Span<UInt8>, from connection: Connection, isIdle: @autoclosure () -> Bool,
        to receive: (borrowing Span<UInt8>) -> AccessCall.Step
    ) -> AccessCall.Step {
        let isWorthIt = bytes.count > Self.stepByteCount && isIdle()
        var start = 0
        repeat {
            let end = isWorthIt && isPossible ? min(start + Self.stepByteCount, bytes.count) : bytes.count
            guard receive(bytes.extracting(start..<end)) == .goOn else { return .closeConnection }
            start = end
            if start < bytes.count { isPossible = connection.acknowledge() }
        } while start < bytes.count
        return .goOn
    }
}

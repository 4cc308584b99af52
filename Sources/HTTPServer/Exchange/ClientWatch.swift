import Dispatch
import ServiceInterface
import Synchronization

/// Watches over the client of one request: whether the request still arrives, and fast enough, and whether the client
/// is there.
///
/// `@unchecked Sendable`: `bytesSinceEnough` is touched by the connection's daemon thread alone; `departing` is set by
/// that thread before it suspends the connection, and read by others only once it is suspended, which the reply's lock
/// tells them.
final class ClientWatch: @unchecked Sendable {
    private let connection: Connection
    private let reply: PendingReply
    /// When the client had last sent enough of the request, in nanoseconds of uptime.
    private let lastReceived: Atomic<UInt64>
    private let expired = Atomic(false)
    /// How many bytes of the body came since ``lastReceived``.
    private var bytesSinceEnough = 0
    private var departing: (any BodySink)?

    /// - Parameter time: When the first line was in, in nanoseconds of uptime.
    init(_ connection: Connection, _ reply: PendingReply, since time: UInt64) {
        self.connection = connection
        self.reply = reply
        lastReceived = Atomic(time)
    }

    /// Whether the request was refused for not arriving.
    var isExpired: Bool { expired.load(ordering: .relaxed) }

    /// Whether the socket has nothing more to read and never will; false over TLS, where that is not the end.
    ///
    /// libmicrohttpd 0.9.75 takes a short read for the end of what there is, and where the client's close came in the
    /// same edge-triggered event as the bytes before it, it never hears of the close: the request would hang until it
    /// is idle for too long.
    ///
    /// Of TLS it reads until there is no more, and there the end of the socket says nothing: what came before it may
    /// wait decrypted.
    var isAtEnd: Bool { !connection.listener.isSecure && connection.isAtEnd }

    /// Takes note of a piece of the body.
    func received(_ byteCount: Int) {
        bytesSinceEnough += byteCount
        if bytesSinceEnough >= connection.core.configuration.enoughBytes {
            bytesSinceEnough = 0
            lastReceived.store(DispatchTime.now().uptimeNanoseconds, ordering: .relaxed)
        }
    }

    /// Refuses a request that has stopped arriving, or comes too slowly: what the library would do is to close without
    /// a word.
    ///
    /// An answer may not be queued before the body is complete, so it is written to the socket by hand, which is then
    /// shut down; the library sees that as a client that went away. Nothing is written into a TLS connection, where
    /// only the library knows the keys.
    ///
    /// - Parameters:
    ///   - deadline: In nanoseconds of uptime; who has sent enough since is left alone.
    ///   - answer: What is written.
    func expire(before deadline: UInt64, with answer: () -> [UInt8]) {
        reply.expire(if: { lastReceived.load(ordering: .relaxed) < deadline }) {
            expired.store(true, ordering: .relaxed)
            connection.shutDown(behind: connection.listener.isSecure ? [] : answer())
        }
    }

    /// Tells the library, where a request is not complete, of a client that has closed its side: the exchange asks for
    /// ``isAtEnd`` itself, but only when a piece of a body is in.
    ///
    /// To end the reading, which has ended anyway, makes the event that the library missed.
    func noticeEnd() {
        reply.whileOpen {
            if isAtEnd { connection.endReceiving() }
        }
    }

    /// The request ends with its client. To be called before the connection is suspended.
    ///
    /// - Parameter sink: Told when the client has left.
    func endWithClient(_ sink: any BodySink) {
        departing = sink
    }

    /// Has the system tell of a hang-up, where the request ends with its client. To be called with the connection
    /// suspended.
    func beginWaiting(for exchange: Exchange) {
        if departing != nil { connection.core.hangUps.watch(connection, for: exchange) }
    }

    /// Ends a request whose client has hung up while the connection is suspended.
    func noticeHangUp() {
        let hasLeft = reply.leave(if: { departing != nil && connection.hasHungUp })
        if hasLeft { departing?.clientLeft() }
    }
}

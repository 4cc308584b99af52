import Dispatch
import ServiceInterface
import Synchronization

/// Watches the client of one request: whether the request still arrives fast enough, and whether the client is still
/// there.
///
/// `@unchecked Sendable`: only the connection's daemon thread touches `bytesSinceEnough`. That thread sets `departing`
/// before it suspends the connection, and other threads read it only after they have learned of the suspension from the
/// reply's lock.
final class ClientWatch: @unchecked Sendable {
    private let connection: Connection
    private let reply: PendingReply
    /// The time at which the client had last sent enough of the request, in nanoseconds of uptime.
    private let lastReceived: Atomic<UInt64>
    private let expired = Atomic(false)
    /// How many bytes of the body have come since ``lastReceived``.
    private var bytesSinceEnough = 0
    /// The sink of a request that ends with its client; nil for other requests.
    private var departing: (any BodySink)?

    /// - Parameter time: The time at which the first line was in, in nanoseconds of uptime.
    init(_ connection: Connection, _ reply: PendingReply, since time: UInt64) {
        self.connection = connection
        self.reply = reply
        lastReceived = Atomic(time)
    }

    /// Whether the request was refused because it did not arrive.
    var isExpired: Bool { expired.load(ordering: .relaxed) }

    /// Whether the socket has nothing more to read and never will. Over TLS the answer is always false.
    ///
    /// libmicrohttpd 0.9.75 takes a short read for the end of the available bytes. If the client's close came in the
    /// same edge-triggered event as the bytes before it, the library never hears of the close, and the request would
    /// hang until the idle timeout.
    ///
    /// Over TLS the library reads until there is no more, and the end of the socket does not mean the end of the
    /// request: decrypted bytes may still wait in the library.
    var isAtEnd: Bool { !connection.listener.isSecure && connection.isAtEnd }

    /// Notes that a piece of the body has arrived.
    func received(_ byteCount: Int) {
        bytesSinceEnough += byteCount
        if bytesSinceEnough >= connection.core.configuration.enoughBytes {
            bytesSinceEnough = 0
            lastReceived.store(DispatchTime.now().uptimeNanoseconds, ordering: .relaxed)
        }
    }

    /// Refuses a request that has stopped arriving, or arrives too slowly. The library would close the connection
    /// without a word.
    ///
    /// The library takes no answer before the body is complete, so the answer is written to the socket directly. The
    /// socket is then shut down, which the library sees as a client that went away. Nothing is written into a TLS
    /// connection, because only the library has its keys.
    ///
    /// - Parameters:
    ///   - deadline: In nanoseconds of uptime. A client that has sent enough since then is left alone.
    ///   - answer: Makes the bytes that are written.
    func expire(before deadline: UInt64, with answer: () -> [UInt8]) {
        reply.expire(if: { lastReceived.load(ordering: .relaxed) < deadline }) {
            expired.store(true, ordering: .relaxed)
            connection.shutDown(behind: connection.listener.isSecure ? [] : answer())
        }
    }

    /// Tells the library if the client of an incomplete request has closed its side. The exchange looks at ``isAtEnd``
    /// itself, but only when a piece of a body has arrived.
    ///
    /// Reading has ended already; ending it once more makes the event that the library missed.
    func noticeEnd() {
        reply.whileOpen {
            if isAtEnd { connection.endReceiving() }
        }
    }

    /// Ends the request if its client leaves. Has to be called before the connection is suspended.
    ///
    /// - Parameter sink: Is told if the client has left.
    func endWithClient(_ sink: any BodySink) {
        departing = sink
    }

    /// Has the system report a hang-up if the request ends with its client. Has to be called while the connection is
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

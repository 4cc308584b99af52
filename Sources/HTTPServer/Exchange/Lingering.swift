import CSockets
import Dispatch
import Glibc
import Synchronization

/// Sockets whose last answer is out while their clients may still be sending. What comes is dropped for a while, before
/// a socket is closed.
///
/// If a socket is closed while bytes are unread, or if more arrive afterwards, the system resets the connection. A
/// client that is still sending then fails before it looks at the answer, and a proxy answers 502 in its place (RFC
/// 9112, section 9.6). Therefore only the sending side is shut down at first. The rest is read until the client ends,
/// falls silent, takes too long, or has sent more than enough.
///
/// `@unchecked Sendable`: only `queue` touches the members that change, except for the count, which is atomic.
final class Lingering: @unchecked Sendable {
    /// How long a client is read from in all, in nanoseconds.
    private static let patience: UInt64 = 30_000_000_000
    /// How long a client may send nothing, in nanoseconds.
    private static let silence: UInt64 = 5_000_000_000
    /// How many bytes are read from a client: a body that one machine sends to another in a second or two.
    private static let maxBytes = 256 << 20
    /// After how many bytes it is another socket's turn.
    private static let turnBytes = 1 << 20

    private final class Socket {
        let source: any DispatchSourceRead
        let since = DispatchTime.now().uptimeNanoseconds
        var lastReceived = DispatchTime.now().uptimeNanoseconds
        var byteCount = 0

        init(_ source: any DispatchSourceRead) {
            self.source = source
        }
    }

    private let limit: Int
    private let queue = DispatchQueue(label: "segscore.lingering")
    /// The sockets by their descriptors, which are closed when the sources are canceled.
    private var sockets: [Int32: Socket] = [:]
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private let openCount = Atomic(0)

    /// - Parameter limit: How many sockets may linger at once. For one more, the socket that came first is closed.
    init(limit: Int) {
        self.limit = limit
    }

    /// How many sockets are open.
    var count: Int { openCount.load(ordering: .relaxed) }

    /// Takes a socket, and closes it later.
    func add(_ descriptor: Int32) {
        segscore_end_sending(descriptor)
        openCount.add(1, ordering: .relaxed)
        queue.async { self.begin(descriptor) }
    }

    /// Closes the sockets whose time is over.
    func expire() {
        guard count > 0 else { return }
        queue.async {
            let now = DispatchTime.now().uptimeNanoseconds
            for (descriptor, socket) in self.sockets
            where now > socket.since + Self.patience || now > socket.lastReceived + Self.silence {
                self.end(descriptor)
            }
        }
    }

    /// Closes all sockets.
    func close() {
        queue.sync {
            for descriptor in sockets.keys { end(descriptor) }
        }
    }

    private func begin(_ descriptor: Int32) {
        if sockets.count >= limit, let first = sockets.min(by: { $0.value.since < $1.value.since }) { end(first.key) }
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        sockets[descriptor] = Socket(source)
        source.setEventHandler { self.read(descriptor) }
        source.setCancelHandler {
            Glibc.close(descriptor)
            self.openCount.subtract(1, ordering: .relaxed)
        }
        source.activate()
    }

    private func read(_ descriptor: Int32) {
        guard let socket = sockets[descriptor] else { return }
        var turn = 0
        while turn < Self.turnBytes {
            let count = unsafe buffer.withUnsafeMutableBytes { buffer in
                unsafe segscore_receive_now(descriptor, buffer.baseAddress, buffer.count)
            }
            if count < 0, errno == EAGAIN || errno == EINTR { break }
            guard count > 0 else { return end(descriptor) }
            turn += count
        }
        guard turn > 0 else { return }
        socket.lastReceived = DispatchTime.now().uptimeNanoseconds
        socket.byteCount += turn
        if socket.byteCount > Self.maxBytes { end(descriptor) }
    }

    private func end(_ descriptor: Int32) {
        // It leaves the table at once, because its number may belong to another socket as soon as the source is
        // canceled.
        sockets.removeValue(forKey: descriptor)?.source.cancel()
    }
}

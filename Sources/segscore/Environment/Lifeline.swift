import Dispatch
import Foundation
import Glibc

/// A pipe whose other end is held by the process that this one works for. It ends with that process, however that ends:
/// there are signals for the death of a parent, but what sends them is the death of the parent's thread.
final class Lifeline: Sendable {
    private let rest = DispatchGroup()

    /// Starts the thread that waits for the end of the pipe, which does not end before the process.
    ///
    /// - Parameters:
    ///   - descriptor: An open descriptor. What may be read from it is passed over.
    init(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        rest.enter()
        let thread = Thread { [rest] in
            Self.readToTheEnd(descriptor)
            rest.leave()
        }
        thread.name = "segscore.life"
        thread.start()
    }

    /// Whether the pipe has ended.
    var isOver: Bool { rest.wait(timeout: .now()) == .success }

    /// Calls `action` once, as soon as the pipe has ended, on a thread that may be kept waiting.
    func whenOver(_ action: @escaping @Sendable () -> Void) {
        rest.notify(queue: .global()) { action() }
    }

    private static func readToTheEnd(_ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 256)
        while true {
            var end = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&end, 1, -1) > 0 else { continue }
            let count = unsafe read(descriptor, &bytes, bytes.count)
            // The pipe may be one whose readers do not wait.
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return }
        }
    }
}

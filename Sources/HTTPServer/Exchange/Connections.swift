// For SHUT_RDWR: its header belongs to whichever of the two modules the compiler meets first.
import CMicroHTTPD
import Dispatch
import Glibc
import Synchronization

/// The connections that are open, and since when those have none that wait for a request.
///
/// libmicrohttpd closes those that are silent. One whose client sends a byte now and then, and never ends its request's first
/// line, is not, and no ``Exchange`` knows of it: so it is watched here.
final class Connections: Sendable {
    /// By their descriptors, each open until ``ended(_:)``; the time is in nanoseconds of uptime, nil while there is a request.
    private let waitsSince = Mutex<[Int32: UInt64?]>([:])

    var count: Int { waitsSince.withLock { $0.count } }

    func began(_ descriptor: Int32) {
        _ = waitsSince.withLock { $0.updateValue(DispatchTime.now().uptimeNanoseconds, forKey: descriptor) }
    }

    func ended(_ descriptor: Int32) {
        _ = waitsSince.withLock { $0.removeValue(forKey: descriptor) }
    }

    /// A request's first line is in.
    func requestBegan(_ descriptor: Int32) {
        _ = waitsSince.withLock { $0.updateValue(nil, forKey: descriptor) }
    }

    func requestEnded(_ descriptor: Int32) {
        _ = waitsSince.withLock { $0.updateValue(DispatchTime.now().uptimeNanoseconds, forKey: descriptor) }
    }

    /// Shuts down those that have waited since before a time, in nanoseconds of uptime; the library then closes them. With
    /// the lock held, since it is not closed before ``ended(_:)`` has had it.
    func expire(before deadline: UInt64) {
        waitsSince.withLock { connections in
            for case (let descriptor, let since?) in connections where since < deadline {
                shutdown(descriptor, Int32(SHUT_RDWR))
            }
        }
    }
}

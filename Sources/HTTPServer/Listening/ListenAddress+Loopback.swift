// For in_addr: its header belongs to whichever of the two modules the compiler meets first.
import CMicroHTTPD
import Glibc

extension ListenAddress {
    /// Whether only this machine can reach it: 127.0.0.0/8, `::1`, `localhost` or a Unix socket. Other names are not
    /// looked up, and count as reachable.
    package var isLoopback: Bool {
        switch self {
        case .unix: return true
        case .tcp("localhost", _): return true
        case .tcp(let host, _):
            var version4 = in_addr()
            if unsafe inet_pton(AF_INET, host, &version4) == 1 {
                return UInt32(bigEndian: version4.s_addr) >> 24 == 127
            }
            var version6 = in6_addr()
            guard unsafe inet_pton(AF_INET6, host, &version6) == 1 else { return false }
            return unsafe withUnsafeBytes(of: &version6) { bytes in
                unsafe bytes.elementsEqual(Array(repeating: 0, count: 15) + [1])
            }
        }
    }
}

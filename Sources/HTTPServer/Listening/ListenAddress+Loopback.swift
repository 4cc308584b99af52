import Glibc

extension ListenAddress {
    /// Whether only this machine can reach it: 127.0.0.0/8, `::1`, `localhost` or a Unix socket. Other names are not
    /// looked up, and count as reachable.
    package var isLoopback: Bool {
        switch self {
        case .unix: return true
        case .tcp("localhost", _): return true
        case .tcp(let host, _):
            // As large as the address of version 6, which is 16 bytes.
            var address = [UInt8](repeating: 0, count: 16)
            if unsafe inet_pton(AF_INET, host, &address) == 1 { return address[0] == 127 }
            guard unsafe inet_pton(AF_INET6, host, &address) == 1 else { return false }
            return address == Array(repeating: 0, count: 15) + [1]
        }
    }
}

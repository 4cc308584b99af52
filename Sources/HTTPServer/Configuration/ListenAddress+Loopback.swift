import Glibc

extension ListenAddress {
    /// Whether only this machine can reach the address: 127.0.0.0/8, `::1`, `localhost` or a Unix socket. Other names
    /// are not looked up, and count as reachable from elsewhere.
    package var isLoopback: Bool {
        switch bound {
        case .unix, .inOwnFolder, .inherited: return true
        case .tcp("localhost", _): return true
        case .tcp(let host, _):
            // The buffer has the 16 bytes of an address of version 6.
            var address = [UInt8](repeating: 0, count: 16)
            if unsafe inet_pton(AF_INET, host, &address) == 1 { return address[0] == 127 }
            guard unsafe inet_pton(AF_INET6, host, &address) == 1 else { return false }
            return address == Array(repeating: 0, count: 15) + [1]
        }
    }
}

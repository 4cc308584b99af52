import Glibc

extension ListenAddress {
    /// The address that a listening socket is bound to.
    ///
    /// - Returns: Nil if the descriptor is not open, or is none of a socket that listens for streams.
    static func boundAddress(of descriptor: Int32) -> ListenAddress? {
        guard option(SO_ACCEPTCONN, of: descriptor) == 1,
            option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue)
        else { return nil }
        var name = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe getsockname(descriptor, pointer, &size)
            }
        }
        guard result == 0 else { return nil }
        return unsafe withUnsafeBytes(of: name) { bytes in
            if Int32(name.ss_family) == AF_UNIX {
                // A socket without a name is one that nothing but its descriptors leads to.
                let path = unsafe Array(bytes[MemoryLayout<sa_family_t>.size..<Int(size)])
                return .unix(path: String(decoding: path.prefix { $0 != 0 }, as: UTF8.self))
            }
            var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let code = unsafe bytes.withMemoryRebound(to: sockaddr.self) { names in
                unsafe names.baseAddress.map { name in
                    unsafe getnameinfo(name, size, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
                }
            }
            guard code == 0 else { return nil }
            // The port lies at the same offset in `sockaddr_in` and `sockaddr_in6`.
            let port = UInt16(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            let text = host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            return .tcp(host: String(decoding: text, as: UTF8.self), port: port)
        }
    }

    private static func option(_ name: Int32, of descriptor: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }
}

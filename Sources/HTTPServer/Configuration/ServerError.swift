/// The reasons for which a server cannot start.
package enum ServerError: Error, Equatable {
    /// The text is none of `host:port`, `unix:path`, `fd:number` and `private`.
    case malformedAddress(String)
    /// The descriptor is not open, or is none of a socket that listens for streams.
    case notListening(descriptor: Int32)
    /// The host has no address. `code` is the result of `getaddrinfo`.
    case unresolved(host: String, code: Int32)
    /// The path is longer than a Unix socket's address can hold. The limit is in bytes.
    case pathTooLong(path: String, limit: Int)
    /// Another process listens on the Unix socket.
    case pathInUse(String)
    /// A system call failed. `code` is its `errno`.
    case system(operation: String, address: ListenAddress, code: Int32)
    /// The certificate or its key is no PEM that TLS can be served with, or the two do not belong together.
    case tlsIdentity
    /// libmicrohttpd was built without TLS.
    case tlsUnsupported
    /// libmicrohttpd did not start. Its reason is in the log.
    case daemon(address: ListenAddress)
}

/// Why a server cannot start.
package enum ServerError: Error, Equatable {
    case malformedAddress(String)
    /// The host has no address; `code` is what `getaddrinfo` said.
    case unresolved(host: String, code: Int32)
    /// The path does not fit a Unix socket's address.
    case pathTooLong(path: String, limit: Int)
    /// Another process listens on the Unix socket.
    case pathInUse(String)
    /// A system call failed; `code` is its `errno`.
    case system(operation: String, address: ListenAddress, code: Int32)
    /// The certificate or its key is no PEM that TLS can be served with, or they do not belong together.
    case tlsIdentity
    /// libmicrohttpd was built without TLS.
    case tlsUnsupported
    /// libmicrohttpd would not start; it logged why.
    case daemon(address: ListenAddress)
}

import Glibc
import HTTPServer

extension ServerError {
    /// What went wrong, for people.
    var sentence: String {
        switch self {
        case .malformedAddress(let text):
            "\"\(text)\" is no address: write 127.0.0.1:8080, [::1]:8080, unix:/run/segscore.sock, fd:3 or private."
        case .notListening(let descriptor):
            "The descriptor \(descriptor) is none of a listening socket, which --listen fd:\(descriptor) needs."
        case .unresolved(let host, let code):
            unsafe "The host \(host) has no address: \(String(cString: gai_strerror(code)))."
        case .pathTooLong(let path, let limit): "The path \(path) is longer than the \(limit) bytes of a Unix socket's."
        case .pathInUse(let path): "Another process listens on \(path)."
        case .system(let operation, let address, let code):
            unsafe "Cannot \(operation) \(address): \(String(cString: strerror(code)))."
        case .tlsIdentity:
            """
            --tls-cert and --tls-key do not belong together, or are not a certificate and a key in PEM without a \
            passphrase.
            """
        case .tlsUnsupported: "The HTTP library was built without TLS, which --tls-cert asks for."
        case .daemon(let address): "The HTTP library would not start on \(address); the log says why."
        }
    }
}

package import HTTPTypes

/// What a path names, as far as it matters before a handler is asked.
package protocol Endpoint: Sendable {
    /// The methods that the path answers; HEAD goes with GET.
    var methods: [HTTPRequest.Method] { get }

    /// Whether it is answered without a key: platforms' probes and those who collect metrics have none.
    var isOpen: Bool { get }
}

extension Endpoint {
    /// - Throws: 405 with `Allow` where the path does not answer the method.
    package func check(_ method: HTTPRequest.Method) throws(Problem) {
        guard !methods.contains(method) else { return }
        let allowed = methods.map(\.rawValue).joined(separator: ", ")
        throw Problem(
            .methodNotAllowed, "method-not-allowed", "\(method.rawValue) is not answered here.", expected: allowed,
            actual: method.rawValue
        ).with(.allow, allowed)
    }
}

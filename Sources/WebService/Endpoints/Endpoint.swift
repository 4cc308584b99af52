package import HTTPTypes

/// A path of the service: its template, who may call it, and each of its methods with what answers it.
package struct Endpoint: Sendable {
    /// Makes what takes a call's body and answers it.
    package typealias MakeHandler = @Sendable (Call) throws(Problem) -> any RequestHandler

    /// Who may call beside those who show a key, and where.
    package struct Access: OptionSet, Sendable {
        /// Anyone may call: platforms' probes and those who collect metrics have no key.
        package static let withoutKey = Access(rawValue: 1)
        /// The path is answered on the listeners of those who run the service, too.
        package static let onAdminListeners = Access(rawValue: 2)

        package let rawValue: Int

        package init(rawValue: Int) {
            self.rawValue = rawValue
        }
    }

    /// The path as the document has it, with names in braces for what varies, such as `/jobs/{id}`.
    package let template: String
    package let access: Access
    private let handlers: [(method: HTTPRequest.Method, make: MakeHandler)]

    /// - Parameters:
    ///   - get: Answers HEAD too: the server leaves the body out.
    package init(
        _ template: String, _ access: Access = [], get: MakeHandler? = nil, post: MakeHandler? = nil,
        delete: MakeHandler? = nil
    ) {
        self.template = template
        self.access = access
        let all: [(HTTPRequest.Method, MakeHandler?)] = [(.get, get), (.head, get), (.post, post), (.delete, delete)]
        handlers = all.compactMap { method, make in make.map { (method, $0) } }
    }

    /// The methods that the path answers, in the order in which `Allow` names them.
    package var methods: [HTTPRequest.Method] { handlers.map(\.method) }

    /// What answers a method.
    ///
    /// - Throws: 405 with `Allow` if the path does not answer the method.
    package func makeHandler(for method: HTTPRequest.Method) throws(Problem) -> MakeHandler {
        if let found = handlers.first(where: { $0.method == method }) { return found.make }
        let allowed = methods.map(\.rawValue).joined(separator: ", ")
        throw Problem(
            .methodNotAllowed, "\(method.rawValue) is not answered here.", expected: allowed,
            actual: method.rawValue
        ).with(.allow, allowed)
    }
}

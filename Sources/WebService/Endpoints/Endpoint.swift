package import HTTPTypes

/// A path of the service: its template, who may call it, and a handler for each of its methods.
package struct Endpoint: Sendable {
    /// Makes the handler that takes the body of a call and answers it.
    package typealias MakeHandler = @Sendable (Call) throws(Problem) -> any RequestHandler

    /// Exceptions from the rule that callers show a key, and that they come over a listener of the service.
    package struct Access: OptionSet, Sendable {
        /// Anyone may call, since the probes of platforms and the collectors of metrics have no key.
        package static let withoutKey = Access(rawValue: 1)
        /// The path is also answered on the listeners for administration.
        package static let onAdminListeners = Access(rawValue: 2)
        /// Anyone may call, whatever is protected: the path is part of the program, as a page is that asks for a key.
        package static let asProgram = Access(rawValue: 4)

        package let rawValue: Int

        package init(rawValue: Int) {
            self.rawValue = rawValue
        }
    }

    /// The path as `openapi.yaml` has it, with names in braces for the parts that vary, such as `/jobs/{id}`.
    package let template: String
    /// The exceptions that the path makes from the rules for callers.
    package let access: Access
    private let handlers: [(method: HTTPRequest.Method, make: MakeHandler)]

    /// - Parameters:
    ///   - get: Answers HEAD too: the server leaves the body out.
    package init(
        _ template: String, _ access: Access = [], get: MakeHandler? = nil, post: MakeHandler? = nil,
        put: MakeHandler? = nil, delete: MakeHandler? = nil
    ) {
        self.template = template
        self.access = access
        let all: [(HTTPRequest.Method, MakeHandler?)] = [
            (.get, get), (.head, get), (.post, post), (.put, put), (.delete, delete),
        ]
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

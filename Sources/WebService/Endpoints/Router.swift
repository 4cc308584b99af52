import HTTPTypes
package import ServiceInterface

/// Sends requests to the endpoints of a table, and turns problems into problem documents.
package final class Router: Responder {
    private let table: EndpointTable
    private let access: AccessControl
    private let render: @Sendable (Answer, IncomingRequest) -> Response

    /// Creates a router.
    ///
    /// - Parameters:
    ///   - groups: The endpoints, group by group; see ``EndpointTable/init(_:)``.
    ///   - access: The rules for callers.
    ///   - render: Makes the response that is sent from what a handler ended with.
    package init(
        _ groups: [EndpointGroup], access: AccessControl = AccessControl(),
        render: @escaping @Sendable (Answer, IncomingRequest) -> Response
    ) {
        table = EndpointTable(groups)
        self.access = access
        self.render = render
    }

    package func respond(to request: IncomingRequest) -> Reception {
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        let (table, render, crossOrigin) = (table, render, access.crossOrigin)
        let respond: @Sendable (Answer) -> Response = { answer in
            crossOrigin.admit(request, to: render(answer.mapError { table.render($0, at: path) }, request))
        }
        let match = table.match(path)
        do throws(Problem) {
            if let preflight = try access.preflight(request, for: match?.endpoint.methods) {
                return .refuse(preflight, at: match?.path)
            }
            let exceptions = match?.endpoint.access ?? []
            let caller =
                exceptions.contains(.asProgram)
                ? try access.checkPage(request)
                : try access.check(request, isOpen: exceptions.contains(.withoutKey))
            guard let match, request.role == .service || match.endpoint.access.contains(.onAdminListeners) else {
                throw .notFound(path)
            }
            guard !request.isCrowded || !match.endpoint.access.isEmpty else {
                throw Problem(.tooManyConnections, "All places for connections are taken by requests.")
            }
            let makeHandler = try match.endpoint.makeHandler(for: request.head.method)
            let handler = try makeHandler(Call(request, caller, match.values))
            return .receive(HandlerSink(handler, render: respond), at: match.path)
        } catch {
            return .refuse(respond(.failure(error)), at: match?.path)
        }
    }
}

import HTTPTypes
import Jobs
package import ServiceInterface
package import WebService

/// The service: sends requests to handlers, and turns what goes wrong into problem documents.
package final class Router: Responder {
    private let service: Service
    private let access: AccessControl

    package init(_ service: Service, access: AccessControl = AccessControl()) {
        self.service = service
        self.access = access
    }

    package func respond(to request: IncomingRequest) -> Reception {
        let (service, crossOrigin) = (service, access.crossOrigin)
        let render: @Sendable (Answer) -> Response = {
            crossOrigin.admit(request, to: service.response(for: $0, to: request))
        }
        let target = request.head.path ?? "/"
        let found = Result { () throws(Problem) in try Route(target: target) }
        let path = (try? found.get())?.template
        do throws(Problem) {
            if let preflight = try access.preflight(request, for: try? found.get()) {
                return .refuse(preflight, at: path)
            }
            let caller = try access.check(request, for: try? found.get())
            let route = try found.get()
            guard request.role == .service || route.isAdministrative else {
                throw .notFound(target.prefix { $0 != "?" })
            }
            guard !request.isCrowded || route.isOpen || route.isAdministrative else {
                throw .unavailable("too-many-connections", "All places for connections are taken by requests.")
            }
            try route.check(request.head.method)
            return .receive(RoutedSink(try intake(for: route, request, caller), render: render), at: path)
        } catch {
            return .refuse(render(.failure(error)), at: path)
        }
    }

    private func intake(
        for route: Route, _ request: IncomingRequest, _ caller: Caller
    ) throws(Problem) -> any Intake {
        func job(_ text: String) throws(Problem) -> JobID {
            guard let id = JobID(text), service.shows(id, to: caller) else { throw .unknownJob(text) }
            return id
        }
        return try intake(for: route, request, caller, job)
    }

    private func intake(
        for route: Route, _ request: IncomingRequest, _ caller: Caller, _ job: (String) throws(Problem) -> JobID
    ) throws(Problem) -> any Intake {
        switch route {
        case .score: try ScoreIntake.intake(for: request, of: caller, service)
        case .issues: try IssuesIntake(request, service)
        case .jobs where request.head.method == .post: try service.openJob(request, of: caller)
        case .jobs: try service.listJobs(request, of: caller)
        case .job(let id) where request.head.method == .delete: try service.deleteJob(try job(id), request)
        case .job(let id): try service.showJob(try job(id), request)
        case .jobCancellation(let id): try service.cancelJob(try job(id), request)
        case .jobArray(let id, let array): try service.showArray(array, of: try job(id), request)
        case .jobBatches(let id): try service.addBatch(to: try job(id), request)
        case .jobFinish(let id): try service.finishJob(try job(id), request)
        case .jobEvents(let id): try service.showEvents(of: try job(id), request)
        case .jobRanking(let id): try service.showRanking(of: try job(id), request)
        case .jobStatistics(let id): try service.showStatistics(of: try job(id), request)
        case .jobSummary(let id): try service.showSummary(of: try job(id), request)
        case .live: try service.showLiveness(request)
        case .ready: try service.showReadiness(request)
        case .metrics: try service.showMetrics(request)
        case .version: try service.showVersion(request)
        case .openAPI: try service.showOpenAPI(request)
        case .inference(let route): try service.infer(route, request, of: caller)
        }
    }
}

import HTTPTypes
import JobStorage
import Jobs
import ServiceInterface
package import WebService

/// What a container platform and a curious person ask a service.
extension Service {
    /// `GET /livez`: the process turns.
    func showLiveness(_ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        return BodilessHandler { () throws(Problem) in try .bytes(.ok, .text, Array("ok\n".utf8)) }
    }

    /// `GET /readyz`: another job would be accepted, and there is memory for it.
    func showReadiness(_ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        return BodilessHandler { [self] () throws(Problem) in
            try checkReadiness()
            return try .bytes(.ok, .text, Array("ok\n".utf8))
        }
    }

    /// - Throws: 503 where no other job would be accepted, or kept.
    package func checkReadiness() throws(Problem) {
        if queue.isDraining { throw .draining }
        if queue.counts.backlog >= limits.backlog { throw .atCapacity(limit: limits.backlog) }
        try checkMemory()
        if durable?.isFailing ?? false {
            throw Problem(.stateUnwritable, "What becomes of jobs cannot be written to the state directory.")
        }
    }

    /// `GET /metrics`
    func showMetrics(_ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        return BodilessHandler { [self] () throws(Problem) in
            metrics.update(queue.counts)
            return try .bytes(.ok, .metrics, exposition())
        }
    }

    /// `GET /version`
    func showVersion(_ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        return BodilessHandler { () throws(Problem) in
            try .json { writer in
                writer.object { members in
                    members.string("name", "segscore")
                    members.string("version", Self.version)
                }
            }
        }
    }

    /// `GET /openapi.yaml`
    func showOpenAPI(_ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        return BodilessHandler { () throws(Problem) in try .bytes(.ok, .yaml, PackageResources.openapi_yaml) }
    }
}

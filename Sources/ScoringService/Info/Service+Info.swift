import HTTPTypes
import Jobs
import JobStorage
import ServiceInterface
package import WebService

/// The endpoints for probes, metrics, the version and the API's document.
extension Service {
    /// `GET /livez`: the process responds.
    func showLiveness(_ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        return BodilessHandler { () throws(Problem) in try .bytes(.ok, .text, Array("ok\n".utf8)) }
    }

    /// `GET /readyz`: the service would accept another job, and has memory for it.
    func showReadiness(_ call: Call) throws(Problem) -> any RequestHandler {
        try checkNoParameters(call.request)
        return BodilessHandler { [self] () throws(Problem) in
            try checkReadiness()
            return try .bytes(.ok, .text, Array("ok\n".utf8))
        }
    }

    /// Proves that the service would accept another job, and could keep it.
    ///
    /// - Throws: A 503 problem if not.
    package func checkReadiness() throws(Problem) {
        if queue.isDraining { throw .draining }
        if queue.counts.backlog >= limits.backlog { throw .atCapacity(limit: limits.backlog) }
        try checkMemory()
        if store.isFailing {
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

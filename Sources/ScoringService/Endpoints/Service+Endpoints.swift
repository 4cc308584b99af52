import DatasetScoring
import Jobs
package import WebService

/// The endpoints of the service, except those of the Open Inference Protocol.
extension Service {
    /// The endpoints of the service's own protocol.
    package var endpoints: EndpointGroup {
        EndpointGroup(
            [
                Endpoint("/score", post: score),
                Endpoint("/reduce", post: reduce),
                Endpoint("/issues", post: { [self] call throws(Problem) in try IssuesHandler(call.request, self) }),
                Endpoint("/jobs", get: listJobs, post: openJob),
                Endpoint("/jobs/{id}", get: ofJob(showJob), delete: ofJob(deleteJob)),
                Endpoint("/jobs/{id}/batches", post: ofJob(addBatch)),
                Endpoint("/jobs/{id}/cancel", post: ofJob(cancelJob)),
                Endpoint("/jobs/{id}/decisions", get: ofJob(showDecisions), post: ofJob(addDecisions)),
                Endpoint("/jobs/{id}/decisions/summary", get: ofJob(showDecisionSummary)),
                Endpoint(
                    "/jobs/{id}/decisions/{region}", put: ofJob(putDecision), delete: ofJob(withdrawDecision)),
                Endpoint("/jobs/{id}/events", get: ofJob(showEvents)),
                Endpoint("/jobs/{id}/export", get: ofJob(exportJob)),
                Endpoint("/jobs/{id}/finish", post: ofJob(finishJob)),
                Endpoint("/jobs/{id}/images/{image}", get: ofJob(showPicture)),
                Endpoint("/jobs/{id}/keep", post: ofJob(keepJob), delete: ofJob(releaseJob)),
                Endpoint("/jobs/{id}/names", get: ofJob(showNames)),
                Endpoint("/jobs/{id}/ranking", get: ofJob(showRanking)),
                Endpoint("/jobs/{id}/regions", get: ofJob(showRegions)),
                Endpoint("/jobs/{id}/regions/matrix", get: ofJob(showRegionMatrix)),
                Endpoint("/jobs/{id}/regions/{region}", get: ofJob(showRegion)),
                Endpoint("/jobs/{id}/statistics", get: ofJob(showStatistics)),
                Endpoint("/jobs/{id}/summary", get: ofJob(showSummary)),
                Endpoint("/livez", [.withoutKey, .onAdminListeners], get: showLiveness),
                Endpoint("/readyz", [.withoutKey, .onAdminListeners], get: showReadiness),
                Endpoint("/metrics", [.withoutKey, .onAdminListeners], get: showMetrics),
                Endpoint("/version", .onAdminListeners, get: showVersion),
                Endpoint("/openapi.yaml", get: showOpenAPI),
            ]
                + ScoreParameters.Array.allCases.map { array in
                    Endpoint(
                        "/jobs/{id}/\(array.rawValue)",
                        get: ofJob { [self] id, call throws(Problem) in try showArray(array, of: id, call) })
                }
                + ClassArray.allCases.map { array in
                    Endpoint(
                        "/jobs/{id}/\(array.rawValue)",
                        get: ofJob { [self] id, call throws(Problem) in try showClasses(array, of: id, call) })
                })
    }

    /// Wraps a handler of a path beneath a job, and finds the job that the path names.
    ///
    /// Callers that may not know of a job are told that there is none.
    private func ofJob(_ makeHandler: @escaping @Sendable (JobID, Call) throws(Problem) -> any RequestHandler)
        -> Endpoint.MakeHandler
    {
        { [self] call throws(Problem) in
            let text = call["id"] ?? ""
            guard let id = JobID(text), shows(id, to: call.caller) else { throw .unknownJob(text) }
            return try makeHandler(id, call)
        }
    }

    /// `POST /score`
    private func score(_ call: Call) throws(Problem) -> any RequestHandler {
        try ScoreHandler.handler(for: call.request, of: call.caller, self)
    }
}

import DatasetScoring
import HTTPTypes
import WebService

/// What a path names. Whether there is a job of the name it holds is for the handler to see.
enum Route: Endpoint, Equatable {
    case score
    case issues
    case jobs
    case job(String)
    case jobCancellation(String)
    case jobArray(String, ScoreParameters.Array)
    case jobBatches(String)
    case jobEvents(String)
    case jobFinish(String)
    case jobRanking(String)
    case jobStatistics(String)
    case jobSummary(String)
    case live
    case ready
    case metrics
    case version
    case openAPI
    case inference(InferenceRoute)

    /// - Parameters:
    ///   - target: The request's target: path and query.
    /// - Throws: 404 where nothing has that path.
    init(target: String) throws(Problem) {
        let path = target.prefix { $0 != "?" }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        switch parts.first {
        case "score" where parts.count == 1: self = .score
        case "issues" where parts.count == 1: self = .issues
        case "livez" where parts.count == 1: self = .live
        case "readyz" where parts.count == 1: self = .ready
        case "metrics" where parts.count == 1: self = .metrics
        case "version" where parts.count == 1: self = .version
        case "openapi.yaml" where parts.count == 1: self = .openAPI
        case "jobs" where parts.count == 1: self = .jobs
        case "jobs" where parts.count == 2: self = .job(parts[1])
        case "jobs" where parts.count == 3:
            switch parts[2] {
            case "batches": self = .jobBatches(parts[1])
            case "cancel": self = .jobCancellation(parts[1])
            case "events": self = .jobEvents(parts[1])
            case "finish": self = .jobFinish(parts[1])
            case "ranking": self = .jobRanking(parts[1])
            case "statistics": self = .jobStatistics(parts[1])
            case "summary": self = .jobSummary(parts[1])
            case let name:
                guard let array = ScoreParameters.Array(rawValue: name) else { throw .notFound(path) }
                self = .jobArray(parts[1], array)
            }
        case "v2":
            guard let route = InferenceRoute(parts.dropFirst()) else { throw .notFound(path) }
            self = .inference(route)
        default: throw .notFound(path)
        }
    }

    var isOpen: Bool {
        switch self {
        case .live, .ready, .metrics, .inference(.live), .inference(.ready): true
        default: false
        }
    }

    /// Whether it is answered to those who run the service, on listeners of their own.
    var isAdministrative: Bool {
        switch self {
        case .live, .ready, .metrics, .version: true
        default: false
        }
    }

    var methods: [HTTPRequest.Method] {
        switch self {
        case .score, .issues, .jobBatches, .jobCancellation, .jobFinish: [.post]
        case .jobs: [.get, .head, .post]
        case .job: [.get, .head, .delete]
        case .jobArray, .jobEvents, .jobRanking, .jobStatistics, .jobSummary, .live, .ready, .metrics, .version,
            .openAPI:
            [.get, .head]
        case .inference(let route): route.methods
        }
    }
}

import DatasetScoring
import ServiceInterface

extension Route {
    /// What requests for the path are counted by: the path as the document has it.
    var template: PathTemplate {
        switch self {
        case .score: PathTemplate(number: 0, text: "/score")
        case .issues: PathTemplate(number: 1, text: "/issues")
        case .jobs: PathTemplate(number: 2, text: "/jobs")
        case .job: PathTemplate(number: 3, text: "/jobs/{id}")
        case .jobCancellation: PathTemplate(number: 4, text: "/jobs/{id}/cancel")
        case .jobEvents: PathTemplate(number: 5, text: "/jobs/{id}/events")
        case .jobRanking: PathTemplate(number: 6, text: "/jobs/{id}/ranking")
        case .jobStatistics: PathTemplate(number: 7, text: "/jobs/{id}/statistics")
        case .jobSummary: PathTemplate(number: 8, text: "/jobs/{id}/summary")
        case .live: PathTemplate(number: 9, text: "/livez")
        case .ready: PathTemplate(number: 10, text: "/readyz")
        case .metrics: PathTemplate(number: 11, text: "/metrics")
        case .version: PathTemplate(number: 12, text: "/version")
        case .openAPI: PathTemplate(number: 13, text: "/openapi.yaml")
        case .jobArray(_, .imageScores): PathTemplate(number: 14, text: "/jobs/{id}/image_scores")
        case .jobArray(_, .pixelScores): PathTemplate(number: 15, text: "/jobs/{id}/pixel_scores")
        case .jobArray(_, .issues): PathTemplate(number: 16, text: "/jobs/{id}/issues")
        case .jobArray(_, .labelIssues): PathTemplate(number: 17, text: "/jobs/{id}/label_issues")
        case .jobBatches: PathTemplate(number: 18, text: "/jobs/{id}/batches")
        case .jobFinish: PathTemplate(number: 19, text: "/jobs/{id}/finish")
        case .inference(let route): route.template
        }
    }
}

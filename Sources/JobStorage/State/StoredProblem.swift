import HTTPTypes
import WebService

/// A problem in the database, without the fields of its answer.
struct StoredProblem: Codable {
    /// Earlier versions of the program read it back; this one knows it from the type.
    private let status: Int
    private let slug: String
    private let detail: String
    private let parameter: String?
    private let expected: String?
    private let actual: String?
    private let limit: Int?

    init(_ problem: Problem) {
        (status, slug, detail) = (problem.status.code, problem.type.rawValue, problem.detail)
        (parameter, expected, actual) = (problem.parameter, problem.expected, problem.actual)
        limit = problem.limit
    }

    var problem: Problem {
        Problem(
            ProblemType(rawValue: slug) ?? .internalError, detail, parameter: parameter, expected: expected,
            actual: actual, limit: limit)
    }
}

import Foundation
import HTTPTypes
import Tensors
import Testing

@testable import JobStorage
@testable import ScoringService
@testable import WebService

@Suite struct StoredProblemTests {
    @Test(arguments: [
        Problem(.internalServerError, "internal-error", "Something."), .uploadInterrupted, .stateLost("a file"),
        .bodyTooLarge(limit: 500), .invalidParameter("threshold", expected: "a number from 0 to 1", actual: "é\u{0}"),
        Problem(.unprocessableContent, "x", "labels", parameter: "labels", expected: "0", actual: "1", limit: -1),
        Problem(.badRequest, "x", String(repeating: "long ", count: 500)),
        Problem(.init(code: 507), "state-full", "Full."),
    ])
    func comesBackAsItWas(problem: Problem) throws {
        let text = try JSONEncoder().encode(StoredProblem(problem))
        #expect(try JSONDecoder().decode(StoredProblem.self, from: text).problem == problem)
    }

    /// They speak of the moment; that one may come back is true of any that is 503.
    @Test func comesBackWithoutTheFieldsOfItsAnswer() {
        let problem = Problem.atCapacity(limit: 3).with(.allow, "GET")
        let stored = StoredProblem(problem).problem
        #expect(problem.fields.map(\.name) == [.retryAfter, .allow] && stored.fields.map(\.name) == [.retryAfter])
        #expect(stored.limit == 3 && stored.status == .serviceUnavailable)
    }

    @Test(arguments: [-1, 0, 200, 99_999]) func takesNoStatusThatIsNoError(status: Int) throws {
        let text = #"{"status":\#(status),"slug":"x","detail":"Something."}"#
        let problem = try JSONDecoder().decode(StoredProblem.self, from: Data(text.utf8)).problem
        #expect(problem.status == .internalServerError && problem.detail == "Something.")
    }

    @Test(arguments: [ENOSPC, EDQUOT, EFBIG]) func saysWhereTheDiskIsFull(code: Int32) {
        let problem = Problem.state(TensorError.system(operation: "write to", path: "file", code: code))
        #expect((problem.status.code, problem.slug) == (507, "state-full"))
        let other = Problem.state(TensorError.system(operation: "write to", path: "file", code: EIO))
        #expect((other.status.code, other.slug) == (500, "internal-error"))
    }
}

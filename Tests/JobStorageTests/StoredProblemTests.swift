import Files
import Foundation
import HTTPTypes
import Memory
import Testing

@testable import JobStorage
@testable import ScoringService
@testable import WebService

@Suite struct StoredProblemTests {
    @Test(arguments: [
        Problem(.internalError, "Something."), .uploadInterrupted, .stateLost("a file"),
        .bodyTooLarge(limit: 500), .invalidParameter("threshold", expected: "a number from 0 to 1", actual: "é\u{0}"),
        Problem(.labelOutOfRange, "labels", parameter: "labels", expected: "0", actual: "1", limit: -1),
        Problem(.labelOutOfRange, String(repeating: "long ", count: 500)),
        Problem(.stateFull, "Full."),
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

    @Test func isAnInternalErrorIfItsTypeIsUnknown() throws {
        let text = #"{"status":422,"slug":"of-a-later-version","detail":"Something."}"#
        let problem = try JSONDecoder().decode(StoredProblem.self, from: Data(text.utf8)).problem
        #expect((problem.type, problem.detail) == (.internalError, "Something."))
    }

    @Test(arguments: [ENOSPC, EDQUOT, EFBIG]) func saysWhereTheDiskIsFull(code: Int32) {
        let problem = Problem.state(FileError.system(operation: "write to", path: "file", code: code))
        #expect((problem.status.code, problem.type) == (507, ProblemType.stateFull))
        let other = Problem.state(FileError.system(operation: "write to", path: "file", code: EIO))
        #expect((other.status.code, other.type) == (500, ProblemType.internalError))
    }
}

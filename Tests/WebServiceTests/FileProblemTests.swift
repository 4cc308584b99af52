import Files
import Foundation
import HTTPTypes
import Memory
import Testing

@testable import WebService

/// What clients are told of errors of files.
@Suite struct FileProblemTests {
    private static let long = String(repeating: "long/", count: 1000)

    private static let errors: [(FileError, ProblemType)] = [
        (.memory(.outOfMemory(byteCount: .max)), .outOfMemory), (.spoolBudget(limit: .max), .spoolBusy),
        (.endOfFile(path: long), .fileUnusable), (.damaged(path: long), .stateLost),
        (.system(operation: "write", path: long, code: ENOSPC), .spoolFull),
        (.system(operation: "open", path: long, code: ENOENT), .internalError),
        (.system(operation: "open", path: "", code: .max), .internalError),
    ]

    @Test(arguments: errors) func everyErrorHasATypeAndAShortSentence(error: FileError, type: ProblemType) {
        let problem = Problem(error)
        #expect(problem.type == type)
        for text in [problem.detail, problem.expected, problem.actual].compactMap({ $0 }) {
            #expect(text.unicodeScalars.count <= 500, "\(text.unicodeScalars.count)")
        }
        #expect(problem.status != .serviceUnavailable || problem.fields[.retryAfter] == "1")
    }

    @Test func theSentenceOfAFileThatCannotBeOpenedEnds() {
        #expect(Problem(.system(operation: "open", path: "/tmp/a.npy", code: ENOENT)).detail.hasSuffix("."))
    }
}

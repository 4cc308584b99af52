package import Files
import Foundation
import Scoring

extension Problem {
    /// The problem that an error of files is to a client.
    package init(_ error: FileError) {
        self =
            switch error {
            case .memory(let error): Problem(error)
            case .spoolBudget(let limit):
                Problem(
                    .spoolBusy,
                    "Others keep pred_probs until labels and parameters are in; send these first, or come again.",
                    limit: limit)
            case .system(_, _, let code) where code == ENOSPC || code == EDQUOT || code == EFBIG:
                Problem(
                    .spoolFull,
                    "There is no room to keep pred_probs until labels and parameters are in; send these first.",
                    parameter: ScoringError.Array.predictedProbabilities.rawValue,
                    expected: "labels and parameters before pred_probs")
            case .endOfFile(let path):
                Problem(
                    .fileUnusable, "The file \(path) has become shorter while it was read.",
                    expected: "a file that stays as it is", actual: path)
            case .damaged(let path):
                Problem(
                    .stateLost, "The file \(path) does not hold what was written to it.",
                    expected: "the bytes that were written")
            case .clientMemory(let code):
                .memoryUnreadable(unsafe String(cString: strerror(code)))
            case .system(let operation, let path, let code):
                Problem(
                    .internalError, unsafe "Could not \(operation) \(path): \(String(cString: strerror(code))).")
            }
    }

    /// The problem of an array that lies in the client's memory, and cannot be read there.
    ///
    /// - Parameter reason: Why it cannot.
    package static func memoryUnreadable(_ reason: String) -> Problem {
        Problem(
            .memoryUnreadable, "The client's memory cannot be read: \(reason). Send the bytes themselves.",
            expected: "the memory of a process of the server's user, which has connected by a Unix socket")
    }
}

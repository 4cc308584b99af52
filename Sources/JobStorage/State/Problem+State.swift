import Files
import Glibc
import GRDB
import HTTPTypes
import Memory
import WebService

/// What stands against keeping a job in the state directory.
extension Problem {
    /// 507 if the disk is full.
    private static let stateFull = Problem(
        .stateFull, "There is no room on the disk to keep the job, and so it was not taken.")

    /// - Parameters:
    ///   - error: From files.
    static func state(_ error: FileError) -> Problem {
        switch error {
        case .system(_, _, let code) where code == ENOSPC || code == EDQUOT || code == EFBIG: stateFull
        default: Problem(error)
        }
    }

    /// - Parameters:
    ///   - error: From the database.
    static func state(_ error: any Error) -> Problem {
        if let error = error as? DatabaseError, error.isOfFullDisk { return stateFull }
        return Problem(.internalError, "Could not keep the job: \(error).")
    }

    /// What is wrong with a file that is read.
    static func reading(_ error: FileError) -> Problem {
        switch error {
        case .endOfFile, .damaged, .system(_, _, ENOENT), .system(_, _, EIO): stateLost(Problem(error).detail)
        // A job that was accepted waits for some, as it does if memory is short.
        case .system(_, _, EMFILE), .system(_, _, ENFILE), .system(_, _, ENOMEM):
            Problem(
                .outOfMemory,
                "There is no room for another open file or mapping at the moment: \(Problem(error).detail)")
        default: Problem(error)
        }
    }

    /// Why a job has failed whose body was on its way when the server ended.
    static let uploadInterrupted = Problem(
        .uploadInterrupted,
        "The server ended before the body was complete; send it again.", expected: "a body that arrives as a whole")

    /// Why a job has failed that is not run again.
    static func setAside(after count: Int) -> Problem {
        Problem(
            .jobSetAside, "The server ended \(count) times while it ran the job, which is not run once more.",
            expected: "a job that the server survives", actual: "\(count) ends")
    }

    /// Why a job has failed whose files are missing or damaged.
    static func stateLost(_ detail: String) -> Problem {
        Problem(
            .stateLost, "What the server kept of the job is not there, or not what it was: \(detail)")
    }

    /// Whether it is a ``stateLost(_:)``.
    var isOfLostState: Bool { type == .stateLost }
}

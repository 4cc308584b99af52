import Foundation
import Glibc
import Jobs
import Tensors

/// The directory where jobs outlive the process: which they are in a database, what they hold in files beside it.
///
///     lock                 locked while a server uses the directory
///     jobs.sqlite          what there is; a file that it does not name is nobody's
///     arrays/ID-0.pixels   ``StoredPixels`` of the job ID
///     arrays/ID-0.scores   what scoring has added to these
package final class StateDirectory: Sendable {
    package let path: String
    private let lock: Int32

    /// Makes the directory where there is none, and locks it until this ends, or the process.
    ///
    /// - Throws: ``StateError``.
    package init(path: String) throws(StateError) {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: path + "/arrays", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .failed("Cannot create \(path)/arrays: \(error.localizedDescription)")
        }
        // The kernel lets go of the lock when the process ends, however it ends.
        let descriptor = unsafe open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .failed(unsafe "Cannot open \(path)/lock: \(String(cString: strerror(errno))).")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK { throw .inUse(path: path) }
            throw .failed(unsafe "Cannot lock \(path)/lock: \(String(cString: strerror(code))).")
        }
        lock = descriptor
    }

    deinit {
        close(lock)
    }

    var databasePath: String { path + "/jobs.sqlite" }
    private var arraysPath: String { path + "/arrays" }

    /// What arrays may take there as far as the disk goes, in bytes: what they take, and what is free.
    package var capacity: Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: arraysPath)) ?? []
        let taken = names.reduce(0) { sum, name in
            var status = stat()
            return unsafe stat("\(arraysPath)/\(name)", &status) == 0 ? sum + Int(status.st_blocks) * 512 : sum
        }
        return taken + min(freeBytes, .max - taken)
    }

    private var freeBytes: Int {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return .max }
        return Int(
            clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
    }

    func pixelsPath(_ part: StoredPart, of job: JobID) -> String { "\(arraysPath)/\(job)-\(part.file).pixels" }
    func scoresPath(_ part: StoredPart, of job: JobID) -> String { "\(arraysPath)/\(job)-\(part.file).scores" }

    /// Sees to it that the files which are there stay there when the power goes.
    func sync() throws(TensorError) {
        try ArrayFile.syncDirectory(arraysPath)
    }

    /// Removes a part's files, as far as they are there.
    func remove(_ part: StoredPart, of job: JobID) {
        unsafe unlink(pixelsPath(part, of: job))
        removeScores(part, of: job)
    }

    /// Removes a part's file of scores, if it is there.
    func removeScores(_ part: StoredPart, of job: JobID) {
        unsafe unlink(scoresPath(part, of: job))
    }

    /// Removes all files but some.
    ///
    /// - Returns: How many it has removed.
    func removeFiles(except paths: Set<String>) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: arraysPath)) ?? []
        let orphans = names.map { "\(arraysPath)/\($0)" }.filter { !paths.contains($0) }
        for path in orphans { unsafe unlink(path) }
        return orphans.count
    }
}

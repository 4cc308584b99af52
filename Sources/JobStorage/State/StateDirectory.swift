import Files
import Foundation
import Glibc
import Jobs
import Memory
import WebService

/// The directory where jobs outlive the process. A database says which jobs there are, and files beside it hold their
/// arrays.
///
///     segscore-state       says whose the directory is; any other is taken only if empty or of an earlier version
///     lock                 locked while a server uses the directory
///     jobs.sqlite          what there is; a file in arrays that it does not name is nobody's
///     arrays/ID-0.pixels   ``StoredPixels`` of the job ID
///     arrays/ID-0.scores   what scoring has added to these
///     arrays/ID-0.pictures the pictures that came with the images
///     lost/                files of jobs of which no database knows any more
package final class StateDirectory: Sendable {
    package let path: String
    private let lock: Int32

    /// Makes the directory if there is none, and locks it until this object is released or the process ends.
    ///
    /// - Throws: ``StateError``.
    package init(path: String) throws(StateError) {
        self.path = path
        try Self.make(path)
        let isNew = try Self.checkOwner(path)
        // The marker is the first of all files, so that the directory is known for ours wherever the making of it is
        // cut short.
        if isNew { try Self.mark(path) }
        try Self.make(path + "/arrays")
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

    /// Makes a directory if there is none, and syncs its name to the disk, since without the name nothing in it would
    /// be found.
    private static func make(_ path: String) throws(StateError) {
        // The nearest directory above may have been left unsynced by a process that was killed. Those further above
        // change only if a directory is made in them.
        var above = [parent(of: path)]
        while let last = above.last, !exists(last) { above.append(parent(of: last)) }
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .failed("Cannot create \(path): \(reason(error)).")
        }
        for directory in above {
            do throws(FileError) {
                try ArrayFile.syncDirectory(directory)
            } catch {
                // A directory that may not be read cannot be synced either.
                if case .system(_, _, EACCES) = error { continue }
                throw .failed("Cannot put \(path) on the disk: \(Problem(error).detail)")
            }
        }
    }

    private static func parent(of path: String) -> String {
        let parent = (path as NSString).deletingLastPathComponent
        return parent.isEmpty ? "." : parent
    }

    // MARK: Whose it is

    private static let marker = "segscore-state"
    private static let databaseNames = ["jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm", "jobs.sqlite-journal"]

    /// Proves that a directory is ours or empty, so that nothing of another's is ever touched.
    ///
    /// - Returns: Whether it is empty.
    /// - Throws: ``StateError/foreign(path:entry:)``.
    private static func checkOwner(_ path: String) throws(StateError) -> Bool {
        // Each new file system has a folder lost+found, which is nobody's.
        let names = try list(path).filter { $0 != "lost+found" }
        if names.isEmpty { return true }
        // Versions without a marker made both of these before anything else was kept.
        if names.contains(marker) || Set(names).isSuperset(of: ["lock", "jobs.sqlite"]) { return false }
        // A process that was killed as it began has left a part of these.
        let ours = Set(databaseNames + ["lock", "arrays"])
        if let entry = names.sorted().first(where: { !ours.contains($0) }) { throw .foreign(path: path, entry: entry) }
        let arrays = names.contains("arrays") ? try list(path + "/arrays") : []
        if let entry = arrays.sorted().first(where: { !isOfAnArray($0) }) {
            throw .foreign(path: path, entry: "arrays/" + entry)
        }
        return false
    }

    private static func list(_ path: String) throws(StateError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw .failed("Cannot read \(path): \(reason(error)).")
        }
    }

    /// What the system says: Foundation's own words for it may be no more than a number.
    private static func reason(_ error: any Error) -> String {
        let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? POSIXError
        return cause.map { unsafe String(cString: strerror($0.code.rawValue)) } ?? "\(error)"
    }

    private static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Puts the marker there. Its name alone counts; the text is for people.
    private static func mark(_ path: String) throws(StateError) {
        let descriptor = unsafe open("\(path)/\(marker)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .failed(unsafe "Cannot create \(path)/\(marker): \(String(cString: strerror(errno))).")
        }
        let text = Array("Jobs of segscore are kept here (--state-dir): put nothing else here.\n".utf8)
        _ = unsafe text.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        close(descriptor)
    }

    /// Marks a directory of an earlier version, once its database has been read. If a full disk has no room for the
    /// marker, the directory is known by its other files.
    func mark() {
        guard !Self.exists("\(path)/\(Self.marker)") else { return }
        try? Self.mark(path)
    }

    /// Whether a file is named as files of arrays are. No other file is ever removed.
    static func isOfAnArray(_ name: String) -> Bool {
        let parts = name.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, JobID(String(parts[0])) != nil else { return false }
        let ends = parts[1].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2, let number = Int(ends[0]), number >= 0, String(number) == ends[0] else { return false }
        return ["pixels", "scores", "pictures"].contains(ends[1])
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

    func picturesPath(_ part: StoredPart, of job: JobID) -> String { "\(arraysPath)/\(job)-\(part.file).pictures" }

    /// Sees to it that the files which are there stay there when the power goes.
    func sync() throws(FileError) {
        try ArrayFile.syncDirectory(arraysPath)
    }

    /// Removes a part's files, as far as they are there.
    func remove(_ part: StoredPart, of job: JobID) {
        unsafe unlink(pixelsPath(part, of: job))
        removeScores(part, of: job)
        unsafe unlink(picturesPath(part, of: job))
    }

    /// Removes a part's file of scores, if it is there.
    func removeScores(_ part: StoredPart, of job: JobID) {
        unsafe unlink(scoresPath(part, of: job))
    }

    // MARK: Files of no job

    /// Removes all files of arrays but some.
    ///
    /// - Returns: How many it has removed.
    func removeFiles(except paths: Set<String>) -> Int {
        let orphans = arrayNames.map { "\(arraysPath)/\($0)" }.filter { !paths.contains($0) }
        for path in orphans { unsafe unlink(path) }
        return orphans.count
    }

    /// Whether there is no database: none was made yet, or it is lost.
    var lacksDatabase: Bool {
        var status = stat()
        return unsafe stat(databasePath, &status) != 0 ? errno == ENOENT : status.st_size == 0
    }

    /// Moves all files of arrays to a folder where nothing is removed, since it is lost with the database whose they
    /// are, and a person may still want them. The files that belonged to a database which is not there are moved too.
    ///
    /// - Returns: How many it has moved.
    /// - Throws: ``StateError/failed(_:)``; what was not moved is where it was.
    func putAside() throws(StateError) -> Int {
        let left = lacksDatabase ? Self.databaseNames.dropFirst().filter { Self.exists("\(path)/\($0)") } : []
        let orphans = arrayNames.map { (from: "\(arraysPath)/\($0)", name: $0) } + left.map { ("\(path)/\($0)", $0) }
        guard !orphans.isEmpty else { return 0 }
        let lost = path + "/lost"
        try Self.make(lost)
        for (from, name) in orphans {
            var (target, number) = ("\(lost)/\(name)", 1)
            while Self.exists(target) {
                target = "\(lost)/\(name).\(number)"
                number += 1
            }
            guard unsafe rename(from, target) == 0 else {
                throw .failed(unsafe "Cannot move \(from) to \(lost): \(String(cString: strerror(errno))).")
            }
        }
        return orphans.count
    }

    private var arrayNames: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: arraysPath)) ?? []).filter(Self.isOfAnArray)
    }
}

import Files
import Foundation
import Glibc
import GRDB
import Jobs
import Memory
import Threads
import WebService

/// The database of a state directory: which jobs there are, and of which parts.
///
/// It is in WAL mode and used by one connection alone. What a client was promised is written by ``commit(_:)``, which
/// returns when the change is on the disk. The rest is written by ``commitLater(_:ended:)``: a process that is killed
/// loses none of it, a machine whose power goes loses the latest, and the next commit puts all of it on the disk.
final class JobDatabase: Sendable {
    private let queue: DatabaseQueue
    private let path: String

    /// - Throws: ``StateError``.
    init(path: String) throws(StateError) {
        self.path = path
        var configuration = Configuration()
        configuration.label = "segscore.state"
        configuration.prepareDatabase { database in
            // This comes first, since in exclusive mode there is no file of shared memory beside the database, for
            // which a full disk would have no room.
            try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            // The tables are looked at before anything is changed.
            let tables = try String.fetchSet(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
            guard tables.isEmpty || tables.contains("grdb_migrations") else { throw Foreign() }
            // 64 pages, a quarter of a megabyte, are as much as the log keeps, however small the disk.
            try database.execute(sql: "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 64")
            _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        }
        // The file is made here for its owner alone, since a caller that knows a job's id may read the job. SQLite
        // would let other users read it.
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let migrator = Self.migrator
            guard try queue.read(migrator.hasBeenSuperseded) == false else { throw StateError.newer(path: path) }
            try migrator.migrate(queue)
            try Self.reserve(queue)
        } catch let error as StateError {
            throw error
        } catch is Foreign {
            throw .failed("Cannot use \(path): it is a database of something else.")
        } catch {
            throw .failed("Cannot open \(path): \(error).")
        }
    }

    /// The database has tables, and none that says it is ours.
    private struct Foreign: Error {}

    /// Gives the log and the database some pages more than they need, so that the next changes find room when the disk
    /// is full. That matters most for changes that say which jobs are gone, since these make room.
    ///
    /// - Throws: Any error but that of a full disk.
    private static func reserve(_ queue: DatabaseQueue) throws {
        do {
            try queue.writeWithoutTransaction { database in
                // All of it goes to the list of free pages. As one transaction it is in the log as a whole. A process
                // that was killed before the table was dropped has left it.
                try database.inTransaction {
                    try database.execute(sql: "DROP TABLE IF EXISTS reserve")
                    try database.execute(sql: "CREATE TABLE reserve (bytes BLOB)")
                    try database.execute(sql: "INSERT INTO reserve VALUES (zeroblob(131072))")
                    return .commit
                }
                try database.execute(sql: "DROP TABLE reserve")
                _ = try database.checkpoint(.restart)
            }
        } catch let error as DatabaseError where error.isOfFullDisk {
            // The disk is full now, and there is nothing to put by.
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.create(table: JobRow.databaseTableName) { table in
                table.primaryKey("id", .text)
                table.column("sequence", .integer).notNull().unique()
                table.column("status", .text).notNull()
                table.column("parameters", .text).notNull()
                table.column("shape", .text)
                table.column("createdAt", .double).notNull()
                table.column("imagesDone", .integer).notNull()
                table.column("imagesTotal", .integer)
                table.column("queuedAt", .double)
                table.column("startedAt", .double)
                table.column("finishedAt", .double)
                table.column("expiresAt", .double)
                table.column("failure", .text)
                table.column("statistics", .text)
                table.column("hasOutput", .boolean).notNull()
                table.column("key", .text)
                table.column("fingerprint", .text)
            }
            try database.create(table: PartRow.databaseTableName) { table in
                table.column("job", .text).notNull().references(JobRow.databaseTableName, onDelete: .cascade)
                table.column("number", .integer).notNull()
                table.column("part", .text).notNull()
                table.column("key", .text)
                table.primaryKey(["job", "number"])
            }
        }
        migrator.registerMigration("owner") { database in
            try database.alter(table: JobRow.databaseTableName) { $0.add(column: "owner", .text) }
        }
        migrator.registerMigration("fingerprints of batches") { database in
            try database.alter(table: PartRow.databaseTableName) { $0.add(column: "fingerprint", .text) }
        }
        migrator.registerMigration("attempts") { database in
            try database.alter(table: JobRow.databaseTableName) { table in
                table.add(column: "attempts", .integer).notNull().defaults(to: 0)
            }
        }
        migrator.registerMigration("notes") { database in
            try database.alter(table: JobRow.databaseTableName) { $0.add(column: "notes", .text) }
        }
        migrator.registerMigration("names of images") { database in
            try database.alter(table: JobRow.databaseTableName) { $0.add(column: "names", .text) }
        }
        migrator.registerMigration("decisions of reviewers") { database in
            try database.create(table: DecisionRow.databaseTableName, options: .withoutRowID) { table in
                table.column("job", .integer).notNull()
                    .references(JobRow.databaseTableName, column: "sequence", onDelete: .cascade)
                table.column("number", .integer).notNull()
                table.column("kind", .text)
                table.column("threshold", .double)
                table.column("image", .integer).notNull()
                table.column("pixel", .integer).notNull()
                table.column("given", .integer).notNull()
                table.column("suggested", .integer).notNull()
                table.column("verdict", .text).notNull()
                table.column("label", .integer)
                table.column("reviewer", .text).notNull()
                table.column("note", .text)
                table.column("decidedAt", .double).notNull()
                table.primaryKey(["job", "number"])
            }
        }
        return migrator
    }

    /// Makes a change that holds when this returns, whatever happens then.
    ///
    /// - Throws: What `change` throws, or GRDB's `DatabaseError`. Nothing is changed then.
    func commit(_ change: (Database) throws -> Void) throws {
        DaemonThread.refuse("to commit")
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            defer { try? database.execute(sql: "PRAGMA synchronous = NORMAL") }
            try Self.write(change, to: database)
        }
    }

    /// Makes a change soon, after those that were asked for before.
    ///
    /// - Parameters:
    ///   - ended: Called afterwards, with the error if nothing was changed.
    func commitLater(
        _ change: @escaping @Sendable (Database) throws -> Void, ended: @escaping @Sendable ((any Error)?) -> Void
    ) {
        queue.asyncWriteWithoutTransaction { database in
            do {
                try Self.write(change, to: database)
                ended(nil)
            } catch {
                ended(error)
            }
        }
    }

    private static func write(_ change: (Database) throws -> Void, to database: Database) throws {
        func transact() throws {
            try database.inTransaction {
                try change(database)
                return .commit
            }
        }
        do {
            try transact()
        } catch let error as DatabaseError where error.isOfFullDisk {
            // What the log holds is copied into the database's own file, and the log begins anew in the room that it
            // has.
            _ = try? database.checkpoint(.restart)
            try transact()
        }
    }

    /// Writes over what a commit that has failed may have left in the log. A commit that was written and could not be
    /// synced would stand there, and hold for the next process.
    ///
    /// - Parameters:
    ///   - isSynced: Whether to return when that is on the disk, as a commit does.
    /// - Throws: GRDB's `DatabaseError`.
    func overwrite(isSynced: Bool) throws {
        // The number means nothing. It is another than before, so that a page is written.
        func change(_ database: Database) throws {
            let number = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            try database.execute(sql: "PRAGMA user_version = \((number + 1) % 1_000_000)")
        }
        if isSynced {
            try commit(change)
        } else {
            try queue.writeWithoutTransaction { try Self.write(change, to: $0) }
        }
    }

    /// Returns when all that was asked for before is on the disk.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``.
    func sync() throws(FileError) {
        try queue.inDatabase { (_) -> Result<Void, FileError> in
            Result { () throws(FileError) in try syncLog() }
        }.get()
    }

    /// Returns when all that is written is on the disk.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``.
    func syncLog() throws(FileError) {
        // What is not in the log is in the database's own file, which was synced when the change was copied there.
        try ArrayFile.sync(path + "-wal")
    }

    /// Returns when all that was asked for before is written.
    func awaitWrites() {
        DaemonThread.refuse("to wait for the disk")
        queue.inDatabase { _ in }
    }

    /// All jobs in order of creation, with their parts in order of arrival.
    func jobs() throws -> [(row: JobRow, parts: [PartRow])] {
        try queue.read { database in
            let parts = try PartRow.order(Column("job"), Column("number")).fetchAll(database)
            let ofJobs = Dictionary(grouping: parts, by: \.job)
            return try JobRow.order(Column("sequence")).fetchAll(database).map { ($0, ofJobs[$0.id] ?? []) }
        }
    }

    /// The decisions on a job in order of arrival.
    ///
    /// - Parameter sequence: The number of the job.
    func decisions(on sequence: UInt64) throws -> [DecisionRow] {
        try queue.read { database in
            try DecisionRow.filter(Column("job") == Int64(sequence)).order(Column("number")).fetchAll(database)
        }
    }

    /// Returns when all that was asked for before is written, and stands in the database's one file.
    ///
    /// - Throws: GRDB's `DatabaseError`; then it stands in the write-ahead log, from which the next process reads it.
    func flush() throws {
        try queue.inDatabase { database in _ = try database.checkpoint(.truncate) }
    }
}

extension DatabaseError {
    /// Whether the disk or memory is at fault and not the change, which may be made later.
    var isOfTheMoment: Bool {
        let codes: [ResultCode] = [
            .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_NOMEM, .SQLITE_BUSY,
        ]
        return codes.contains(resultCode)
    }

    /// Whether there was no room. SQLite calls a full disk by its name, and a file that may not grow a failed write.
    var isOfFullDisk: Bool { resultCode == .SQLITE_FULL || extendedResultCode == .SQLITE_IOERR_WRITE }
}

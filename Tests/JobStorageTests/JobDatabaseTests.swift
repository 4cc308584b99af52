import Foundation
import GRDB
import HTTPTypes
import Jobs
import Logging
import ServiceHarness
import Testing
import TestSupport

@testable import DatasetScoring
@testable import JobStorage
@testable import ScoringService
@testable import WebService

@Suite struct JobDatabaseTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.path + "/jobs.sqlite" }

    init() throws {
        folder = try TemporaryDirectory()
    }

    private func row(_ sequence: UInt64) throws -> JobRow {
        JobRow(
            Job(
                id: JobID(), sequence: sequence, lifecycle: JobLifecycle(.open, createdAt: Date()),
                details: ScoreJob.Details(parameters: try ScoreParameters(Parameters(known: [])), owner: nil)))
    }

    private func bytes(_ name: String = "jobs.sqlite") throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name)))
    }

    @Test func givesJobsInOrderOfCreation() throws {
        let (first, second) = (try row(3), try row(20))
        do {
            let database = try JobDatabase(path: path)
            try database.commit { try second.insert($0) }
            try database.commit { try first.insert($0) }
        }
        let jobs = try JobDatabase(path: path).jobs()
        #expect(jobs.map(\.row.id) == [first.id, second.id])
        #expect(jobs.map(\.row.job.createdAt) == [first.job.createdAt, second.job.createdAt])
    }

    @Test func changesNothingWhereACommitThrows() throws {
        let database = try JobDatabase(path: path)
        let (first, second) = (try row(1), try row(2))
        try database.commit { try first.insert($0) }
        #expect(throws: Unexpected.self) {
            try database.commit { connection in
                try second.insert(connection)
                throw Unexpected(description: "no")
            }
        }
        #expect(throws: DatabaseError.self) { try database.commit { try first.insert($0) } }
        #expect(try database.jobs().map(\.row.id) == [first.id])
        try database.commit { try second.insert($0) }
        #expect(try database.jobs().count == 2)
    }

    @Test func makesLaterChangesInTheirOrder() throws {
        let database = try JobDatabase(path: path)
        let rows = try (1...3).map { try row($0) }
        let ended = Box<String>()
        for row in rows {
            database.commitLater({ try row.insert($0) }, ended: { ended.add($0 == nil ? row.id : "failed") })
        }
        let first = rows[0]
        database.commitLater({ try first.insert($0) }, ended: { ended.add($0 is DatabaseError ? "twice" : "made") })
        #expect(try database.jobs().map(\.row.id) == rows.map(\.id))
        #expect(ended.values == rows.map(\.id) + ["twice"])
    }

    @Test func isOneFileAfterItIsFlushed() throws {
        let row = try row(1)
        let database = try JobDatabase(path: path)
        database.commitLater({ try row.insert($0) }, ended: { _ in })
        try database.flush()
        #expect(folder.names == ["jobs.sqlite", "jobs.sqlite-wal"])
        #expect(try bytes("jobs.sqlite-wal").isEmpty)
        let copy = try folder.file("copy", try bytes())
        #expect(try JobDatabase(path: copy).jobs().map(\.row.id) == [row.id])
    }

    @Test func refusesWhatALaterVersionHasWritten() throws {
        let row = try row(1)
        do {
            let database = try JobDatabase(path: path)
            try database.commit { try row.insert($0) }
        }
        do {
            let other = try DatabaseQueue(path: path)
            try other.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('of a later version')") }
        }
        #expect(throws: StateError.newer(path: path)) { try JobDatabase(path: path) }
        let other = try DatabaseQueue(path: path)
        #expect(try other.read { try String.fetchAll($0, sql: "SELECT id FROM job") } == [row.id])
    }

    @Test func leavesWhatIsNoDatabaseAsItIs() throws {
        let garbage = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        _ = try folder.file("jobs.sqlite", garbage)
        let error = #expect(throws: StateError.self) { try JobDatabase(path: path) }
        guard case .failed(let sentence)? = error else { throw Unexpected(description: "\(String(describing: error))") }
        #expect(sentence.hasPrefix("Cannot open \(path): "))
        #expect(try bytes() == garbage)
        #expect(folder.names == ["jobs.sqlite"])
    }

    @Test func leavesADatabaseOfSomethingElseAsItIs() throws {
        do {
            let other = try DatabaseQueue(path: path)
            try other.write { try $0.execute(sql: "CREATE TABLE letters (text TEXT)") }
        }
        let before = try bytes()
        let error = #expect(throws: StateError.self) { try JobDatabase(path: path) }
        #expect(error == .failed("Cannot use \(path): it is a database of something else."))
        #expect(try bytes() == before)
        #expect(folder.names == ["jobs.sqlite"])
    }

    /// Killed between the two steps in which room is put by, as versions before did not survive.
    @Test func opensWhereRoomWasBeingPutBy() throws {
        do { _ = try JobDatabase(path: path) }
        do {
            let other = try DatabaseQueue(path: path)
            try other.write { database in
                try database.execute(sql: "CREATE TABLE reserve (bytes BLOB); INSERT INTO reserve VALUES (x'00')")
            }
        }
        for _ in 0..<2 { #expect(throws: Never.self) { try JobDatabase(path: path) } }
        let other = try DatabaseQueue(path: path)
        #expect(try other.read { try $0.tableExists("reserve") } == false)
    }

    @Test func namesTheJobThatCannotBeRead() throws {
        let store = try SQLiteJobStore(try StateDirectory(path: folder.path + "/state"), logger: .silent)
        #expect(try store.restore().isEmpty)
        let row = try row(1)
        for (column, value) in [("id", "'x'"), ("status", "'lost'"), ("parameters", "'{\"downsample\": \"0\"}'")] {
            let other = try TemporaryDirectory()
            do {
                _ = try StateDirectory(path: other.path)
                let database = try JobDatabase(path: other.path + "/jobs.sqlite")
                try database.commit { connection in
                    try row.insert(connection)
                    try connection.execute(sql: "UPDATE job SET \(column) = \(value)")
                }
            }
            let broken = try SQLiteJobStore(try StateDirectory(path: other.path), logger: .silent)
            let error = #expect(throws: StateError.self) { try broken.restore() }
            guard case .failed(let sentence)? = error else { throw Unexpected(description: column) }
            #expect(sentence.contains("cannot be read"), "\(sentence)")
        }
    }

    /// What cannot be understood is for whoever can: neither rows nor files are touched.
    @Test func staysAsItIsWhereItCannotBeUnderstood() async throws {
        let server = try StatefulServer()
        _ = await server.harness.score(try Sample().npz())
        await server.settle()
        let files = try server.files()
        let names = try files.arrays()
        server.store.close()
        let copy = try TemporaryDirectory()
        try FileManager.default.copyItem(atPath: files.path, toPath: copy.path + "/state")
        do {
            let database = try DatabaseQueue(path: copy.path + "/state/jobs.sqlite")
            try await database.write { try $0.execute(sql: "UPDATE job SET parameters = '[]'") }
        }
        #expect(throws: StateError.self) { try StatefulServer(copy) }
        #expect(try StateFiles(path: copy.path + "/state").arrays() == names)
    }
}

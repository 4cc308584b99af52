import Files
import Foundation
import HTTPTypes
import Jobs
import Logging
import Memory
import ServiceHarness
import Testing
import TestSupport

@testable import JobStorage
@testable import ScoringService

@Suite struct StateDirectoryTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.path + "/some/state" }

    init() throws {
        folder = try TemporaryDirectory()
    }

    private func mode(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path + name)[.posixPermissions] as? Int
    }

    @Test func isMadeWhereThereIsNone() throws {
        let directory = try StateDirectory(path: path)
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        #expect(names == ["arrays", "lock", "segscore-state"])
        #expect(directory.capacity > 0)
        try directory.sync()
    }

    /// Whoever knows a job's id may read the job.
    @Test func isForNobodyElse() throws {
        let store = try SQLiteJobStore(try StateDirectory(path: path), logger: .silent)
        #expect(try store.rows().isEmpty)
        #expect(try mode("/arrays") == 0o700)
        #expect(try mode("/lock") == 0o600)
        #expect(try mode("/jobs.sqlite") == 0o600)
    }

    @Test func isUsedByOneAtATime() throws {
        let first = try StateDirectory(path: path)
        #expect(throws: StateError.inUse(path: path)) { try StateDirectory(path: path) }
        // The one that was refused takes nothing with it.
        #expect(throws: StateError.inUse(path: path)) { try StateDirectory(path: path) }
        #expect(first.path == path)
    }

    @Test func isFreeAgainWhenTheFirstIsGone() throws {
        do {
            let first = try StateDirectory(path: path)
            #expect(first.path == path)
        }
        #expect(throws: Never.self) { try StateDirectory(path: path) }
    }

    /// Nothing goes round in circles: where no job waits for its turn, a service ends with its last reference.
    @Test(.timeLimit(.minutes(1))) func isFreeAgainWhenItsServiceIsGone() async throws {
        let job: String
        do {
            let server = try StatefulServer(folder)
            job = try await server.submit(Sample())
            _ = try await server.final(job)
            _ = await server.harness.score(try Sample().npz(), [.idempotencyKey: "a"])
            let open = try await server.harness.send(.post, "/jobs", body: []).location()
            let body = try Sample().npz()
            #expect(await server.harness.send(.post, open + "/batches", body.fields, body: body.bytes).status == 201)
            await server.settle()
        }
        let next = try await server(in: folder)
        #expect(try await next.status(job) == "succeeded")
        #expect(next.harness.jobCount == 3)
    }

    /// A worker's thread may hold the service for a moment after it has answered.
    private func server(in folder: TemporaryDirectory) async throws -> StatefulServer {
        while true {
            do {
                return try StatefulServer(folder)
            } catch StateError.inUse {
                await Task.yield()
            }
        }
    }

    @Test func cannotBeWhereAFileIs() throws {
        let path = try folder.file("file", [1])
        let error = #expect(throws: StateError.self) { try StateDirectory(path: path) }
        guard case .failed(let sentence)? = error else { throw Unexpected(description: "\(String(describing: error))") }
        #expect(sentence.hasPrefix("Cannot create \(path): "))
    }

    @Test func removesFilesThatNobodyNames() throws {
        let directory = try StateDirectory(path: path)
        let contents = try JSONDecoder().decode(StoredPart.self, from: Data(Self.part.utf8))
        let (mine, other) = (JobID(), JobID())
        for job in [mine, other] {
            for path in [directory.pixelsPath(contents, of: job), directory.scoresPath(contents, of: job)] {
                try ArrayFile.write([try Buffer<UInt8>([1])], to: path)
            }
        }
        #expect(directory.removeFiles(except: [directory.pixelsPath(contents, of: mine)]) == 3)
        let names = { try FileManager.default.contentsOfDirectory(atPath: self.path + "/arrays") }
        #expect(try names() == ["\(mine)-2.pixels"])
        directory.removeScores(contents, of: mine)
        #expect(try names() == ["\(mine)-2.pixels"])
        directory.remove(contents, of: mine)
        #expect(try names() == [])
    }

    // MARK: Whose it is

    /// A directory with some files, and with folders where a name ends with a slash.
    private func directory(_ names: [String]) throws -> String {
        for name in names {
            let target = URL(fileURLWithPath: path + "/" + name)
            let folder = name.hasSuffix("/") ? target : target.deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            if !name.hasSuffix("/") { try Data("something".utf8).write(to: target) }
        }
        return path
    }

    private static let array = "0123456789abcdef0123456789abcdef-0.pixels"

    @Test(
        arguments: [
            (["thesis.tex"], "thesis.tex"), (["arrays/pred_probs.npy"], "arrays/pred_probs.npy"),
            (["lock", "other.sqlite"], "other.sqlite"), (["jobs.sqlite", "report.txt"], "report.txt"),
            (["arrays/" + array, "arrays/notes"], "arrays/notes"), ([".git/"], ".git"),
        ])
    func ofAnothersIsLeftAsItIs(names: [String], named: String) throws {
        let path = try directory(names)
        let before = try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
        #expect(throws: StateError.foreign(path: path, entry: named)) { try StateDirectory(path: path) }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: path).sorted() == before)
    }

    /// A file system's own folder, and what versions without a marker left where they were killed as they began.
    @Test(
        arguments: [
            [], ["lost+found/"], ["arrays/"], ["arrays/", "lock"], ["lock", "arrays/" + array], ["segscore-state"],
            ["segscore-state", "anything else"],
        ])
    func isTakenWhereNothingIsOfAnothers(names: [String]) throws {
        let path = try directory(names)
        #expect(throws: Never.self) { try SQLiteJobStore(try StateDirectory(path: path), logger: .silent) }
        #expect(FileManager.default.fileExists(atPath: path + "/segscore-state"))
        #expect(throws: Never.self) { try SQLiteJobStore(try StateDirectory(path: path), logger: .silent) }
    }

    @Test(
        arguments: [
            ("-0.pixels", true), ("-17.scores", true), ("-0.npy", false), ("-00.pixels", false), ("-.pixels", false),
            ("-x.pixels", false), ("-0.pixels.bak", false), (".pixels", false), ("--1.pixels", false),
            ("-+1.pixels", false),
        ])
    func knowsTheNamesOfArrays(end: String, isOurs: Bool) {
        #expect(StateDirectory.isOfAnArray(JobID().description + end) == isOurs)
        #expect(!StateDirectory.isOfAnArray("pred" + end))
    }

    private static let part = """
        {"file": 2, "isScored": true, "contents": {
            "shape": {"imageCount": 1, "classCount": 1, "height": 1, "width": 1},
            "hasFloat64": false, "hasWideCodes": false, "hasPredicted": false, "others": []}}
        """
}

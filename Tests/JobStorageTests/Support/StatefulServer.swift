import Foundation
import HTTPTypes
import Jobs
import Logging
import ServiceHarness
import Testing
import TestSupport

@testable import JobStorage
@testable import ScoringService
@testable import WebService

/// A service that keeps its jobs in a state directory.
struct StatefulServer {
    let folder: TemporaryDirectory
    let store: SQLiteJobStore
    let harness: Harness

    /// Takes up what is in a directory.
    init(_ folder: TemporaryDirectory, resultBytes: Int = 1 << 20, history: Int = 100) throws {
        self.folder = folder
        store = try SQLiteJobStore(try StateDirectory(path: folder.path + "/state"), logger: .silent)
        let restored = try store.restore()
        harness = try Harness(resultBytes: resultBytes, history: history, store: store)
        harness.service.takeUp(restored)
    }

    init(resultBytes: Int = 1 << 20) throws {
        try self.init(try TemporaryDirectory(), resultBytes: resultBytes)
    }

    /// The server that comes after this one, which is killed as it is now.
    ///
    /// The successor has a copy of the files, so that this server may have jobs in its queue whose work would otherwise
    /// hold the directory.
    ///
    /// - Parameters:
    ///   - change: What happens to the files in the meantime.
    func successor(
        resultBytes: Int = 1 << 20, history: Int = 100, _ change: (StateFiles) throws -> Void = { _ in }
    ) throws -> StatefulServer {
        let next = try TemporaryDirectory()
        try FileManager.default.copyItem(atPath: try files().path, toPath: next.path + "/state")
        try change(StateFiles(path: next.path + "/state"))
        return try StatefulServer(next, resultBytes: resultBytes, history: history)
    }

    /// The directory, when all that was to be written is.
    func files() throws -> StateFiles {
        // Reading waits for what was asked for before.
        _ = try store.rows()
        return StateFiles(path: folder.path + "/state")
    }

    /// Sends a scoring request that does not wait.
    ///
    /// - Returns: The job's path.
    func submit(_ sample: Sample, query: String = "", key: String? = nil) async throws -> String {
        var fields: HTTPFields = [.prefer: "respond-async"]
        fields[.idempotencyKey] = key
        let reply = await harness.score(try sample.npz(), query: query, fields)
        #expect(reply.status == 202, "\(reply.text)")
        return try reply.location()
    }

    /// What the server says of a job when that has ended.
    func final(_ job: String) async throws -> [String: Any] { try await harness.get(job + "?wait=60").json() }

    /// The word for how a job stands.
    func status(_ job: String) async throws -> String? { try await harness.get(job).json()["status"] as? String }

    /// Waits until nothing is queued or running, and everybody was told.
    func settle() async {
        await withCheckedContinuation { continuation in
            harness.service.queue.whenIdle { continuation.resume() }
        }
    }
}

/// What is in a state directory.
struct StateFiles {
    let path: String

    /// The names of the files of arrays.
    func arrays() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path + "/arrays").sorted() }

    func arrays(of job: String) throws -> [String] {
        try arrays().filter { $0.hasPrefix(job.replacing("/jobs/", with: "") + "-") }
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/arrays/" + name) }

    func byteCount(_ name: String) throws -> Int {
        try Data(contentsOf: URL(fileURLWithPath: path + "/arrays/" + name)).count
    }

    func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/arrays/" + name))
    }

    /// Flips all bits of the first bytes of a file.
    func change(_ name: String) throws {
        let url = URL(fileURLWithPath: path + "/arrays/" + name)
        var bytes = try Data(contentsOf: url)
        for index in 0..<4 { bytes[index] ^= 0xff }
        try bytes.write(to: url)
    }

    /// Takes the last byte of a file away.
    func shorten(_ name: String) throws {
        let url = URL(fileURLWithPath: path + "/arrays/" + name)
        try Data(contentsOf: url).dropLast().write(to: url)
    }
}

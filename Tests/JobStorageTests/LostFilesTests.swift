import Foundation
import Glibc
import GRDB
import HTTPTypes
import Jobs
import ServiceHarness
import Testing
import TestSupport

@testable import JobStorage
@testable import ScoringService

/// What becomes of jobs whose files are not what was written, and of files that are of no job.
@Suite struct LostFilesTests {
    private let sample = Sample()

    enum Loss: CaseIterable {
        case removed, shortened, changed

        func happen(to name: String, in files: StateFiles) throws {
            switch self {
            case .removed: try files.remove(name)
            case .shortened: try files.shorten(name)
            case .changed: try files.change(name)
            }
        }
    }

    @Test func aSequenceThatCannotBeIsAnError() async throws {
        let server = try StatefulServer()
        _ = try await server.submit(sample)
        #expect(throws: StateError.self) {
            _ = try server.successor { files in
                let database = try DatabaseQueue(path: files.path + "/jobs.sqlite")
                try database.write { try $0.execute(sql: "UPDATE job SET sequence = -1") }
            }
        }
    }

    private func expectLost(_ server: StatefulServer, _ job: String) async throws {
        let document = try await server.final(job)
        #expect(document["status"] as? String == "failed")
        let error = try #require(document["error"] as? [String: Any])
        #expect(error["type"] as? String == "urn:segscore:state-lost")
        #expect(try server.files().arrays(of: job) == [])
    }

    @Test(arguments: Loss.allCases, ["", "?method=num_pixel_issues"])
    func failAJobThatWasQueued(loss: Loss, query: String) async throws {
        let server = try StatefulServer()
        server.harness.service.queue.isSuspended = true
        let (job, other) = (
            try await server.submit(sample, query: query, key: "a"), try await server.submit(sample)
        )
        let next = try server.successor { files in
            for name in try files.arrays(of: job) { try loss.happen(to: name, in: files) }
        }
        try await expectLost(next, job)
        #expect(try await next.final(other)["status"] as? String == "succeeded")
        try await expectLost(try next.successor(), job)
        // Whoever asks again is not answered with what was lost before.
        if loss != .changed { #expect(try await next.submit(sample, query: query, key: "a") != job) }
    }

    @Test(arguments: [0, 1]) func expireResultsThatAreGone(file: Int) async throws {
        let server = try StatefulServer()
        let job = try await server.harness.score(try sample.npz(), query: "?method=num_pixel_issues").location()
        await server.settle()
        let next = try server.successor { files in
            try files.remove(try #require(try files.arrays(of: job).dropFirst(file).first))
        }
        #expect(try await next.status(job) == "succeeded")
        #expect(await next.harness.get(job + "/image_scores").problem == "result-expired")
        #expect(try next.files().arrays() == [])
        #expect(next.harness.service.queue.counts.outputBytes == 0)
        let last = try next.successor()
        #expect(await last.harness.get(job).text == next.harness.get(job).text)
    }

    @Test(arguments: [Loss.shortened, .changed], [0, 1])
    func failAJobWhoseResultsAreDamaged(loss: Loss, file: Int) async throws {
        let server = try StatefulServer()
        let job = try await server.harness.score(
            try sample.npz(), query: "?method=num_pixel_issues", [.idempotencyKey: "a"]
        ).location()
        await server.settle()
        let next = try server.successor { files in
            try loss.happen(to: try #require(try files.arrays(of: job).dropFirst(file).first), in: files)
        }
        try await expectLost(next, job)
        #expect(await next.harness.get(job + "/image_scores").status == 409)
        #expect(next.harness.service.queue.counts.outputBytes == 0)
        try await expectLost(try next.successor(), job)
        #expect(try await next.submit(sample, query: "?method=num_pixel_issues", key: "a") != job)
    }

    /// A file that is mapped becomes shorter: reading on would end the process.
    @Test(arguments: ["/pixel_scores", "/issues?threshold=0.5", "/pixel_scores?image=1", "/summary", "/label_issues"])
    func failAJobWhoseResultsAreCutOffWhileTheyAreRead(resource: String) async throws {
        let server = try StatefulServer()
        let big = Sample(images: 2, height: 64, width: 64)
        let job = try await server.harness.score(try big.npz(), query: "?method=num_pixel_issues").location()
        #expect(await server.harness.get(job + "/image_scores", [.accept: "application/json"]).status == 200)
        for name in try server.files().arrays(of: job) {
            #expect(truncate(try server.files().path + "/arrays/" + name, 0) == 0)
        }
        let reply = await server.harness.get(job + resource, [.accept: "application/json"])
        #expect((reply.status, reply.problem) == (500, "state-lost"))
        try await expectLost(server, job)
        try await expectLost(try server.successor(), job)
    }

    /// What was written without checksums is looked at instead: numbers in it become indices.
    @Test(arguments: [true, false]) func failAJobWithoutChecksumsThatCannotBe(isPlausible: Bool) async throws {
        let server = try StatefulServer()
        let job = try await server.harness.score(try sample.npz()).location()
        await server.settle()
        let next = try server.successor { files in
            let database = try DatabaseQueue(path: files.path + "/jobs.sqlite")
            try database.write { connection in
                try connection.execute(
                    sql: "UPDATE part SET part = json_remove(part, '$.pixelChecksums', '$.scoreChecksums')")
            }
            let pixels = try #require(try files.arrays(of: job).first { $0.hasSuffix("pixels") })
            if !isPlausible { try files.change(pixels) }
        }
        if isPlausible {
            #expect(try await next.status(job) == "succeeded")
            #expect(await next.harness.get(job + "/pixel_scores").status == 200)
        } else {
            try await expectLost(next, job)
        }
    }

    @Test(arguments: [Loss.removed, .shortened]) func failAJobThatTookBatches(loss: Loss) async throws {
        let server = try StatefulServer()
        let job = try await server.harness.send(.post, "/jobs", body: []).location()
        for _ in 0..<2 {
            let body = try sample.npz()
            _ = await server.harness.send(.post, job + "/batches", body.fields, body: body.bytes)
        }
        let next = try server.successor { files in
            try loss.happen(to: try #require(try files.arrays(of: job).last), in: files)
        }
        try await expectLost(next, job)
        #expect(await next.harness.send(.post, job + "/finish").problem == "job-not-open")
    }

    @Test func removeWhatBelongsToNoJob() async throws {
        let server = try StatefulServer()
        let job = try await server.harness.score(try sample.npz()).location()
        await server.settle()
        let names = try server.files().arrays()
        let next = try server.successor { files in
            for name in ["\(JobID())-0.pixels", names[0].replacing("-0", with: "-1"), "junk"] {
                try files.write([1], name)
            }
        }
        // And nothing that is named otherwise.
        #expect(try next.files().arrays() == (names + ["junk"]).sorted())
        #expect(await next.harness.get(job + "/image_scores").status == 200)
    }

    /// How a database is lost: with what is beside it, alone, or as to what it holds.
    enum Absence: CaseIterable {
        case removed, emptied, withoutRows

        func happen(in files: StateFiles) throws {
            let path = files.path + "/jobs.sqlite"
            switch self {
            case .removed: try FileManager.default.removeItem(atPath: path)
            case .emptied: try Data().write(to: URL(fileURLWithPath: path))
            case .withoutRows:
                let database = try DatabaseQueue(path: path)
                try database.write { try $0.execute(sql: "DELETE FROM part; DELETE FROM job") }
            }
        }
    }

    @Test(arguments: Absence.allCases) func arePutAsideWhereTheDatabaseIsLost(absence: Absence) async throws {
        let server = try StatefulServer()
        _ = await server.harness.score(try sample.npz())
        await server.settle()
        let names = try server.files().arrays()
        let next = try server.successor { try absence.happen(in: $0) }
        #expect(next.harness.jobCount == 0)
        #expect(try next.files().arrays() == [])
        let lost = { try FileManager.default.contentsOfDirectory(atPath: next.files().path + "/lost") }
        #expect(Set(try lost()).isSuperset(of: names) && names.count == 2)
        let last = try next.successor()
        #expect(try last.files().arrays() == [] && Set(try lost()).isSuperset(of: names))
    }
}

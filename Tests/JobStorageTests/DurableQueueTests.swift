import Foundation
import HTTPTypes
import Jobs
import ServiceHarness
import ServiceInterface
import Testing
import TestSupport

@testable import JobStorage
@testable import ScoringService
import WebService

/// Jobs that were still to be done when their server was killed.
@Suite struct DurableQueueTests {
    private let sample = Sample(images: 3, classes: 4, height: 4, width: 6)

    /// A server that runs nothing.
    private func suspended() throws -> StatefulServer {
        let server = try StatefulServer()
        server.harness.service.queue.isSuspended = true
        return server
    }

    @Test(
        arguments: [
            "", "?temperature=3&ignore_label=2", "?method=num_pixel_issues",
            "?method=num_pixel_issues&downsample=2&ignore_label=0&threshold=0.25",
        ], [true, false])
    func areDoneByTheNext(query: String, labelsFirst: Bool) async throws {
        let server = try suspended()
        let reply = await server.harness.score(
            try sample.npz(labelsFirst: labelsFirst), query: query, [.prefer: "respond-async"])
        let job = try reply.location()
        let next = try server.successor()
        let document = try await next.final(job)
        #expect(document["status"] as? String == "succeeded")
        let other = try Harness()
        let expected = try await other.score(try sample.npz(), query: query).location()
        let expectedDocument = try await other.get(expected).json()
        for member in ["parameters", "shape", "progress"] {
            #expect(document[member] as? NSDictionary == expectedDocument[member] as? NSDictionary, "\(member)")
        }
        for resource in ["/image_scores", "/pixel_scores", "/issues", "/label_issues", "/statistics"] {
            #expect(await next.harness.get(job + resource).bytes == other.get(expected + resource).bytes)
        }
    }

    @Test func areDoneInTheirOrderAndAheadOfNewOnes() async throws {
        let server = try suspended()
        var jobs: [String] = []
        for _ in 0..<3 { jobs.append(try await server.submit(sample)) }
        let next = try server.successor()
        jobs.append(try await next.submit(sample))
        _ = try await next.final(jobs[3])
        let ended = next.harness.service.queue.jobs(limit: 9).jobs.reversed()
        #expect(ended.map { "/jobs/\($0.id)" } == jobs)
        let starts = ended.compactMap(\.startedAt)
        #expect(starts == starts.sorted() && starts.count == 4)
    }

    @Test func failByTheNextWhereThatWasKnown() async throws {
        let server = try suspended()
        var wrong = sample
        wrong.labels[0] = 4
        let job = try await server.submit(wrong, key: "a")
        #expect(try await server.status(job) == "queued")
        let next = try server.successor()
        let error = try #require(try await next.final(job)["error"] as? [String: Any])
        #expect(error["type"] as? String == "urn:segscore:label-out-of-range")
        #expect(error["status"] as? Int == 422)
        #expect((error["detail"] as? String)?.contains("labels[0, 0, 0] is 4") == true)
    }

    @Test func haveFailedWhereTheirBodyWasCutShort() async throws {
        let server = try StatefulServer()
        let body = try sample.npz()
        let waiting = try server.harness.openScore(body)
        let sink = try server.harness.openScore(body, [.prefer: "respond-async"])
        sink.push(Array(body.bytes.dropLast(9)))
        let jobs = server.harness.service.queue.jobs(limit: 2).jobs.map(\.id)

        let next = try server.successor()
        let document = try await next.harness.get("/jobs/\(jobs[0])").json()
        #expect(document["status"] as? String == "failed")
        #expect((document["error"] as? [String: Any])?["type"] as? String == "urn:segscore:upload-interrupted")
        #expect(document["finished_at"] is String)
        // Nobody was told of the other, whose client waited for the answer.
        #expect(await next.harness.get("/jobs/\(jobs[1])").status == 404)
        let last = try next.successor()
        #expect(await last.harness.get("/jobs/\(jobs[0])").text == next.harness.get("/jobs/\(jobs[0])").text)
        sink.abandon()
        waiting.abandon()
    }

    @Test func areNotThereWhereTheirBodyWasAbandoned() async throws {
        let server = try StatefulServer()
        let body = try sample.npz()
        let sink = try server.harness.openScore(body, [.prefer: "respond-async"])
        sink.push(Array(body.bytes.dropLast(9)))
        let job = try #require(server.harness.service.queue.jobs(limit: 1).jobs.first)
        sink.abandon()
        #expect(await (try server.successor()).harness.get("/jobs/\(job.id)").status == 404)
    }

    @Test func areCanceledWhereTheyWereWhileTheirBodyCame() async throws {
        let server = try StatefulServer()
        let body = try sample.npz()
        let sink = try server.harness.openScore(body, [.prefer: "respond-async"])
        let job = try #require(server.harness.service.queue.jobs(limit: 1).jobs.first)
        try server.harness.service.queue.cancel(job.id)
        sink.push(body.bytes)
        _ = await sink.reply()
        #expect(try server.files().arrays() == [])
        #expect(try await (try server.successor()).status("/jobs/\(job.id)") == "canceled")
    }

    @Test func areKnownByTheirIdempotencyKey() async throws {
        let server = try suspended()
        let job = try await server.submit(sample, key: "a")
        let next = try server.successor()
        #expect(try await next.submit(sample, key: "a") == job)
        var other = sample
        other.labels[0] = 2
        let reply = await next.harness.score(
            try other.npz(), [.prefer: "respond-async", .idempotencyKey: "a"])
        #expect((reply.status, reply.problem) == (422, "idempotency-key-reused"))
        _ = try await next.final(job)
        await next.settle()
        let last = try next.successor()
        #expect(try await last.submit(sample, key: "a") == job)
        #expect(last.harness.jobCount == 1)
    }

    @Test func areKnownByTheKeyOfAClientThatWaited() async throws {
        let server = try StatefulServer()
        let key: HTTPFields = [.idempotencyKey: "a"]
        let first = await server.harness.score(try sample.npz(), key)
        await server.settle()
        let next = try server.successor()
        let second = await next.harness.score(try sample.npz(), key)
        #expect(second.text == first.text)
        #expect(next.harness.jobCount == 1)
    }

    /// A server that is told to stop cancels what it has, and leaves it to the next.
    @Test func areNotCanceledByTheEndOfTheirServer() async throws {
        let server = try suspended()
        let job = try await server.submit(sample)
        server.store.close()
        server.harness.service.queue.cancelAll()
        #expect(try await server.status(job) == "canceled")
        #expect(try await (try server.successor()).final(job)["status"] as? String == "succeeded")
    }

    @Test func areSetAsideOnceThreeServersDidNotSurviveThem() async throws {
        var server = try suspended()
        let (job, other) = (try await server.submit(sample, key: "a"), try await server.submit(sample))
        let id = try #require(JobID(job.replacing("/jobs/", with: "")))
        for _ in 0..<2 { server.store.countAttempt(id) }
        server.store.takeBackAttempt(id)
        for _ in 0..<2 { server.store.countAttempt(id) }
        server = try server.successor()
        let document = try await server.final(job)
        #expect(document["status"] as? String == "failed")
        #expect((document["error"] as? [String: Any])?["type"] as? String == "urn:segscore:job-set-aside")
        #expect(try server.files().arrays(of: job) == [])
        #expect(try await server.final(other)["status"] as? String == "succeeded")
        #expect(try await (try server.successor()).status(job) == "failed")
    }

    @Test(arguments: [true, false]) func areNotBlamedForServersThatEndAsTheyShould(isSuspect: Bool) async throws {
        let server = try suspended()
        let job = try await server.submit(sample)
        let id = try #require(JobID(job.replacing("/jobs/", with: "")))
        for _ in 0..<(isSuspect ? 2 : 3) { server.store.countAttempt(id) }
        if !isSuspect { server.store.close() }
        let next = try server.successor()
        #expect(try await next.final(job)["status"] as? String == "succeeded")
        #expect(try next.store.rows().allSatisfy { $0.row.attempts == 0 })
    }

    /// There is a file where the scores should go: as on a disk that is full.
    @Test func keepResultsInMemoryThatFindNoRoom() async throws {
        let server = try suspended()
        let job = try await server.submit(sample)
        let pixels = try #require(try server.files().arrays(of: job).first)
        try server.files().write([], pixels.replacing(".pixels", with: ".scores"))
        server.harness.service.queue.isSuspended = false
        #expect(try await server.final(job)["status"] as? String == "succeeded")
        await server.settle()
        let expected = await server.harness.get(job + "/pixel_scores")
        #expect(expected.status == 200)
        #expect(try server.files().arrays(of: job) == [pixels])

        let next = try server.successor()
        #expect(try await next.final(job)["status"] as? String == "succeeded")
        #expect(await next.harness.get(job + "/pixel_scores").bytes == expected.bytes)
    }
}

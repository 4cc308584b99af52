import Foundation
import HTTPTypes
import Jobs
import ServiceHarness
import Testing
import TestSupport

@testable import JobStorage
@testable import ScoringService
@testable import WebService

/// Jobs that took batches when their server was killed.
@Suite struct DurableBatchesTests {
    private static let batches = [Sample(images: 2, height: 4, width: 4), Sample(images: 1, height: 2, width: 6)]
    private static let queries = [
        "?method=softmin&ignore_label=1", "?method=num_pixel_issues", "?method=num_pixel_issues&downsample=2",
    ]

    private func open(_ harness: Harness, _ query: String) async throws -> String {
        let reply = await harness.send(.post, "/jobs" + query, body: [])
        #expect(reply.status == 201, "\(reply.text)")
        return try reply.location()
    }

    private func add(_ sample: Sample, to job: String, _ harness: Harness, key: String? = nil) async throws -> Reply {
        let body = try sample.npz()
        var fields = body.fields
        fields[.idempotencyKey] = key
        return await harness.send(.post, job + "/batches", fields, body: body.bytes)
    }

    private func finish(_ job: String, _ harness: Harness) async throws -> [String: Any] {
        let reply = await harness.send(.post, job + "/finish")
        #expect(reply.status == 202, "\(reply.text)")
        return try await harness.get(job + "?wait=60").json()
    }

    @Test(arguments: queries) func goOnWithThem(query: String) async throws {
        let server = try StatefulServer()
        let job = try await open(server.harness, query)
        let first = try await add(Self.batches[0], to: job, server.harness, key: "a")
        #expect(first.status == 201)
        let before = await server.harness.get(job).text

        let next = try server.successor()
        #expect(await next.harness.get(job).text == before)
        let again = try await add(Self.batches[0], to: job, next.harness, key: "a")
        #expect((again.status, again.text) == (200, first.text))
        let second = try await add(Self.batches[1], to: job, next.harness, key: "b").json()
        #expect(second["batch"] as? Int == 1 && second["first_image"] as? Int == 2)

        let last = try next.successor()
        let document = try await finish(job, last.harness)
        #expect(document["status"] as? String == "succeeded")
        let other = try Harness()
        let expected = try await open(other, query)
        for batch in Self.batches { _ = try await add(batch, to: expected, other) }
        let expectedDocument = try await finish(expected, other)
        for member in ["parameters", "shape", "progress"] {
            #expect(document[member] as? NSDictionary == expectedDocument[member] as? NSDictionary, "\(member)")
        }
        for resource in [
            "/image_scores", "/ranking", "/statistics", "/pixel_scores?image=0", "/pixel_scores?image=2",
            "/label_issues?image=1", "/issues?image=2",
        ] {
            #expect(
                await last.harness.get(job + resource).bytes == other.get(expected + resource).bytes, "\(resource)")
        }
        await last.settle()
        let after = try last.successor()
        #expect(await after.harness.get(job).text == last.harness.get(job).text)
        #expect(
            await after.harness.get(job + "/pixel_scores?image=2").bytes
                == other.get(expected + "/pixel_scores?image=2").bytes)
    }

    @Test(arguments: queries) func areFinishedByTheNextWhereTheyWereComplete(query: String) async throws {
        let server = try StatefulServer()
        server.harness.service.queue.isSuspended = true
        let job = try await open(server.harness, query)
        for batch in Self.batches { _ = try await add(batch, to: job, server.harness) }
        #expect(await server.harness.send(.post, job + "/finish").status == 202)
        let next = try server.successor()
        #expect(try await next.final(job)["status"] as? String == "succeeded")
        #expect(try await add(Self.batches[0], to: job, next.harness).problem == "job-not-open")
    }

    @Test func areOpenAlsoWithoutABatch() async throws {
        let server = try StatefulServer()
        let job = try await open(server.harness, "?threshold=0.5")
        let before = await server.harness.get(job).text
        let next = try server.successor()
        #expect(await next.harness.get(job).text == before)
        #expect(await next.harness.send(.post, job + "/finish").problem == "no-batches")
        _ = try await add(Self.batches[0], to: job, next.harness)
        #expect(try await finish(job, next.harness)["status"] as? String == "succeeded")
    }

    @Test func haveNoBatchThatWasRefused() async throws {
        let server = try StatefulServer()
        let job = try await open(server.harness, "")
        _ = try await add(Self.batches[0], to: job, server.harness)
        let files = try server.files().arrays()
        let reply = try await add(Sample(classes: 5), to: job, server.harness, key: "a")
        #expect(reply.problem == "batch-mismatch")
        #expect(try server.files().arrays() == files)
        let next = try server.successor()
        #expect(try await next.harness.get(job).json()["status"] as? String == "open")
        // What all batches have in common is known still, and the key is free.
        #expect(try await add(Sample(classes: 5), to: job, next.harness, key: "a").problem == "batch-mismatch")
        #expect(try await add(Self.batches[1], to: job, next.harness, key: "a").status == 201)
    }

    /// The batch is added when the job has just ended, and whoever adds it does not know yet.
    @Test(arguments: [true, false]) func getNoBatchOnceTheyHaveEnded(isDeleted: Bool) async throws {
        let server = try StatefulServer()
        let job = try await open(server.harness, "")
        _ = try await add(Self.batches[0], to: job, server.harness)
        let id = try #require(JobID(job.replacing("/jobs/", with: "")))
        let part = try #require(try server.store.rows().first?.parts.first?.jobPart)
        if isDeleted {
            try server.harness.service.queue.delete(id)
        } else {
            try server.harness.service.queue.cancel(id)
        }
        let error = #expect(throws: Problem.self) { try server.store.add(part, as: 1, to: id) }
        #expect(error?.type == .jobNotOpen && error?.status == .conflict)
        #expect(try server.store.rows().allSatisfy { $0.parts.isEmpty })
    }

    @Test(arguments: ["cancel", "delete"]) func leaveNoFilesBehind(end: String) async throws {
        let server = try StatefulServer()
        let job = try await open(server.harness, "?method=num_pixel_issues")
        for batch in Self.batches { _ = try await add(batch, to: job, server.harness) }
        #expect(try server.files().arrays().count == 2)
        _ =
            end == "cancel"
            ? await server.harness.send(.post, job + "/cancel") : await server.harness.send(.delete, job)
        #expect(try server.files().arrays() == [])
        let next = try server.successor()
        if end == "cancel" {
            #expect(try await next.status(job) == "canceled")
        } else {
            #expect(await next.harness.get(job).status == 404)
        }
    }
}

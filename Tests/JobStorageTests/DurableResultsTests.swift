import Foundation
import HTTPTypes
import Jobs
import ServiceHarness
import Testing
import TestSupport

@testable import ScoringService

/// Jobs that had ended when their server was killed.
@Suite struct DurableResultsTests {
    private let sample = Sample(images: 3, classes: 4, height: 4, width: 6)
    private static let queries = [
        "", "?threshold=0.5&temperature=2", "?ignore_label=3", "?method=num_pixel_issues",
        "?method=num_pixel_issues&downsample=2&ignore_label=1",
    ]

    /// All that a server says of a job.
    private func answers(_ server: StatefulServer, _ job: String) async -> [String] {
        var answers: [String] = []
        for resource in [
            "", "/image_scores", "/pixel_scores", "/issues?threshold=0.5", "/label_issues", "/ranking", "/statistics",
            "/summary",
        ] {
            let reply = await server.harness.get(job + resource)
            answers.append("\(resource) \(reply.status) \(reply.bytes)")
        }
        return answers
    }

    @Test(arguments: queries, [false, true]) func areAnsweredAlike(query: String, isAsync: Bool) async throws {
        let server = try StatefulServer()
        let job =
            isAsync
            ? try await server.submit(sample, query: query)
            : try await server.harness.score(try sample.npz(), query: query).location()
        #expect(try await server.final(job)["status"] as? String == "succeeded")
        await server.settle()
        let expected = await answers(server, job)

        let next = try server.successor()
        #expect(await answers(next, job) == expected)
        #expect(try next.files().arrays(of: job) == server.files().arrays(of: job))
        #expect(next.harness.service.queue.counts == server.harness.service.queue.counts)
        #expect(await answers(try next.successor(), job) == expected)
    }

    /// What decides is the scores of a service that keeps nothing.
    @Test(arguments: queries, [false, true])
    func haveTheScoresOfAServiceThatKeepsNothing(query: String, isAsync: Bool) async throws {
        let (server, other) = (try StatefulServer(), try Harness())
        let job =
            isAsync
            ? try await server.submit(sample, query: query)
            : try await server.harness.score(try sample.npz(), query: query).location()
        _ = try await server.final(job)
        let expected = try await other.score(try sample.npz(), query: query).location()
        for resource in ["/image_scores", "/pixel_scores", "/label_issues", "/statistics"] {
            #expect(await server.harness.get(job + resource).bytes == other.get(expected + resource).bytes)
        }
    }

    @Test func takeNoMoreRoomThanTheirScores() async throws {
        let server = try StatefulServer()
        server.harness.service.queue.isSuspended = true
        let job = try await server.submit(sample, query: "?method=num_pixel_issues&downsample=2")
        let pixels = try #require(try server.files().arrays(of: job).first)
        let before = try server.files().byteCount(pixels)
        server.harness.service.queue.isSuspended = false
        _ = try await server.final(job)
        await server.settle()
        // 18 blocks, each with two float64, behind multiples of 64 bytes.
        #expect(try server.files().byteCount(pixels) <= before - 18 * 16)
        #expect(try server.files().arrays(of: job).map { $0.suffix(7) } == [".pixels", ".scores"])
    }

    @Test func stayFailedOrCanceledAsTheyWere() async throws {
        let server = try StatefulServer()
        var wrong = sample
        wrong.labels[7] = 4
        let failed = try await server.submit(wrong, key: "a")
        _ = try await server.final(failed)
        await server.settle()
        server.harness.service.queue.isSuspended = true
        let canceled = try await server.submit(sample)
        #expect(await server.harness.send(.post, canceled + "/cancel").status == 200)
        let expected = [await server.harness.get(failed).text, await server.harness.get(canceled).text]
        #expect(expected[0].contains("label-out-of-range") && expected[1].contains("canceled"))

        let next = try server.successor()
        #expect([await next.harness.get(failed).text, await next.harness.get(canceled).text] == expected)
        #expect(try next.files().arrays() == [])
        #expect(try await next.submit(wrong, key: "a") == failed)
    }

    @Test(arguments: [false, true]) func areGoneWhereTheyWereDeleted(isQueued: Bool) async throws {
        let server = try StatefulServer()
        server.harness.service.queue.isSuspended = isQueued
        let (job, kept) = (try await server.submit(sample), try await server.submit(sample))
        if !isQueued {
            _ = (try await server.final(job), try await server.final(kept))
            await server.settle()
        }
        #expect(try server.files().arrays(of: job) != [])
        #expect(await server.harness.send(.delete, job).status == 204)
        #expect(try server.files().arrays(of: job) == [])
        #expect(try server.files().arrays(of: kept) != [])

        let next = try server.successor()
        #expect(await next.harness.get(job).status == 404)
        #expect(try await next.final(kept)["status"] as? String == "succeeded")
    }

    @Test func keepTheOrderAndTheCursorsOfTheList() async throws {
        let server = try StatefulServer()
        var jobs: [String] = []
        for _ in 0..<3 { jobs.append(try await server.harness.score(try sample.npz()).location()) }
        await server.settle()
        let cursor = try #require(try await server.harness.get("/jobs?limit=1").json()["next"] as? String)
        let next = try server.successor()
        jobs.append(try await next.harness.score(try sample.npz()).location())
        #expect(next.harness.service.queue.jobs(limit: 9).jobs.map { "/jobs/\($0.id)" } == jobs.reversed())
        let rest = try await next.harness.get("/jobs?cursor=" + cursor).json()["jobs"] as? [[String: Any]]
        #expect(rest?.compactMap { $0["id"] as? String }.map { "/jobs/" + $0 } == [jobs[1], jobs[0]])
    }

    @Test func makeRoomOldestFirstWhereThereIsLess() async throws {
        let server = try StatefulServer()
        var jobs: [String] = []
        for _ in 0..<3 { jobs.append(try await server.harness.score(try sample.npz()).location()) }
        await server.settle()
        let size = server.harness.service.queue.counts.outputBytes / 3

        let next = try server.successor(resultBytes: 2 * size)
        #expect(await next.harness.get(jobs[0] + "/pixel_scores").problem == "result-expired")
        #expect(await next.harness.get(jobs[1] + "/pixel_scores").status == 200)
        #expect(try next.files().arrays(of: jobs[0]) == [])
        #expect(try next.files().arrays().count == 4)
        // It stays so where there is room again.
        let last = try next.successor()
        #expect(await last.harness.get(jobs[0] + "/pixel_scores").problem == "result-expired")
        #expect(try await last.final(jobs[0])["status"] as? String == "succeeded")

        let short = try server.successor(history: 1)
        #expect(await short.harness.get(jobs[1]).status == 404)
        #expect(try short.files().arrays() == (try short.files().arrays(of: jobs[2])))
    }

    /// A job that makes more than is ever kept was there all the same.
    @Test func areExpiredWhereTheyWereNeverKept() async throws {
        let server = try StatefulServer(resultBytes: 0)
        let job = try await server.submit(sample)
        _ = try await server.final(job)
        await server.settle()
        #expect(try server.files().arrays() == [])
        let next = try server.successor()
        #expect(await next.harness.get(job + "/pixel_scores").problem == "result-expired")
    }
}

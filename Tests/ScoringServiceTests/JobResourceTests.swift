import Foundation
import HTTPTypes
import Jobs
import Memory
import ServiceHarness
import ServiceInterface
import Testing
import TestSupport

@testable import ScoringService

@Suite struct JobResourceTests {
    private let sample = Sample()

    private func scored(_ harness: Harness, query: String = "") async throws -> String {
        try await harness.score(try sample.npz(), query: query).location()
    }

    @Test func answersArraysAsNpyUnlessToldOtherwise() async throws {
        let harness = try Harness()
        let job = try await scored(harness)
        let whole = await harness.get(job + "/pixel_scores")
        #expect(whole.fields[.contentType] == "application/x-npy")
        #expect(whole.bytes == npy(sample.pixelScores(), .float32, [2, 2, 3]))
        let one = await harness.get(job + "/pixel_scores?image=1")
        #expect(one.bytes == npy(Array(sample.pixelScores()[6...]), .float32, [2, 3]))
        let text = await harness.get(job + "/pixel_scores?image=0", [.accept: "application/json"])
        let rows = try #require(try JSONSerialization.jsonObject(with: Data(text.bytes)) as? [[Double]])
        #expect(rows.flatMap { $0 } == sample.pixelScores()[..<6].map(Double.init))
    }

    @Test func findsIssuesBelowAnyThreshold() async throws {
        let harness = try Harness()
        let job = try await scored(harness, query: "?threshold=0.25")
        for (query, threshold) in [("", Float(0.25)), ("?threshold=0.5", 0.5), ("?threshold=0", 0)] {
            let reply = await harness.get(job + "/issues" + query)
            #expect(reply.bytes == npy(sample.pixelScores().map { $0 < threshold }, .bool, [2, 2, 3]))
        }
    }

    @Test func drawsOneImage() async throws {
        let harness = try Harness()
        let job = try await scored(harness)
        let png: HTTPFields = [.accept: "image/png"]
        for array in ["pixel_scores", "issues"] {
            let picture = await harness.get(job + "/\(array)?image=1", png)
            #expect(picture.fields[.contentType] == "image/png")
            #expect(picture.bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            let all = await harness.get(job + "/\(array)", png)
            #expect((all.status, all.problem) == (400, "invalid-parameter"))
        }
        #expect(await harness.get(job + "/image_scores", png).status == 406)
    }

    @Test(arguments: ["2", "2147483647", "-1", "9223372036854775808", "x", ""])
    func refusesAnImageThatIsNotThere(image: String) async throws {
        let harness = try Harness()
        let job = try await scored(harness)
        let reply = await harness.get(job + "/pixel_scores?image=" + image)
        #expect((reply.status, reply.problem) == (400, "invalid-parameter"))
    }

    /// RFC 9110, sections 13.1.2, 13.1.5 and 14.2.
    @Test func answersPartsOfWhatNeverChanges() async throws {
        let harness = try Harness()
        let target = try await scored(harness) + "/pixel_scores"
        let whole = await harness.get(target)
        let tag = try #require(whole.fields[.eTag])
        #expect(tag.hasPrefix("\"") && whole.fields[.acceptRanges] == "bytes")

        let part = await harness.get(target, [.range: "bytes=3-9"])
        #expect(part.status == 206)
        #expect(part.bytes == Array(whole.bytes[3...9]))
        #expect(part.fields[.contentRange] == "bytes 3-9/\(whole.bytes.count)")

        let current = await harness.get(target, [.range: "bytes=-4", .ifRange: tag])
        #expect(current.bytes == Array(whole.bytes.suffix(4)))
        let older = await harness.get(target, [.range: "bytes=-4", .ifRange: "\"older\""])
        #expect((older.status, older.bytes) == (200, whole.bytes))

        let beyond = await harness.get(target, [.range: "bytes=\(whole.bytes.count)-"])
        #expect((beyond.status, beyond.problem) == (416, "range-not-satisfiable"))
        #expect(beyond.fields[.contentRange] == "bytes */\(whole.bytes.count)")

        let known = await harness.get(target, [.ifNoneMatch: "\"other\", W/\(tag)"])
        #expect((known.status, known.bytes.count) == (304, 0))
        #expect(await harness.get(target + "?image=0", [.ifNoneMatch: tag]).status == 200)
    }

    @Test func ranksImagesWorstFirst() async throws {
        let harness = try Harness()
        let job = try await scored(harness)
        let reply = await harness.get(job + "/ranking?threshold=0.5")
        let ranking = try #require(try reply.json()["ranking"] as? [[String: Any]])
        let scores = sample.imageScores()
        let order = [0, 1].sorted { scores[$0] < scores[$1] }
        #expect(ranking.compactMap { $0["image"] as? Int } == order)
        let pixels = sample.pixelScores()
        #expect(
            ranking.compactMap { $0["num_pixel_issues"] as? Int }
                == order.map { image in pixels[image * 6..<(image + 1) * 6].count { $0 < 0.5 } })
        let first = await harness.get(job + "/ranking?limit=1")
        #expect((try first.json()["ranking"] as? [Any])?.count == 1)
        #expect(await harness.get(job + "/ranking?limit=0").problem == "invalid-parameter")
    }

    @Test func listsJobsNewestFirstInPages() async throws {
        let harness = try Harness()
        var jobs: [String] = []
        for _ in 0..<3 { jobs.append(try await scored(harness)) }
        let first = try await harness.get("/jobs?limit=2").json()
        #expect(selves(first) == [jobs[2], jobs[1]])
        let cursor = try #require(first["next"] as? String)
        jobs.append(try await scored(harness))
        let second = try await harness.get("/jobs?limit=2&cursor=" + cursor).json()
        #expect(selves(second) == [jobs[0]])
        #expect(second["next"] is NSNull)
        #expect(selves(try await harness.get("/jobs?status=failed").json()) == [])
        for query in ["status=done", "limit=0", "limit=501", "cursor=%21", "page=2"] {
            #expect(await harness.get("/jobs?" + query).status == 400)
        }
    }

    @Test func forgetsADeletedJob() async throws {
        let harness = try Harness()
        let job = try await scored(harness)
        #expect(await harness.send(.delete, job).status == 204)
        for (method, target) in [(HTTPRequest.Method.get, job), (.get, job + "/issues"), (.delete, job)] {
            let reply = await harness.send(method, target)
            #expect((reply.status, reply.problem) == (404, "unknown-job"))
        }
    }

    @Test func changesNothingByCancelingWhatHasEnded() async throws {
        let harness = try Harness()
        let job = try await scored(harness)
        let before = await harness.get(job)
        let canceled = await harness.send(.post, job + "/cancel")
        #expect((canceled.status, canceled.text) == (200, before.text))
    }

    private func selves(_ page: [String: Any]) -> [String] {
        (page["jobs"] as? [[String: Any]] ?? []).compactMap { ($0["links"] as? [String: Any])?["self"] as? String }
    }
}

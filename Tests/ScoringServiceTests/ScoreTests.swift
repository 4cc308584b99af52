import Foundation
import HTTPTypes
import Jobs
import Memory
import Scoring
import ServiceHarness
import ServiceInterface
import Testing
import TestSupport

@testable import ScoringService
import WebService

@Suite struct ScoreTests {
    private let sample = Sample()

    @Test(arguments: BodyFormat.allCases, [1, 7, nil] as [Int?])
    func answersTheSameInEveryFormAndChunking(form: BodyFormat, chunk: Int?) async throws {
        let harness = try Harness()
        for labelsFirst in [true, false] {
            let reply = await harness.score(try sample.body(form, labelsFirst: labelsFirst), chunk: chunk)
            #expect(reply.status == 200, "\(reply.text)")
            try expectImageScores(reply, sample.imageScores())
        }
        #expect(harness.spoolFileCount == 0)
        #expect(harness.spool.names == [])
    }

    @Test func keepsProbabilitiesInASpoolFileUntilLabelsAreThere() async throws {
        let harness = try Harness()
        let body = try sample.npz(labelsFirst: false)
        let sink = try harness.openScore(body)
        sink.push(Array(body.bytes.prefix(body.bytes.count / 2)))
        #expect(harness.spoolFileCount == 1)
        #expect(harness.spool.names == [])
        sink.push(Array(body.bytes.suffix(body.bytes.count - body.bytes.count / 2)))
        #expect(await sink.reply().status == 200)
        #expect(harness.spoolFileCount == 0)
    }

    @Test func takesTheTemperatureFromTheQueryAPartOrAMember() async throws {
        let harness = try Harness()
        let expected = sample.imageScores(temperature: 2)
        try expectImageScores(await harness.score(try sample.npz(), query: "?temperature=2"), expected)
        try expectImageScores(await harness.score(sample.multipart(before: [("temperature", "2")])), expected)
        try expectImageScores(await harness.score(sample.multipart(after: [("temperature", "2")])), expected)
        try expectImageScores(await harness.score(sample.json(after: ", \"temperature\": 2")), expected)
    }

    @Test func leavesOutIgnoredPixelsWhereverTheLabelIsNamed() async throws {
        let harness = try Harness()
        let expected = sample.imageScores(ignoring: 1)
        for reply in [
            await harness.score(try sample.npz(), query: "?ignore_label=1"),
            await harness.score(sample.multipart(after: [("ignore_label", "1")])),
            await harness.score(sample.json(before: "\"ignore_label\": 1, ")),
        ] {
            try expectImageScores(reply, expected)
        }
    }

    @Test func refusesAParameterGivenInTwoPlaces() async throws {
        let harness = try Harness()
        let reply = await harness.score(sample.multipart(after: [("threshold", "0.5")]), query: "?threshold=0.5")
        #expect((reply.status, reply.problem) == (400, "repeated-parameter"))
        #expect(harness.jobCount == 0)
    }

    @Test func answersWithWhatIncludeNames() async throws {
        let harness = try Harness()
        let reply = await harness.score(
            try sample.npz(), query: "?threshold=0.5&include=issues,pixel_scores")
        let document = try reply.json()
        #expect(document["image_scores"] == nil)
        let scores = try #require(document["pixel_scores"] as? [[[Double]]])
        #expect(scores.flatMap { $0 }.flatMap { $0 } == sample.pixelScores().map(Double.init))
        let issues = try #require(document["issues"] as? [[[Bool]]])
        #expect(issues.flatMap { $0 }.flatMap { $0 } == sample.pixelScores().map { $0 < 0.5 })
    }

    @Test func wantsOneArrayForAnNpyAnswer() async throws {
        let harness = try Harness()
        let accept: HTTPFields = [.accept: "application/x-npy"]
        let none = await harness.score(try sample.npz(), accept)
        #expect((none.status, none.problem) == (400, "invalid-parameter"))
        let one = await harness.score(try sample.npz(), query: "?include=pixel_scores", accept)
        #expect(one.status == 200)
        #expect(one.bytes == npy(sample.pixelScores(), .float32, [2, 2, 3]))
        #expect(harness.jobCount == 1)
    }

    @Test func dropsTheRestOfABodyThatIsWrong() async throws {
        let harness = try Harness()
        var wrong = sample
        wrong.probabilities[5] = 3
        let body = try wrong.npz()
        let sink = try harness.openScore(body)
        #expect(harness.jobCount == 1)
        sink.push(body.bytes)
        #expect(harness.jobCount == 0)
        sink.push([UInt8](repeating: 0, count: 10_000))
        let reply = await sink.reply()
        #expect((reply.status, reply.problem) == (422, "probability-out-of-range"))
        #expect(reply.text.contains("pred_probs[0, 0, 1, 2] is 3.0"))
        #expect(reply.text.contains("logits"))
    }

    @Test func pointsAtALabelThatIsNoClass() async throws {
        let harness = try Harness()
        var wrong = sample
        wrong.labels[8] = -1
        let reply = await harness.score(try wrong.npz())
        #expect((reply.status, reply.problem) == (422, "label-out-of-range"))
        #expect(reply.text.contains("labels[1, 0, 2] is -1"))
        #expect(harness.jobCount == 0)
        #expect(await harness.score(try wrong.npz(), query: "?ignore_label=-1").status == 200)
    }

    @Test func refusesMoreClassesThanLabelsCanName() async throws {
        let harness = try Harness()
        let many = Sample(images: 1, classes: 65_536, height: 1, width: 1)
        let reply = await harness.score(try many.npz())
        #expect((reply.status, reply.problem) == (422, "too-many-classes"))
        #expect(try reply.json()["limit"] as? Int == 65_535)
        let most = Sample(images: 1, classes: 65_535, height: 1, width: 1)
        #expect(await harness.score(try most.npz()).status == 200)
    }

    @Test func leavesNothingOfAnUploadThatIsAbandoned() throws {
        let harness = try Harness()
        let body = try sample.npz(labelsFirst: false)
        let sink = try harness.openScore(body)
        sink.push(Array(body.bytes.prefix(300)))
        #expect(harness.jobCount == 1)
        sink.abandon()
        #expect(harness.jobCount == 0)
        #expect(harness.spoolFileCount == 0)
    }

    @Test func tellsTheClientThatItsJobWasCanceled() async throws {
        let harness = try Harness()
        let body = try sample.npz()
        let sink = try harness.openScore(body)
        let job = try #require(harness.service.queue.jobs(limit: 1).jobs.first)
        try harness.service.queue.cancel(job.id)
        sink.push(body.bytes)
        let reply = await sink.reply()
        #expect((reply.status, reply.problem) == (409, "job-canceled"))
        #expect(try harness.service.queue.job(job.id).status == .canceled)
    }

    @Test func refusesAtTheHeadWhenAllPlacesAreTaken() async throws {
        let harness = try Harness(backlog: 1)
        let held = try harness.openScore(try sample.npz())
        let reply = await harness.score(try sample.npz())
        #expect(reply.wasRefused)
        #expect((reply.status, reply.problem) == (503, "at-capacity"))
        #expect(reply.fields[.retryAfter] == "1")
        #expect(await harness.get("/readyz").status == 503)
        held.abandon()
        #expect(await harness.get("/readyz").status == 200)
        #expect(await harness.score(try sample.npz()).status == 200)
    }

    @Test func takesNoMoreOnceItIsDraining() async throws {
        let harness = try Harness()
        harness.service.queue.drain()
        for target in ["/score", "/issues", "/reduce"] {
            let reply = await harness.send(.post, target, body: try sample.npz().bytes)
            #expect(reply.wasRefused)
            #expect((reply.status, reply.problem) == (503, "draining"))
        }
        #expect(await harness.get("/readyz").problem == "draining")
        #expect(await harness.get("/livez").status == 200)
    }

    @Test func answersBeforeTheResultWhereThatIsPreferred() async throws {
        let harness = try Harness()
        harness.service.queue.isSuspended = true
        let accepted = await harness.score(try sample.npz(), [.prefer: "respond-async"])
        #expect(accepted.status == 202)
        #expect(accepted.fields[.preferenceApplied] == "respond-async")
        #expect(accepted.fields[.retryAfter] == "1")
        #expect(try accepted.json()["status"] as? String == "queued")
        let location = try accepted.location()
        let early = await harness.get(location + "/pixel_scores")
        #expect((early.status, early.problem) == (409, "job-not-finished"))
        harness.service.queue.isSuspended = false
        let final = try await harness.get(location + "?wait=60").json()
        #expect(final["status"] as? String == "succeeded")
        #expect(await harness.get(location + "/pixel_scores").status == 200)
    }

    @Test func keepsTheErrorOfAJobThatNobodyWaitedFor() async throws {
        let harness = try Harness()
        var wrong = sample
        wrong.labels[0] = 3
        let accepted = await harness.score(try wrong.npz(), [.prefer: "respond-async"])
        let location = try accepted.location()
        let job = try await harness.get(location + "?wait=60").json()
        #expect(job["status"] as? String == "failed")
        let error = try #require(job["error"] as? [String: Any])
        #expect(error["type"] as? String == "urn:segscore:label-out-of-range")
        #expect(await harness.get(location + "/image_scores").problem == "job-failed")
    }

    @Test func asksForTheLengthOfABody() async throws {
        let harness = try Harness()
        let reply = await harness.send(.post, "/score")
        #expect((reply.status, reply.problem) == (411, "length-required"))
        #expect(await harness.send(.post, "/score", body: []).problem == "malformed-body")
    }

    @Test func holdsABodyToItsLimits() async throws {
        let harness = try Harness(maxBodyBytes: 500, maxJSONBytes: 100, maxPixels: 11)
        let pixels = await harness.score(try sample.npz())
        #expect((pixels.status, pixels.problem) == (413, "too-many-pixels"))
        #expect(try pixels.json()["limit"] as? Int == 11)
        let text = await harness.score(sample.json())
        #expect((text.status, text.problem) == (413, "body-too-large"))
        let bytes = await harness.score(try Sample(images: 1, classes: 40, height: 1, width: 4).npz())
        #expect((bytes.status, bytes.problem) == (413, "body-too-large"))
    }

    /// The answer keeps its result even where the queue has no room for it.
    @Test func answersWithAResultThatIsNotKept() async throws {
        let harness = try Harness(resultBytes: 0)
        let reply = await harness.score(try sample.npz())
        try expectImageScores(reply, sample.imageScores())
        let gone = await harness.get(try reply.location() + "/pixel_scores")
        #expect((gone.status, gone.problem) == (410, "result-expired"))
    }
}

import Foundation
import HTTPTypes
import Memory
import ServiceHarness
import Testing
import TestSupport

@testable import ScoringService

@Suite struct IssuesTests {
    private let imageScores = [0.5, 0.05, 0.01, 0.05]
    private let pixelScores: [Float] = [0.05, 0.5, 0.1, 0.2]

    private func post(_ harness: Harness, _ body: Body, query: String = "", accept: String? = nil) async -> Reply {
        let fields: HTTPFields = accept.map { [.accept: $0] } ?? [:]
        return await harness.send(.post, "/issues" + query, body.fields.merging(fields), body: body.bytes, chunk: 5)
    }

    private var imageFile: [UInt8] { npy(imageScores, .float64, [4]) }
    private var pixelFile: [UInt8] { npy(pixelScores, .float32, [4, 1, 1]) }

    /// cleanlab 2.9's `issues_from_scores` gives one index more than its documentation says.
    @Test func namesTheImagesBelowTheThreshold() async throws {
        let harness = try Harness()
        let reply = await post(harness, try archive([("image_scores", imageFile)]))
        #expect(reply.text == #"{"issues":[2,1,3]}"#)
        let none = await post(harness, try archive([("image_scores", imageFile)]), query: "?threshold=0.01")
        #expect(none.text == #"{"issues":[]}"#)
        let beside = await post(harness, try archive([("ids", imageFile), ("image_scores", imageFile)]))
        #expect(beside.text == #"{"issues":[2,1,3],"ignored":["ids.npy"]}"#)
    }

    @Test func masksThePixelsBelowTheThreshold() async throws {
        let harness = try Harness()
        let body = form([
            SentPart("image_scores", imageFile, isFile: true), SentPart("threshold", Array("0.3".utf8)),
            SentPart("pixel_scores", pixelFile, isFile: true),
        ])
        let reply = await post(harness, body, accept: "application/x-npy")
        #expect(reply.bytes == npy([true, false, true, true], .bool, [4, 1, 1]))
    }

    @Test func takesJSON() async throws {
        let harness = try Harness()
        let body = Body(bytes: Array(#"{"image_scores": [0.2, 0.1], "threshold": 0.15}"#.utf8))
        #expect(await post(harness, body).text == #"{"issues":[1]}"#)
    }

    @Test func refusesWhatDoesNotFit() async throws {
        let harness = try Harness()
        let alone = await post(harness, try archive([("pixel_scores", pixelFile)]))
        #expect((alone.status, alone.problem) == (400, "missing-array"))
        let short = await post(
            harness, try archive([("image_scores", npy([0.1, 0.2], .float64, [2])), ("pixel_scores", pixelFile)]))
        #expect((short.status, short.problem) == (422, "shape-mismatch"))
        let whole = await post(harness, try archive([("image_scores", npy([1], .int64, [1]))]))
        #expect((whole.status, whole.problem) == (422, "unsupported-element-type"))
        let labels = await post(harness, try Sample().npz())
        #expect((labels.status, labels.problem) == (400, "missing-array") && labels.text.contains("pred_probs.npy"))
        let formed = await post(harness, Sample().multipart())
        #expect((formed.status, formed.problem) == (400, "unexpected-array"))
        #expect(harness.jobCount == 0)
    }
}

import HTTPTypes
import Jobs
import ServiceHarness
import Testing
import TestSupport

@testable import ScoringService
import WebService

/// What there is to note of a job's arrays, from one process to the next.
@Suite struct DurableNotesTests {
    private var body: [UInt8] {
        get throws {
            var sample = Sample()
            sample.probabilities[3] = 1.0000001
            sample.probabilities[30] = -1e-6
            return try archive([
                ("ids", sample.labelsFile), ("labels", sample.labelsFile), ("pred_probs", sample.probabilitiesFile),
            ]).bytes
        }
    }

    private func expectNotes(_ document: [String: Any], _ clamped: Int) {
        #expect(document["clamped"] as? Int == clamped)
        #expect(document["ignored"] as? [String] == ["ids.npy"])
    }

    @Test func stayWithAJob() async throws {
        let server = try StatefulServer()
        let fields: HTTPFields = [.prefer: "respond-async"]
        let job = try await server.harness.send(.post, "/score?read=all", fields, body: try body).location()
        expectNotes(try await server.final(job), 2)
        let next = try server.successor()
        expectNotes(try await next.final(job), 2)

        let held = try StatefulServer()
        held.harness.service.queue.isSuspended = true
        let queued = try await held.harness.send(.post, "/score?read=all", fields, body: try body).location()
        let after = try held.successor()
        expectNotes(try await after.final(queued), 2)
    }

    @Test func stayWithBatches() async throws {
        let server = try StatefulServer()
        let job = try await server.harness.send(.post, "/jobs", body: []).location()
        let batch = try await server.harness.send(.post, job + "/batches", body: try body).json()
        expectNotes(batch, 2)
        let next = try server.successor()
        expectNotes(try await next.harness.get(job).json(), 2)
        expectNotes(try await next.harness.send(.post, job + "/batches", body: try body).json(), 2)
        expectNotes(try await next.harness.get(job).json(), 4)
        #expect(await next.harness.send(.post, job + "/finish").status == 202)
        expectNotes(try await next.final(job), 4)
        let last = try next.successor()
        expectNotes(try await last.final(job), 4)
    }
}

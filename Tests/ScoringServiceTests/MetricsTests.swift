import HTTPTypes
import Jobs
import PrometheusText
import ServiceHarness
import ServiceInterface
import Testing
import TestSupport

@testable import ScoringService
import WebService

@Suite struct MetricsTests {
    private func metrics(_ harness: Harness) async -> Set<String> {
        let reply = await harness.get("/metrics")
        #expect(reply.status == 200)
        #expect(reply.fields[.contentType] == MetricRegistry.mediaType)
        return Set(reply.text.split(separator: "\n").map(String.init))
    }

    @Test func everythingIsThereFromTheStart() async throws {
        let lines = await metrics(try Harness(resultBytes: 12345))
        for line in [
            #"segscore_jobs{status="open"} 0"#, #"segscore_jobs{status="canceled"} 0"#, "segscore_job_queue_depth 0",
            #"segscore_jobs_finished_total{method="num_pixel_issues",status="failed"} 0"#,
            #"segscore_scoring_seconds_count{method="softmin"} 0"#, "segscore_job_wait_seconds_count 0",
            "segscore_result_bytes 0", "segscore_result_budget_bytes 12345",
            "segscore_build_info{version=\"\(Service.version)\"} 1",
        ] {
            let isThere = lines.contains(line)
            #expect(isThere, "\(line)")
        }
    }

    @Test func countsJobsImagesAndPixels() async throws {
        let harness = try Harness()
        for _ in 0..<3 { #expect(try await harness.score(Sample().npz()).status == 200) }
        #expect(try await harness.score(Sample(images: 1).npz(), query: "?method=num_pixel_issues").status == 200)
        // What is wrong with JSON is seen when it is in, by the job.
        let json = Body(bytes: Array(#"{"labels": [[[7]]], "pred_probs": [[[[0.5]], [[0.5]]]]}"#.utf8))
        #expect(await harness.score(json).status == 422)
        // And with npz as it comes: such a job has never been.
        #expect(try await harness.score(Sample().npz(), query: "?include=nothing").status == 400)
        let lines = await metrics(harness)
        for line in [
            #"segscore_jobs_finished_total{method="softmin",status="succeeded"} 3"#,
            #"segscore_jobs_finished_total{method="softmin",status="failed"} 1"#,
            #"segscore_jobs_finished_total{method="num_pixel_issues",status="succeeded"} 1"#,
            #"segscore_images_total{method="softmin"} 6"#, #"segscore_pixels_total{method="softmin"} 36"#,
            #"segscore_images_total{method="num_pixel_issues"} 1"#,
            #"segscore_pixels_total{method="num_pixel_issues"} 6"#,
            #"segscore_scoring_seconds_count{method="softmin"} 4"#, "segscore_job_wait_seconds_count 5",
            #"segscore_jobs{status="succeeded"} 4"#, #"segscore_jobs{status="failed"} 0"#,
            "segscore_result_bytes \(harness.service.queue.counts.outputBytes)",
        ] {
            let isThere = lines.contains(line)
            #expect(isThere, "\(line)")
        }
    }

    @Test func showsTheQueueAndCountsWhatIsCanceledInIt() async throws {
        let harness = try Harness()
        harness.service.queue.isSuspended = true
        for _ in 0..<2 {
            #expect(try await harness.score(Sample().npz(), [.prefer: "respond-async"]).status == 202)
        }
        let waiting = await metrics(harness)
        #expect(waiting.contains("segscore_job_queue_depth 2"))
        #expect(waiting.contains(#"segscore_jobs{status="queued"} 2"#))
        for job in harness.service.queue.jobs(limit: 9).jobs {
            #expect(await harness.send(.delete, "/jobs/\(job.id)").status == 204)
        }
        let lines = await metrics(harness)
        #expect(lines.contains(#"segscore_jobs_finished_total{method="softmin",status="canceled"} 2"#))
        #expect(lines.contains("segscore_job_wait_seconds_count 0"))
        #expect(lines.contains("segscore_job_queue_depth 0"))
        harness.service.queue.isSuspended = false
    }

    @Test func requestsAreCountedByTheirPathAlsoWhereTheyAreRefused() throws {
        let harness = try Harness()
        #expect(harness.open(.get, "/jobs/0123?x=y").path?.text == "/jobs/{id}")
        #expect(harness.open(.delete, "/score").path?.text == "/score")
        #expect(harness.open(.get, "/nowhere").path == nil)
    }
}

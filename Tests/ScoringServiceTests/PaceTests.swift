import Foundation
import Jobs
import Testing

@testable import DatasetScoring
@testable import JobStorage
@testable import ScoringService
@testable import WebService

@Suite struct PaceTests {
    private func job(seconds: Double?) throws -> Job<ScoreJob> {
        let start = Date(timeIntervalSinceReferenceDate: 0)
        return Job(
            id: JobID(), sequence: 1,
            lifecycle: JobLifecycle(
                .succeeded, createdAt: start, queuedAt: start, startedAt: seconds.map { _ in start },
                finishedAt: seconds.map { start + $0 }),
            details: ScoreJob.Details(parameters: try ScoreParameters(Parameters(known: [])), owner: nil))
    }

    @Test func isASecondWhereNothingIsKnown() throws {
        let pace = Pace()
        #expect(pace.estimate(jobsAhead: 1000, workers: 2) == 1)
        pace.count(try job(seconds: nil))
        #expect(pace.estimate(jobsAhead: 1000, workers: 2) == 1)
    }

    @Test(arguments: [(0, 4), (1, 4), (2, 7), (3, 7), (4, 11), (200, 300), (Int.max, 300)])
    func growsWithWhatIsAhead(ahead: Int, seconds: Int) throws {
        let pace = Pace()
        pace.count(try job(seconds: 3.5))
        #expect(pace.estimate(jobsAhead: ahead, workers: 2) == seconds)
    }

    @Test func followsRecentJobs() throws {
        let pace = Pace()
        pace.count(try job(seconds: 100))
        for _ in 0..<100 { pace.count(try job(seconds: 0.01)) }
        #expect(pace.estimate(jobsAhead: 0, workers: 1) == 1)
        for _ in 0..<100 { pace.count(try job(seconds: 10)) }
        #expect((9...10).contains(pace.estimate(jobsAhead: 0, workers: 1)))
    }
}

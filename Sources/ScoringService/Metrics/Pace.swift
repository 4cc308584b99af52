import Jobs
import JobStorage
import Synchronization
import WebService

/// Estimates how soon a new job is likely to be done, from how long recent jobs took and how many are ahead of it.
final class Pace: Sendable {
    /// The bounds of an estimate, in seconds. A client that is told to wait longer may not come back, and one that asks
    /// more often than once a second gains nothing.
    static let bounds = 1...300

    /// How long workers had recent jobs, in seconds, where each new job counts an eighth; nil while there is none.
    private let average = Mutex<Double?>(nil)

    /// Notes a job that has ended.
    func count(_ job: Job<ScoreJob>) {
        guard let seconds = job.secondsRun else { return }
        average.withLock { average in average = average.map { $0 + (seconds - $0) / 8 } ?? seconds }
    }

    /// The estimated time until a new job is done, in seconds.
    ///
    /// - Parameters:
    ///   - jobsAhead: How many jobs arrive, wait or run before it.
    ///   - workers: How many jobs run at once, at least 1.
    func estimate(jobsAhead: Int, workers: Int) -> Int {
        let rounds = Double(jobsAhead / workers) + 1
        let seconds = (average.withLock { $0 } ?? 0) * rounds
        return Int(min(max(seconds.rounded(.up), Double(Self.bounds.lowerBound)), Double(Self.bounds.upperBound)))
    }
}

import JobStorage
import Jobs
import Synchronization
import WebService

/// How soon a job that comes now is likely to be done: by how long recent ones took, and how many are before it.
final class Pace: Sendable {
    /// In seconds. Whoever asks no more for longer than that has gone away; and sooner than every second is of no use.
    static let bounds = 1...300

    /// Seconds that workers had recent jobs: each new one counts an eighth. Nil while there is none.
    private let average = Mutex<Double?>(nil)

    /// Takes note of a job that has ended.
    func count(_ job: Job<ScoreJob>) {
        guard let seconds = job.secondsRun else { return }
        average.withLock { average in average = average.map { $0 + (seconds - $0) / 8 } ?? seconds }
    }

    /// Seconds until a job would be done.
    ///
    /// - Parameters:
    ///   - jobsAhead: Those that arrive, wait or run before it.
    ///   - workers: How many run at once, at least 1.
    func estimate(jobsAhead: Int, workers: Int) -> Int {
        let rounds = Double(jobsAhead / workers) + 1
        let seconds = (average.withLock { $0 } ?? 0) * rounds
        return Int(min(max(seconds.rounded(.up), Double(Self.bounds.lowerBound)), Double(Self.bounds.upperBound)))
    }
}

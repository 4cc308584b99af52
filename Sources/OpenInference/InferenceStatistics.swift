import Foundation
package import Jobs
package import JobStorage
import Synchronization
import WebService

/// The counts behind the protocol's statistics of the model. They include all jobs that have ended, whichever endpoint
/// made them.
package final class InferenceStatistics: Sendable {
    /// How often something happened, and how long it took altogether.
    private struct Total {
        var count = 0
        var nanoseconds = 0

        mutating func add(_ seconds: TimeInterval) {
            count += 1
            // The sum cannot overflow in practice: all jobs together do not run for centuries.
            nanoseconds &+= Int(exactly: (seconds * 1e9).rounded()) ?? 0
        }

        func write(_ name: String, to members: inout JSONWriter.Members) {
            members.object(name) { members in
                members.integer("count", count)
                members.integer("ns", nanoseconds)
            }
        }
    }

    private struct Totals {
        var lastSuccess = 0
        var success = Total()
        var failure = Total()
        var wait = Total()
        var scoring = Total()
    }
    private let totals = Mutex(Totals())

    package init() {}

    /// Counts a job that has ended.
    package func count(_ job: Job<ScoreJob>) {
        guard let finishedAt = job.finishedAt else { return }
        let seconds = max(finishedAt.timeIntervalSince(job.createdAt), 0)
        totals.withLock { totals in
            if job.status == .succeeded {
                totals.success.add(seconds)
                totals.lastSuccess = Int(exactly: (finishedAt.timeIntervalSince1970 * 1000).rounded()) ?? 0
            } else {
                totals.failure.add(seconds)
            }
            if let seconds = job.secondsQueued { totals.wait.add(seconds) }
            if let seconds = job.secondsRun { totals.scoring.add(seconds) }
        }
    }

    /// Writes the statistics as Triton has them, without the model's name. Inputs are read while they arrive, and
    /// outputs are sent from where they lie, so that neither has a time of its own.
    func write(to members: inout JSONWriter.Members) {
        let totals = totals.withLock { $0 }
        members.integer("last_inference", totals.lastSuccess)
        members.integer("inference_count", totals.success.count)
        members.integer("execution_count", totals.success.count)
        members.object("inference_stats") { members in
            totals.success.write("success", to: &members)
            totals.failure.write("fail", to: &members)
            totals.wait.write("queue", to: &members)
            Total().write("compute_input", to: &members)
            totals.scoring.write("compute_infer", to: &members)
            Total().write("compute_output", to: &members)
            Total().write("cache_hit", to: &members)
            Total().write("cache_miss", to: &members)
        }
        members.raw("batch_stats") { $0.append(contentsOf: "[]".utf8) }
    }
}

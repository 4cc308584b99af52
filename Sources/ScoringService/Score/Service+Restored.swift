import DatasetScoring
package import Jobs
package import JobStorage
import Scoring
import WebService

/// Jobs that an earlier process has left.
extension Service {
    /// Takes up the jobs that an earlier process has left. To be called before the service has any other jobs.
    package func takeUp(_ restored: [RestoredJob<ScoreJob>]) {
        remembered.add(restored.count { $0.job.status.isFinal })
        queue.restore(restored.map(\.job))
        for left in restored where left.job.status == .open { takeBatches(of: left) }
        // Jobs that the earlier process did not survive come last.
        for isSuspect in [false, true] {
            for left in restored where left.job.status == .receiving && left.isSuspect == isSuspect { run(left) }
        }
    }

    private func takeBatches(of left: RestoredJob<ScoreJob>) {
        let (job, parts) = (left.job, left.parts)
        takeBatches(OpenJob(job.id, job.details.parameters.named, byteLimit: limits.resultBytes, parts: parts))
        queue.update(job.id, imagesDone: parts.reduce(0) { $0 + $1.shape.imageCount }) { details in
            details.shape = ScoreJob.Shape(parts.map(\.shape))
            details.notes = InputNotes(parts.map(\.notes))
        }
    }

    private func run(_ left: RestoredJob<ScoreJob>) {
        let input = left.failure.map(JobInput<ScoreJob>.refused) ?? .kept(left.parts)
        // The notes on a job of batches are stored with its parts.
        if left.job.details.notes == InputNotes() {
            queue.update(left.job.id) { $0.notes = InputNotes(left.parts.map(\.notes)) }
        }
        // The job exists and is receiving, so this cannot fail.
        try? queue.enqueue(left.job.id, parts: left.parts, work: work(on: input, isSuspect: left.isSuspect))
    }
}

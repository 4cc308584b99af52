import Foundation
import HTTPTypes
import Jobs
import Scoring
import ServiceInterface

/// `POST /score`: opens a job, takes the arrays as they come, has the images scored when they are in, and answers.
///
/// `@unchecked Sendable`: the daemon's thread that reads the body hands the intake to the one worker that ends the job;
/// the two never use it at the same time.
final class ScoreIntake: Intake, @unchecked Sendable {
    private let service: Service
    private let job: JobID
    private let arrays: ScoreArrays
    private let body: ArrayBody
    private let form: MediaType
    private let preference: Preference

    /// After how many bytes the job is told of the body, and asked whether it is wanted still: often enough for whoever cancels
    /// it, and seldom enough to cost nothing beside the bytes.
    private static let tellingInterval = 1 << 20
    /// What is sooner over than this is told at its end.
    private static let smallBody = 64 << 10
    private var toldShape: ScoringShape?
    private var untold = 0

    init(_ request: IncomingRequest, _ service: Service) throws(Problem) {
        try service.checkMemory()
        self.service = service
        form = try .negotiated(request.head.headerFields[.accept], offers: [.json, .npz, .npy])
        preference = Preference(request.head.headerFields)
        let parameters = try Parameters(target: request.head.path ?? "", known: ScoreParameters.names)
        arrays = ScoreArrays(service.configuration, parameters: parameters)
        body = try ArrayBody(
            request, limits: service.bodyLimits, destination: arrays)
        job = try Self.admit(ScoreJob.Details(parameters: try ScoreParameters(parameters)), service)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try body.receive(bytes)
        untold += bytes.count
        let shape = arrays.shape
        guard untold >= (shape == toldShape ? Self.tellingInterval : Self.smallBody) else { return }
        (toldShape, untold) = (shape, 0)
        let isWanted = service.queue.update(job) { $0.shape = shape.map(ScoreJob.Shape.init) }
        guard isWanted else { throw .canceled(job) }
    }

    func abandon() {
        service.queue.withdraw(job)
    }

    func finish(_ answer: @escaping @Sendable (Answer) -> Void) {
        do throws(Problem) {
            try body.finish()
        } catch {
            service.queue.withdraw(job)
            answer(.failure(error))
            return
        }
        let wait = preference.wait ?? 0
        if preference.isAsync && wait == 0 {
            // Where it was canceled or deleted while its body came, the answer says so.
            try? service.queue.enqueue(job) { [self] context in score(context) }
            answer(Answer { () throws(Problem) in try accepted() })
        } else {
            // Who waits is told in any case.
            try? service.queue.enqueue(job, timeout: preference.isAsync ? TimeInterval(wait) : nil) {
                [self] context in
                score(context)
            } whenFinal: { [self] snapshot in
                answer(Answer { () throws(Problem) in try response(to: snapshot) })
            }
        }
    }

    /// The job's work: whatever needs whole images.
    private func score(_ context: JobContext<ScoreJob>) -> JobOutcome<ScoreJob> {
        do throws(Problem) {
            try body.complete()
            let parameters = try ScoreParameters(arrays.parameters)
            let shape = arrays.shape
            // Whatever becomes of the job, it says what it was asked for.
            context.report(imagesDone: 0, imagesTotal: shape?.imageCount) {
                $0 = ScoreJob.Details(parameters: parameters, shape: shape.map(ScoreJob.Shape.init))
            }
            try parameters.check()
            _ = try parameters.included(in: form)
            guard let pixels = try arrays.complete(isCancelled: { context.isCancelled }) else { return .canceled }
            let total = pixels.shape.imageCount
            let scores = try parameters.score(consume pixels, on: service.imageLoop) { done in
                // A job that succeeds has done all of them.
                if done < total { context.report(imagesDone: done) }
                return !context.isCancelled
            }
            return scores.map(JobOutcome.succeeded) ?? .canceled
        } catch {
            return .failed(error)
        }
    }

    /// What a client gets that does not wait: the job as it stands.
    private func accepted() throws(Problem) -> Response {
        let snapshot: Job<ScoreJob>
        do throws(JobError) {
            snapshot = try service.queue.job(job)
        } catch {
            throw .canceled(job)
        }
        return try accepted(snapshot)
    }

    private func accepted(_ snapshot: Job<ScoreJob>) throws(Problem) -> Response {
        var response = try ScoreResponse.accepted(snapshot)
        response.head.headerFields[.preferenceApplied] = preference.applied
        return response
    }

    /// What a client gets that has waited. One that was refused leaves no job behind.
    private func response(to snapshot: Job<ScoreJob>?) throws(Problem) -> Response {
        guard let snapshot, snapshot.status != .canceled else { throw .canceled(job) }
        guard snapshot.status.isFinal else { return try accepted(snapshot) }
        if let failure = snapshot.failure {
            do throws(JobError) { try service.queue.delete(job) } catch { /* It has been forgotten already. */  }
            throw failure
        }
        var response = try ScoreResponse(snapshot).response(in: form)
        response.head.headerFields[.preferenceApplied] = preference.applied
        return response
    }

    private static func admit(_ details: ScoreJob.Details, _ service: Service) throws(Problem) -> JobID {
        do throws(JobError) {
            return try service.queue.admit(details)
        } catch {
            throw Problem(error)
        }
    }
}

extension Problem {
    static func canceled(_ job: JobID) -> Problem {
        Problem(.conflict, "job-canceled", "The job \(job) was canceled.", actual: "canceled")
    }
}

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

    init(_ request: IncomingRequest, _ service: Service) throws(Problem) {
        self.service = service
        form = try .negotiated(request.head.headerFields[.accept], offers: [.json, .npz, .npy])
        preference = Preference(request.head.headerFields)
        let parameters = try Parameters(target: request.head.path ?? "", known: ScoreParameters.names)
        arrays = ScoreArrays(service.configuration, parameters: parameters)
        body = try ArrayBody(
            request,
            limits: ArrayBody.Limits(
                bodyBytes: service.configuration.maxBodyBytes, jsonBytes: service.configuration.maxJSONBytes),
            destination: arrays)
        job = try Self.admit(ScoreJob.Details(parameters: try ScoreParameters(parameters)), service)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try body.receive(bytes)
        let shape = arrays.shape
        let isWanted = service.queue.update(job) { $0.shape = shape }
        guard isWanted else { throw .canceled(job) }
    }

    func abandon() {
        service.queue.withdraw(job)
    }

    func finish(_ answer: @escaping @Sendable (Answer) -> Void) {
        let (service, job) = (service, job)
        do throws(Problem) {
            try body.finish()
            do throws(JobError) {
                try service.queue.enqueue(job) { [self] context in score(context) }
            } catch {
                throw error == .unknown(job) ? .canceled(job) : Problem(error)
            }
        } catch {
            service.queue.withdraw(job)
            answer(.failure(error))
            return
        }
        guard preference.isAsync else {
            service.queue.whenFinal(job) { [form] final in
                answer(Answer { () throws(Problem) in try Self.response(to: final, job, in: form, service) })
            }
            return
        }
        service.queue.whenFinal(job, timeout: TimeInterval(preference.wait ?? 0)) { [form, preference] snapshot in
            answer(
                Answer { () throws(Problem) in
                    var response =
                        if let snapshot, !snapshot.status.isFinal {
                            try ScoreResponse.accepted(snapshot)
                        } else {
                            try Self.response(to: snapshot, job, in: form, service)
                        }
                    response.head.headerFields[.preferenceApplied] = preference.applied
                    return response
                })
        }
    }

    /// The job's work: whatever needs whole images.
    private func score(_ context: JobContext<ScoreJob>) -> JobOutcome<ScoreJob> {
        do throws(Problem) {
            try body.complete()
            let parameters = try ScoreParameters(arrays.parameters)
            _ = try parameters.included(in: form)
            guard let pixels = try arrays.complete(isCancelled: { context.isCancelled }) else { return .canceled }
            let total = pixels.shape.imageCount
            context.update { $0 = ScoreJob.Details(parameters: parameters, shape: pixels.shape) }
            context.report(imagesDone: 0, imagesTotal: total)
            do throws(ScoringError) {
                let softmin = Softmin(temperature: parameters.temperature, ignoredLabel: parameters.ignoredLabel)
                let scores = try softmin.score(pixels) { done in
                    context.report(imagesDone: done, imagesTotal: total)
                    return !context.isCancelled
                }
                return scores.map(JobOutcome.succeeded) ?? .canceled
            } catch {
                throw Problem(error)
            }
        } catch {
            return .failed(error)
        }
    }

    /// What a client that waited for the result gets.
    ///
    /// One that was refused leaves no job behind.
    private static func response(
        to job: Job<ScoreJob>?, _ id: JobID, in form: MediaType, _ service: Service
    ) throws(Problem) -> Response {
        guard let job, job.status != .canceled else { throw .canceled(id) }
        if let failure = job.failure {
            do throws(JobError) { try service.queue.delete(id) } catch { /* It has been forgotten already. */  }
            throw failure
        }
        return try ScoreResponse(job).response(in: form)
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

package import DatasetScoring
import Foundation
import HTTPTypes
package import JobStorage
import Jobs
import Scoring
import ServiceInterface
package import WebService

/// Handles a scoring request of any protocol: opens a job, takes the arrays as they arrive, has the images scored once
/// all have arrived, and answers.
///
/// `@unchecked Sendable`: the daemon thread that reads the body hands the handler to the one worker that ends the job,
/// and the two never use it at the same time.
package final class ScoreHandler: RequestHandler, @unchecked Sendable {
    private let service: Service
    private let reply: ScoreReply
    private let arrays: ScoreArrays
    private let body: any BodyDecoder
    private let key: IdempotencyKeys.Key?
    private let owner: JobOwner?
    /// The fingerprint of the request as far as it has come; nil if the request has no key.
    private var fingerprint: RequestFingerprint?
    /// The caller's place, which is taken while the body arrives.
    private var place: UploadShares.Place?
    private var job: JobID { reply.job }

    /// After how many bytes the job is told how far the body is, and asked whether it is still wanted. That is often
    /// enough for a client that cancels, and so seldom that it costs nothing compared with the bytes.
    private static let tellingInterval = 1 << 20
    /// The size up to which a body is reported only at its end, in bytes.
    private static let smallBody = 64 << 10
    private var toldShape: ScoringShape?
    private var untold = 0

    /// The handler of a `POST /score`: a new one, unless the request's key has come before.
    static func handler(
        for request: IncomingRequest, of caller: Caller, _ service: Service
    ) throws(Problem) -> any RequestHandler {
        guard let key = try request.idempotencyKey(),
            let earlier = try service.keys.job(of: .init(owner: caller.owner, name: key), where: service.knows)
        else { return try ScoreHandler(request, of: caller, service) }
        let reply = ScoreReply(
            service: service, job: earlier.id, format: try format(of: request),
            preference: Preference(request.head.headerFields))
        return RepeatedRequestHandler(request, reply, earlier.fingerprint)
    }

    private static func format(of request: IncomingRequest) throws(Problem) -> MediaType {
        try .negotiated(request.head.headerFields[.accept], offers: [.json, .npz, .npy])
    }

    private convenience init(_ request: IncomingRequest, of caller: Caller, _ service: Service) throws(Problem) {
        try service.checkMemory()
        let arrays = ScoreArrays(
            service.configuration.places,
            parameters: try Parameters(target: request.head.path ?? "", known: ScoreParameters.names))
        try self.init(
            service, arrays, try Self.format(of: request), Preference(request.head.headerFields), of: caller,
            place: try service.uploadPlace(for: request, of: caller),
            try request.idempotencyKey().map { ($0, RequestFingerprint(request)) },
            body: try ArrayBody(request, limits: service.bodyLimits, inputs: arrays))
    }

    /// Creates a handler and its job.
    ///
    /// - Parameters:
    ///   - service: The service that runs the job.
    ///   - arrays: Take the arrays of the request.
    ///   - format: The format of the answer.
    ///   - preference: Whether and how long the client waits for the result.
    ///   - caller: The owner of the job.
    ///   - place: The caller's place for the body.
    ///   - key: The idempotency key, with the fingerprint of the request before any byte of its body.
    ///   - body: The decoder of the body, which hands what it reads to `arrays`.
    /// - Throws: A 503 problem if there is no place for the job; 409 if a request with the same key is arriving; a 400
    ///   problem for a parameter that is not allowed.
    package init(
        _ service: Service, _ arrays: ScoreArrays, _ format: any ScoreFormat, _ preference: Preference,
        of caller: Caller,
        place: UploadShares.Place?,
        _ key: (name: String, fingerprint: RequestFingerprint)? = nil, body: any BodyDecoder
    ) throws(Problem) {
        self.service = service
        self.arrays = arrays
        self.body = body
        self.key = key.map { IdempotencyKeys.Key(owner: caller.owner, name: $0.name) }
        owner = caller.owner
        self.place = place
        fingerprint = key?.fingerprint
        let details = ScoreJob.Details(parameters: try arrays.parameters, owner: caller.owner)
        let job = try Self.admit(details, service)
        reply = ScoreReply(service: service, job: job, format: format, preference: preference)
        if let durable = service.durable, reply.preference.isAsync { durable.begin(try snapshot()) }
        guard let key = self.key else { return }
        do throws(Problem) {
            try service.keys.begin(key, job, where: service.knows)
        } catch {
            service.queue.withdraw(job)
            throw error
        }
    }

    package func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try body.receive(bytes)
        fingerprint?.update(bytes)
        untold += bytes.count
        let shape = arrays.shape
        guard untold >= (shape == toldShape ? Self.tellingInterval : Self.smallBody) else { return }
        (toldShape, untold) = (shape, 0)
        let isWanted = service.queue.update(
            job, imagesDone: arrays.imagesDone, imagesTotal: shape?.imageCount
        ) { $0.shape = shape.map(ScoreJob.Shape.init) }
        guard isWanted else { throw .canceled(job) }
    }

    package func abandon() {
        place = nil
        service.queue.withdraw(job)
        if let key { service.keys.forget(key, job) }
    }

    /// If the client leaves, nobody needs the job, unless the client was promised an answer later, or may repeat the
    /// request under its key and take the result then.
    package var departure: (@Sendable () -> Void)? {
        guard reply.waits else { return nil }
        guard !reply.preference.isAsync, key == nil else { return Self.departed }
        return { [service, job] in service.forget(job) }
    }

    package func finish(_ answer: @escaping @Sendable (Answer) -> Void) {
        place = nil
        do throws(Problem) {
            try body.finish()
        } catch {
            abandon()
            answer(.failure(error))
            return
        }
        guard let durable = service.durable, reply.preference.isAsync else {
            if let key, let fingerprint { service.keys.complete(key, job, fingerprint) }
            return enqueue({ [self] context in score(context) }, answer)
        }
        service.commit { [self] in
            let work: JobWork<ScoreJob>
            do throws(Problem) {
                work = try accept(durable)
            } catch {
                guard (try? snapshot())?.status == .canceled else {
                    abandon()
                    answer(.failure(error))
                    return
                }
                // As without a state directory, the answer is the job as it stands.
                work = { _ in .canceled }
            }
            if let key, let fingerprint { service.keys.complete(key, job, fingerprint) }
            enqueue(work, answer)
        }
    }

    /// Enqueues the job, and answers when the client wants its answer.
    private func enqueue(_ work: @escaping JobWork<ScoreJob>, _ answer: @escaping @Sendable (Answer) -> Void) {
        let reply = reply
        do throws(JobError) {
            if reply.waits {
                try service.queue.enqueue(job, timeout: reply.timeout, work: work) { snapshot in
                    answer(Answer { () throws(Problem) in try reply.response(to: snapshot) })
                }
            } else {
                defer { answer(Answer { () throws(Problem) in try reply.accepted() }) }
                try service.queue.enqueue(job, work: work)
            }
        } catch {
            // The job was canceled or deleted while its body arrived, and the answer says so.
            service.durable?.reconcile(job)
        }
    }

    /// Writes everything that the job needs to the disk.
    ///
    /// - Returns: The work that is left to do.
    /// - Throws: A 507 problem if the disk is full. A problem with the arrays becomes the failure of the job, as it
    ///   does without a state directory.
    private func accept(_ durable: DurableJobs) throws(Problem) -> JobWork<ScoreJob> {
        let job = job
        let (parameters, pixels): (ScoreParameters, ScoredPixels)
        do throws(Problem) {
            (parameters, pixels) = try settledPixels()
        } catch {
            try durable.accept(try snapshot(), [], failure: error, key: requestKey)
            return { _ in .failed(error) }
        }
        let part = try durable.store(
            .waiting(pixels), as: 0, of: job, keepsCells: !parameters.method.type.scoresEachImageAlone)
        do throws(Problem) {
            try durable.accept(try snapshot(), [part], key: requestKey)
        } catch {
            durable.discard([part], of: job)
            throw error
        }
        return service.work(on: [.stored(part)], parameters)
    }

    private func settledPixels() throws(Problem) -> (ScoreParameters, ScoredPixels) {
        let service = service
        let parameters = try complete { [job] details, imageCount in
            service.queue.update(job, imagesTotal: imageCount) { $0 = details }
        }
        guard var pixels = try arrays.complete(isCancelled: { false }) else { throw .canceled(job) }
        tell(of: pixels)
        do throws(ScoringError) {
            try pixels.settle(ignoredLabel: parameters.ignoredLabel)
        } catch {
            throw Problem(error)
        }
        return (parameters, pixels)
    }

    private var requestKey: DurableJobs.RequestKey? {
        guard let key, let fingerprint else { return nil }
        return DurableJobs.RequestKey(key: key.name, fingerprint: fingerprint)
    }

    private func snapshot() throws(Problem) -> Job<ScoreJob> {
        do throws(JobError) {
            return try service.queue.job(job)
        } catch {
            throw .canceled(job)
        }
    }

    /// The work of the job: everything that needs whole images.
    private func score(_ context: JobContext<ScoreJob>) -> JobOutcome<ScoreJob> {
        do throws(Problem) {
            let parameters = try complete { details, imageCount in
                context.report(imagesDone: 0, imagesTotal: imageCount) { $0 = details }
            }
            guard let pixels = try arrays.complete(isCancelled: { context.isCancelled }) else { return .canceled }
            let total = pixels.shape.imageCount
            tell(of: pixels)
            let scores = try parameters.score(consume pixels, on: service.imageLoop) { done in
                context.report(done: done, of: total)
            }
            guard let scores else { return .canceled }
            try service.write(scores, parameters)
            return .succeeded(try service.keep(scores, context, key: requestKey))
        } catch {
            return .failed(error)
        }
    }

    /// Hands on what had to wait for the end of the body, and checks the parameters.
    ///
    /// - Parameters:
    ///   - tell: Takes the details that the job shows, whether it succeeds or not.
    private func complete(tell: (ScoreJob.Details, _ imageCount: Int?) -> Void) throws(Problem) -> ScoreParameters {
        try body.complete()
        let parameters = try arrays.parameters
        let shape = arrays.shape
        toldShape = shape
        tell(
            ScoreJob.Details(parameters: parameters, shape: shape.map(ScoreJob.Shape.init), owner: owner),
            shape?.imageCount)
        try service.check(parameters)
        try reply.format.check(parameters, shape)
        return parameters
    }

    /// Adds to the job the shape of its images, which is known late for arrays in files, and the notes on them.
    private func tell(of pixels: borrowing ScoredPixels) {
        let (shape, notes) = (pixels.shape, arrays.notes(on: pixels))
        guard shape != toldShape || notes != InputNotes() else { return }
        service.queue.update(job, imagesTotal: shape.imageCount) { details in
            (details.shape, details.notes) = (ScoreJob.Shape(shape), notes)
        }
    }

    private static func admit(_ details: ScoreJob.Details, _ service: Service) throws(Problem) -> JobID {
        do throws(JobError) {
            return try service.queue.admit(details)
        } catch {
            throw Problem(error)
        }
    }
}

package import DatasetScoring
import Foundation
import HTTPTypes
import Jobs
package import JobStorage
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
            let earlier = service.queue.job(of: RequestKey(owner: caller.owner, name: key))
        else { return try ScoreHandler(request, of: caller, service) }
        guard let fingerprint = earlier.fingerprint else { throw Problem(JobError.keyInUse(key)) }
        let reply = ScoreReply(
            service: service, job: earlier.id, format: try format(of: request),
            preference: Preference(request.head.headerFields))
        return RepeatedRequestHandler(request, reply, fingerprint)
    }

    private static func format(of request: IncomingRequest) throws(Problem) -> MediaType {
        try .negotiated(request.head.headerFields[.accept], offers: [.json, .npz, .npy])
    }

    private convenience init(_ request: IncomingRequest, of caller: Caller, _ service: Service) throws(Problem) {
        try service.checkMemory()
        let arrays = ScoreArrays(
            service.configuration.places,
            parameters: try Parameters(target: request.head.path ?? "", known: ScoreParameters.names),
            takesFolders: true, pictures: try ArrivingPictures(byteLimit: service.limits.resultBytes))
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
        of caller: Caller, place: UploadShares.Place?, _ key: (name: String, fingerprint: RequestFingerprint)? = nil,
        body: any BodyDecoder
    ) throws(Problem) {
        self.service = service
        self.arrays = arrays
        self.body = body
        self.place = place
        fingerprint = key?.fingerprint
        let details = ScoreJob.Details(parameters: try arrays.parameters, owner: caller.owner)
        let job = try Self.admit(
            details, key.map { RequestKey(owner: caller.owner, name: $0.name) }, isPromised: preference.isAsync,
            service)
        reply = ScoreReply(service: service, job: job, format: format, preference: preference)
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
    }

    /// If the client leaves, nobody needs the job, unless the client was promised an answer later, or may repeat the
    /// request under its key and take the result then.
    package var departure: (@Sendable () -> Void)? {
        guard reply.waits else { return nil }
        guard !reply.preference.isAsync, fingerprint == nil else { return Self.departed }
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
        let input = JobInput<ScoreJob>.arrived { [self] isCancelled throws(Problem) in
            try parts(isCancelled: isCancelled)
        }
        // A client that waits sees the end of its job, or may ask again.
        guard reply.preference.isAsync else { return enqueue(input, answer) }
        service.change { [self] in
            do throws(Problem) {
                enqueue(try service.store.accept(job, input, fingerprint), answer)
            } catch {
                guard (try? service.queue.job(job))?.status == .canceled else {
                    abandon()
                    answer(.failure(error))
                    return
                }
                // The job was canceled meanwhile, and the answer is the job as it stands.
                enqueue(input, answer)
            }
        }
    }

    /// Enqueues the job, and answers when the client wants its answer.
    private func enqueue(_ input: JobInput<ScoreJob>, _ answer: @escaping @Sendable (Answer) -> Void) {
        if let fingerprint { service.queue.identify(job, by: fingerprint) }
        let (reply, work) = (reply, reply.format.work(on: input, of: service))
        let parts: [JobPart] = if case .kept(let parts) = input { parts } else { [] }
        do throws(JobError) {
            if reply.waits {
                try service.queue.enqueue(job, parts: parts, timeout: reply.timeout, work: work) { snapshot in
                    answer(Answer { () throws(Problem) in try reply.response(to: snapshot) })
                }
            } else {
                defer { answer(Answer { () throws(Problem) in try reply.accepted() }) }
                try service.queue.enqueue(job, parts: parts, work: work)
            }
        } catch {
            // The job was canceled or deleted while its body arrived, and the answer says so. The queue tells the store
            // of the end of any job after all that was recorded for it, and so the store needs no word here.
        }
    }

    /// Hands on what had to wait for the end of the body, checks the parameters, and makes the part of the job, or the
    /// parts of a job of folders.
    ///
    /// - Returns: Nil if the work was canceled.
    private func parts(isCancelled: () -> Bool) throws(Problem) -> [JobPart]? {
        try body.complete()
        var parameters = try arrays.parameters
        let pictures = try arrays.keptPictures(&parameters)
        let shape = arrays.shape
        toldShape = shape
        // The job shows what it was asked for, whether it succeeds or not.
        service.queue.update(job, imagesTotal: shape?.imageCount) { [parameters] details in
            (details.parameters, details.shape) = (parameters, shape.map(ScoreJob.Shape.init))
        }
        try service.check(parameters)
        try reply.format.check(parameters, shape)
        if let shape { try check(shape, parameters, pictures) }
        if let folders = try arrays.folderPair {
            let images = try FolderImages(labels: folders.labels, predictions: folders.predictions)
            return try FolderParts(service, job, parameters).parts(of: images, isCancelled: isCancelled)
        }
        guard let pixels = try arrays.complete(isCancelled: isCancelled) else { return nil }
        try check(pixels.shape, parameters, pictures)
        tell(of: pixels)
        return [JobPart(.waiting(pixels), pictures: pictures)]
    }

    private func check(
        _ shape: ScoringShape, _ parameters: ScoreParameters, _ pictures: KeptPictures?
    ) throws(Problem) {
        // Names may be those of the pictures' files, and then follow from them.
        try pictures?.check(shape.labels)
        try parameters.check(shape)
    }

    /// Adds to the job the shape of its images, which is known late for arrays in files, and the notes on them.
    private func tell(of pixels: borrowing ScoredPixels) {
        let (shape, notes) = (pixels.shape, arrays.notes(on: pixels))
        guard shape != toldShape || notes != InputNotes() else { return }
        service.queue.update(job, imagesTotal: shape.imageCount) { details in
            (details.shape, details.notes) = (ScoreJob.Shape(shape), notes)
        }
    }

    private static func admit(
        _ details: ScoreJob.Details, _ key: RequestKey?, isPromised: Bool, _ service: Service
    ) throws(Problem) -> JobID {
        do throws(JobError) {
            return try service.queue.admit(details, key: key, isPromised: isPromised)
        } catch {
            throw Problem(error)
        }
    }
}

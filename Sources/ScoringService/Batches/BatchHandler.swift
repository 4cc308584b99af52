import DatasetScoring
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
import ServiceInterface
import WebService

/// `POST /jobs/{id}/batches`: takes the arrays of a batch as they arrive, and adds them to the job when they are
/// complete.
///
/// `@unchecked Sendable`: the daemon thread that reads the body hands the handler to the one worker that ends it, and
/// the two never use it at the same time.
final class BatchHandler: RequestHandler, @unchecked Sendable {
    private let service: Service
    private let job: OpenJob
    private let key: String?
    private let arrays: ScoreArrays
    private let body: ArrayBody
    private var isChecked = false
    /// After how many bytes the job is asked again whether it still takes the batch.
    private static let askingInterval = 1 << 20
    private var unasked = 0
    /// The batch that came with the same key before, if any.
    private let earlier: (batch: OpenJob.Batch, fingerprint: RequestFingerprint?)?
    private var fingerprint: RequestFingerprint

    init(_ request: IncomingRequest, _ job: OpenJob, _ service: Service) throws(Problem) {
        try service.checkJSONIsAccepted(request)
        try service.checkNoParameters(request)
        try service.checkMemory()
        self.service = service
        self.job = job
        key = try request.idempotencyKey()
        fingerprint = RequestFingerprint(request)
        arrays = ScoreArrays(
            service.configuration.places, parameters: job.parameters,
            pictures: try ArrivingPictures(byteLimit: service.limits.resultBytes))
        body = try ArrayBody(request, limits: service.bodyLimits, inputs: arrays)
        // This comes last, because a batch that has begun must be ended.
        earlier = try job.begin(key: key)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        if key != nil { fingerprint.update(bytes) }
        guard earlier == nil else { return }
        try body.receive(bytes)
        unasked += bytes.count
        guard let predictions = arrays.predictions else { return }
        guard !isChecked || unasked >= Self.askingInterval else { return }
        (isChecked, unasked) = (true, 0)
        guard let classCount = arrays.classCount else { return }
        try job.check(classCount: classCount, predictions.layout.elementType.scalar)
    }

    func abandon() {
        if earlier == nil { job.abandon(key: key) }
    }

    func finish(_ answer: @escaping @Sendable (Answer) -> Void) {
        if let earlier {
            return answer(
                Answer { () throws(Problem) in
                    // Earlier versions kept no fingerprints in state directories.
                    guard earlier.fingerprint == nil || earlier.fingerprint == fingerprint else {
                        throw .idempotencyKeyReused
                    }
                    return response(.ok, earlier.batch)
                })
        }
        service.commit(answer) { [self] () throws(Problem) in
            let batch: OpenJob.Batch
            do throws(Problem) {
                try body.finish()
                try body.complete()
                batch = try add(try part())
            } catch {
                job.abandon(key: key)
                throw error
            }
            // From here on the batch belongs to the job, whatever becomes of the answer.
            service.tell(batch, of: job.id)
            return response(.created, batch)
        }
    }

    /// Has the store keep the batch, and adds the batch to the job.
    private func add(_ part: JobPart) throws(Problem) -> OpenJob.Batch {
        let (store, id) = (service.store, job.id)
        let written = try store.write(part, as: job.nextFile(), of: id)
        do throws(Problem) {
            return try job.add(written) { (batch) throws(Problem) in try store.add(written, as: batch.index, to: id) }
        } catch {
            store.discard(written, of: id)
            throw error
        }
    }

    /// The part of the job that the arrays make, with the notes for the client.
    private func part() throws(Problem) -> JobPart {
        var settings = try arrays.parameters
        let pictures = try arrays.keptPictures(&settings)
        guard let pixels = try arrays.complete(isCancelled: { false }) else { throw .missing(.predictedProbabilities) }
        try pictures?.check(pixels.shape.labels)
        let notes = arrays.notes(on: pixels)
        let fingerprint = key == nil ? nil : fingerprint
        let images = try settings.images(of: consume pixels, on: service.imageLoop)
        return JobPart(images, pictures: pictures, notes: notes, key: key, fingerprint)
    }

    private func response(_ status: HTTPResponse.Status, _ batch: OpenJob.Batch) -> Response {
        .done(status) { writer in
            writer.object { members in
                members.string("job", job.id.description)
                members.integer("batch", batch.index)
                members.integer("first_image", batch.firstImage)
                JobDocument.write(ScoreJob.Shape(batch.shape), to: &members)
                batch.notes.writeAny(to: &members)
            }
        }
    }
}

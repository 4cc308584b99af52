import Codecs
import DatasetScoring
import HTTPTypes
import Jobs
import Memory
import Scoring
import ServiceInterface
import WebService

/// `POST /issues`: turns scores into a mask or a list of images, as `issues_from_scores` does.
///
/// `@unchecked Sendable`: the daemon thread that reads the body hands the handler to the one worker that answers.
final class IssuesHandler: RequestHandler, @unchecked Sendable {
    private let service: Service
    private let arrays: ScoreInputs
    private let body: ArrayBody
    private let format: MediaType

    init(_ request: IncomingRequest, _ service: Service) throws(Problem) {
        self.service = service
        if service.queue.isDraining { throw .draining }
        try service.checkMemory()
        format = try .negotiated(request.head.headerFields[.accept], offers: [.json, .npz, .npy])
        let parameters = try Parameters(target: request.head.path ?? "", known: ["threshold"])
        _ = try parameters.threshold()
        arrays = ScoreInputs(parameters: parameters, limit: service.configuration.maxPixels)
        body = try ArrayBody(request, limits: service.bodyLimits, inputs: arrays)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try body.receive(bytes)
    }

    func abandon() {}

    func finish(_ answer: @escaping @Sendable (Answer) -> Void) {
        do throws(Problem) {
            try body.finish()
        } catch {
            answer(.failure(error))
            return
        }
        service.encode(answer) { [self] () throws(Problem) in
            try body.complete()
            let issues = try arrays.issues()
            switch format {
            case .npy: return try .npy(issues)
            case .npz: return try .npz([("issues", issues)])
            default:
                return try .json { writer in
                    writer.object { members in
                        members.elements("issues", issues)
                        InputNotes(ignored: arrays.ignored).writeAny(to: &members)
                    }
                }
            }
        }
    }
}

/// The arrays of `POST /issues`.
private final class ScoreInputs: RequestInputs {
    let arrays: [ScoringError.Array] = [.imageScores, .pixelScores]
    var parameterNames: [String] { parameters.known }
    private let limit: Int
    private var parameters: Parameters
    private var imageScores: ScoreAccumulator?
    private var pixelScores: ScoreAccumulator?
    private(set) var ignored: [String] = []

    init(parameters: Parameters, limit: Int) {
        self.parameters = parameters
        self.limit = limit
    }

    func begin(
        _ array: ScoringError.Array, _ layout: TensorLayout, parametersAreKnown: Bool
    ) throws(Problem) -> any ArrayAccumulator {
        do throws(ScoringError) {
            let accumulator = try ScoreAccumulator(array, layout: layout, limit: limit)
            if array == .imageScores { imageScores = accumulator } else { pixelScores = accumulator }
            return accumulator
        } catch {
            throw Problem(error)
        }
    }

    func end(_ array: ScoringError.Array) throws(Problem) {}

    func passOver(_ name: String) { ignored.append(name) }

    func set(_ parameter: String, _ value: String) throws(Problem) {
        try parameters.set(parameter, value)
    }

    /// The mask if there are pixel scores, otherwise the indices of the images.
    func issues() throws(Problem) -> ArrayAnswer {
        guard let imageScores else { throw .missing(.imageScores, beside: ignored) }
        let threshold = try parameters.threshold() ?? IssuesFromScores.defaultThreshold
        guard let pixelScores else {
            let scores = imageScores.finish()
            return try Problem.reserving(scores.count * 3 * MemoryLayout<Int>.stride) {
                () throws(Problem) -> ArrayAnswer in
                try .indices(IssuesFromScores(threshold: threshold).images(scores))
            }
        }
        // The pixels of a single image may have no axis of images.
        guard imageScores.shape[0] == 1 || pixelScores.shape[0] == imageScores.shape[0] else {
            throw Problem(
                .shapeMismatch(
                    .pixelScores, expected: [imageScores.shape[0]] + pixelScores.shape.dropFirst(),
                    actual: pixelScores.shape))
        }
        let scores = pixelScores.finish()
        return try .mask(scores, 0..<scores.count, shape: pixelScores.shape, threshold: threshold)
    }
}

import DatasetScoring
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
import ScoringService
import ServiceInterface
import Synchronization
import WebService

/// The answer to an inference request: JSON, followed by the elements of those outputs that the client wants as bytes.
/// Outputs that are written to shared memory stand in neither.
final class InferenceFormat: ScoreFormat {
    private let regions: SharedRegions?
    /// The request's wishes for its answer; nil until the JSON of the request has been read.
    private let wanted = Mutex<Wanted?>(nil)

    /// The wishes of a request for its answer.
    private struct Wanted {
        let id: String?
        let isBinary: Bool
        let outputs: [InferenceOutput]
        let hasFloat64: Bool

        /// The type of the elements of an output.
        func scalar(of output: ScoreParameters.Array) -> ElementType.Scalar {
            switch output {
            case .imageScores: .float64
            case .pixelScores: hasFloat64 ? .float64 : .float32
            case .issues, .labelIssues: .bool
            }
        }
    }

    init(_ regions: SharedRegions?) {
        self.regions = regions
    }

    /// Takes over the wishes of a request whose JSON has been read.
    func set(_ request: InferenceRequest) {
        let wanted = Wanted(
            id: request.id, isBinary: request.isBinary, outputs: request.outputs,
            hasFloat64: request.predictions?.datatype == .float64)
        self.wanted.withLock { $0 = wanted }
    }

    func check(_ parameters: ScoreParameters, _ shape: ScoringShape?) throws(Problem) {
        guard let wanted = wanted.withLock({ $0 }) else { return }
        let available = parameters.available
        for output in wanted.outputs {
            guard available.contains(output.array) else { throw .unknownOutput(output.array.rawValue, available) }
            guard let slice = output.region, let shape else { continue }
            let scalar = wanted.scalar(of: output.array)
            let count = output.array == .imageScores ? shape.imageCount : shape.pixelCount
            try check(slice, for: output.array.rawValue, holds: count * scalar.byteCount)
        }
    }

    func response(of job: Job<ScoreJob>) throws(Problem) -> Response {
        guard let wanted = wanted.withLock({ $0 }) else { preconditionFailure("a job that is done was asked for") }
        let scores = try job.openedOutput()
        let parameters = job.details.parameters
        let named = wanted.outputs.isEmpty ? parameters.available.map(InferenceOutput.init) : wanted.outputs
        let outputs = try named.map { (output) throws(Problem) in
            try Output(
                output, isBinary: wanted.isBinary,
                array: scores.elements(output.array, threshold: parameters.threshold ?? 0))
        }
        for output in outputs {
            guard case .region(let slice) = output.place else { continue }
            try write(output, to: slice)
        }
        return try response(id: wanted.id, job, outputs)
    }

    private func response(
        id: String?, _ job: Job<ScoreJob>, _ outputs: [Output]
    ) throws(Problem) -> Response {
        var header = JSONWriter()
        header.object { members in
            members.string("model_name", InferenceService.modelName)
            members.string("model_version", InferenceService.modelVersion)
            if let id { members.string("id", id) }
            members.object("parameters") { members in
                members.string("job", job.id.description)
                job.details.notes.writeAny(to: &members)
            }
            members.array("outputs", of: outputs) { members, output in output.write(to: &members) }
        }
        let binary = outputs.filter { $0.place == .binary }
        var response: Response
        do throws(MemoryError) {
            if binary.isEmpty {
                response = Response(.ok, .json, try header.pieces.body())
            } else {
                // The size of the JSON goes out in a field ahead of it, so the JSON has to be made whole first.
                var body = ResponseBody()
                for piece in try header.pieces.buffers() { body.append(piece) }
                response = Response(.ok, .octets, body)
            }
        } catch {
            throw Problem(error)
        }
        if !binary.isEmpty { response.head.headerFields[.inferenceHeaderLength] = String(response.body.byteCount) }
        for output in binary {
            for (owner, range) in output.array.bytes { response.body.append(owner, range) }
        }
        response.head.headerFields[.location] = "/jobs/\(job.id)"
        return response
    }

    // MARK: Shared memory

    private func check(_ slice: RegionSlice, for name: String, holds byteCount: Int) throws(Problem) {
        let region = try regions.required(for: name).region(of: slice, for: name)
        guard slice.byteCount >= byteCount else { throw .tooSmall(slice, for: name, needed: byteCount) }
        try region.check(slice, for: name)
    }

    private func write(_ output: Output, to slice: RegionSlice) throws(Problem) {
        let name = output.name.rawValue
        try check(slice, for: name, holds: output.array.layout.byteCount)
        let region = try regions.required(for: name).region(of: slice, for: name)
        var position = 0
        for (owner, range) in output.array.bytes {
            try region.write(owner, range, at: slice.offset + position, for: name)
            position += range.count
        }
    }

    /// One output of the answer.
    private struct Output {
        enum Place: Equatable {
            case json
            case binary
            case region(RegionSlice)
        }

        let name: ScoreParameters.Array
        let place: Place
        let array: ArrayAnswer

        init(_ output: InferenceOutput, isBinary: Bool, array: ArrayAnswer) {
            name = output.array
            place = output.region.map(Place.region) ?? (output.isBinary ?? isBinary ? .binary : .json)
            self.array = array
        }

        func write(to members: inout JSONWriter.Members) {
            let layout = array.layout
            members.string("name", name.rawValue)
            members.string("datatype", Datatype(layout.elementType.scalar).rawValue)
            members.integers("shape", layout.shape)
            switch place {
            case .json: members.elements("data", array, shape: [layout.elementCount])
            case .binary: members.object("parameters") { $0.integer("binary_data_size", layout.byteCount) }
            case .region(let slice):
                members.object("parameters") { members in
                    members.string("shared_memory_region", slice.region)
                    members.integer("shared_memory_byte_size", layout.byteCount)
                    if slice.offset > 0 { members.integer("shared_memory_offset", slice.offset) }
                }
            }
        }
    }
}

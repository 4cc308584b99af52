import DatasetScoring
import HTTPTypes
import Memory
import Scoring
import WebService

/// The JSON of an inference request: its inputs and parameters, and the outputs that it wants.
struct InferenceRequest: Decodable, Sendable {
    /// A text that the answer repeats.
    let id: String?
    /// The parameters of the scoring as texts, by their names.
    let parameters: [String: String]
    /// Whether outputs are answered as bytes behind the JSON unless they say otherwise.
    let isBinary: Bool
    /// `labels` and `pred_probs`, in the order of the request.
    let inputs: [InferenceInput]
    /// The outputs that the request names; empty if it names none and thereby wants all of them.
    let outputs: [InferenceOutput]

    private enum Key: String, CodingKey {
        case id, parameters, inputs, outputs
    }

    /// Reads and checks the JSON.
    ///
    /// - Throws: A 400 ``Problem`` for faults that can be seen in the JSON alone, or `DecodingError`.
    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        id = try members.decodeIfPresent(String.self, forKey: .id)
        var (parameters, isBinary) = ([String: String](), false)
        for (name, value) in try members.parameters(.parameters) {
            guard !Self.isOfProtocol(name) else { continue }
            if name == "binary_data_output" {
                isBinary = try value.boolean(name)
            } else {
                parameters[name] = try value.text(name)
            }
        }
        (self.parameters, self.isBinary) = (parameters, isBinary)
        inputs = try members.decode([InferenceInput].self, forKey: .inputs)
        outputs = try members.decodeIfPresent([InferenceOutput].self, forKey: .outputs) ?? []
        try check()
    }

    /// Whether a parameter belongs to the protocol and means nothing to this model.
    private static func isOfProtocol(_ name: String) -> Bool {
        ["priority", "timeout", "content_type", "headers"].contains(name)
            || ["sequence_", "triton_"].contains { name.hasPrefix($0) }
    }

    private func check() throws(Problem) {
        for (index, input) in inputs.enumerated()
        where inputs[..<index].contains(where: { $0.array == input.array }) {
            throw .repeated(input.array.rawValue)
        }
        if self.input(.labels) == nil { throw .missing(.labels) }
        if predictions == nil { throw .missing(.predictedProbabilities) }
        for (index, output) in outputs.enumerated()
        where outputs[..<index].contains(where: { $0.array == output.array }) {
            throw .repeated(output.array.rawValue)
        }
    }

    func input(_ array: ScoringError.Array) -> InferenceInput? { inputs.first { $0.array == array } }

    /// The input that tells of predicted probabilities; of several that of the first name.
    var predictions: InferenceInput? { Predictions.arrays.lazy.compactMap { input($0) }.first }

    /// The inputs whose elements stand behind the JSON.
    var binaryInputs: [InferenceInput] { inputs.filter { $0.source == .binary } }
}

/// One input of a request.
struct InferenceInput: Decodable, Sendable {
    /// The place of the elements.
    enum Source: Equatable, Sendable {
        /// The elements stand behind the JSON.
        case binary
        /// The elements lie in shared memory.
        case region(RegionSlice)
        /// The elements stood in the JSON. These are their bytes, little-endian.
        case json([UInt8])
    }

    let array: ScoringError.Array
    let datatype: Datatype
    let layout: TensorLayout
    let source: Source

    /// The size of the elements on the wire, in bytes.
    var byteCount: Int { layout.elementCount * datatype.byteCount }

    private enum Key: String, CodingKey {
        case name, shape, datatype, parameters, data
    }

    /// Reads and checks the JSON.
    ///
    /// - Throws: A 400 ``Problem`` for faults that can be seen in the JSON alone, or `DecodingError`.
    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        array = try Self.array(try members.decode(String.self, forKey: .name))
        datatype = try Self.datatype(try members.decode(String.self, forKey: .datatype), of: array)
        layout = try Self.layout(try members.decode([Int].self, forKey: .shape), datatype, of: array)
        let parameters = try members.parameters(.parameters)
        let hasData = try members.contains(.data) && !members.decodeNil(forKey: .data)
        let byteCount = layout.elementCount * datatype.byteCount
        let region = try RegionSlice(parameters, of: array.rawValue)
        let binarySize = try parameters["binary_data_size"]?.count("binary_data_size")
        guard [region != nil, binarySize != nil, hasData].filter(\.self).count == 1 else {
            throw Problem.malformedBody(
                "The input \(array.rawValue) must say once where its elements are.",
                expected: "data, or the parameter binary_data_size, or the parameter shared_memory_region"
            ).found(in: array)
        }
        if let size = binarySize ?? region?.byteCount, size != byteCount {
            throw Problem(
                .shapeMismatch,
                "The size of \(array.rawValue) does not match its shape \(layout.shape.inWords) "
                    + "of \(datatype.rawValue).",
                parameter: array.rawValue, expected: "\(byteCount) bytes", actual: "\(size) bytes")
        }
        if let region {
            source = .region(region)
        } else if binarySize != nil {
            source = .binary
        } else {
            var data = TensorData(array, datatype, count: layout.elementCount)
            try data.read(try members.nestedUnkeyedContainer(forKey: .data))
            source = .json(try data.finish())
        }
    }

    private static func array(_ name: String) throws(Problem) -> ScoringError.Array {
        let arrays = [ScoringError.Array.labels] + Predictions.arrays
        guard let array = arrays.first(where: { $0.isCalled(name) }) else {
            throw Problem(
                .unexpectedArray, "There is no input \"\(name)\" here.", parameter: name,
                expected: arrays.map(\.rawValue).joined(separator: ", "))
        }
        return array
    }

    private static func datatype(_ name: String, of array: ScoringError.Array) throws(Problem) -> Datatype {
        let allowed = Datatype.allowed(for: array)
        guard let datatype = allowed.first(where: { $0.rawValue == name }) else {
            let expected = allowed.map(\.rawValue).joined(separator: ", ")
            throw Problem(
                .unsupportedElementType,
                "The input \(array.rawValue) must be one of \(expected), not \"\(name)\".", parameter: array.rawValue,
                expected: expected, actual: name)
        }
        return datatype
    }

    private static func layout(
        _ shape: [Int], _ datatype: Datatype, of array: ScoringError.Array
    ) throws(Problem) -> TensorLayout {
        do throws(MemoryError) {
            return try TensorLayout(elementType: ElementType(datatype.scalar), shape: shape)
        } catch {
            throw Problem(error).found(in: array)
        }
    }
}

/// One output that a request wants.
struct InferenceOutput: Decodable, Sendable {
    let array: ScoreParameters.Array
    /// Whether the output is answered as bytes behind the JSON; nil if the request's own setting counts.
    var isBinary: Bool?
    /// The shared memory that the output is written to instead of the answer.
    var region: RegionSlice?

    private enum Key: String, CodingKey {
        case name, parameters
    }

    init(_ array: ScoreParameters.Array) {
        self.array = array
    }

    /// Reads and checks the JSON.
    ///
    /// - Throws: A 400 ``Problem`` for faults that can be seen in the JSON alone, or `DecodingError`.
    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        let name = try members.decode(String.self, forKey: .name)
        guard let array = ScoreParameters.Array(rawValue: name) else {
            throw Problem.unknownOutput(name, ScoreParameters.Array.allCases)
        }
        self.array = array
        let parameters = try members.parameters(.parameters)
        guard parameters["classification"] == nil else {
            throw Problem(
                .invalidParameter, "The output \(name) has no classification.",
                parameter: "classification", expected: "outputs without it")
        }
        isBinary = try parameters["binary_data"]?.boolean("binary_data")
        region = try RegionSlice(parameters, of: name)
    }
}

extension KeyedDecodingContainer {
    /// The parameters of a request or a tensor. Parameters that are null count as absent.
    fileprivate func parameters(_ key: Key) throws -> [String: ParameterValue] {
        try decodeIfPresent([String: ParameterValue].self, forKey: key)?.filter { !$0.value.isNull } ?? [:]
    }
}

extension Problem {
    /// The problem of an output that does not exist.
    ///
    /// - Parameters:
    ///   - available: The outputs that do exist.
    static func unknownOutput(_ name: String, _ available: [ScoreParameters.Array]) -> Problem {
        let names = available.map(\.rawValue).joined(separator: ", ")
        return Problem(
            .unknownOutput, "There is no output \"\(name)\" here; there are \(names).", parameter: name,
            expected:
                "image_scores, pixel_scores, issues with a threshold, label_issues with num_pixel_issues or margin")
    }
}

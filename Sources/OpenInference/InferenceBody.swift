import DatasetScoring
package import HTTPTypes
import Memory
import Scoring
import ScoringService
import ServiceInterface
import WebService

/// Decodes the body of an inference request: JSON, followed by the elements of those inputs that have none in the JSON.
///
/// Bytes behind the JSON go to the arrays as they arrive. A body that consists of JSON alone is held and read at its
/// end.
final class InferenceBody: BodyDecoder {
    private let arrays: ScoreArrays
    private let format: InferenceFormat
    private let regions: SharedRegions?
    private let limits: ArrayBody.Limits
    /// The size of the JSON in bytes; nil if the whole body is JSON.
    private let headerByteCount: Int?
    /// The size of the decoded body in bytes, if the head tells it.
    private let byteCount: Int?
    private var coding: ContentDecoder
    /// The JSON as far as it has come; nil once it has been read.
    private var text: HeldText?
    private var request: InferenceRequest?
    /// The inputs behind the JSON that have not come whole, in their order.
    private var awaited: [InferenceInput] = []
    /// How many bytes of the first of ``awaited`` are still to come.
    private var missingBytes = 0
    /// Takes the elements of the input that is being delivered.
    private var receiver: InputReceiver?
    /// The arrays whose delivery has begun.
    private var delivered: [ScoringError.Array] = []

    /// The greatest size of JSON that may stand ahead of bytes, in bytes. The JSON is read while these bytes wait, on a
    /// thread that serves other connections too.
    private static let headerLimit = 1 << 16

    /// Creates a decoder.
    ///
    /// - Throws: A 400 problem if the head gives the JSON an impossible size; 411 if there is no body; 415 for a
    ///   content coding that is not understood.
    init(
        _ request: IncomingRequest, _ inference: InferenceService, _ arrays: ScoreArrays, _ format: InferenceFormat
    ) throws(Problem) {
        self.arrays = arrays
        self.format = format
        regions = inference.regions
        limits = inference.service.bodyLimits
        let fields = request.head.headerFields
        try request.requireBody()
        let coding = try ContentDecoder(fields, understood: [.gzip, .deflate], byteLimit: limits.bodyBytes)
        self.coding = coding
        byteCount = coding.byteCount
        headerByteCount = try fields[.inferenceHeaderLength].map { (text) throws(Problem) in
            try Self.headerByteCount(text, of: coding.byteCount)
        }
        self.text = HeldText(limit: headerByteCount ?? limits.jsonBytes)
    }

    private static func headerByteCount(_ text: String, of byteCount: Int?) throws(Problem) -> Int {
        let name = HTTPField.Name.inferenceHeaderLength.rawName
        guard let count = Int(text), count >= 0, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw Problem(
                .invalidHeader, "\(name) is the size of the JSON in bytes.", parameter: name,
                expected: "a whole number", actual: text)
        }
        guard count > 0 else {
            throw Problem(
                .invalidHeader,
                "A raw body holds one input, and there are two here: labels and pred_probs.", parameter: name,
                expected: "JSON that describes the inputs, and its size", actual: text)
        }
        guard count <= byteCount ?? .max else {
            throw Problem(
                .invalidHeader, "\(name) is larger than the body.", parameter: name,
                expected: "at most \(byteCount ?? 0)", actual: text)
        }
        guard count <= headerLimit else {
            throw Problem(
                .invalidHeader,
                "The JSON ahead of bytes has more than \(headerLimit) bytes; "
                    + "send its data as bytes too, or all in the JSON.",
                parameter: name, expected: "at most \(headerLimit) bytes", actual: text, limit: headerLimit)
        }
        return count
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try coding.decode(bytes) { (decoded) throws(Problem) in try take(decoded) }
    }

    private func take(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        var position = 0
        if request == nil, let text {
            guard let headerByteCount else { return try gather(bytes, in: text) }
            position = min(bytes.count, headerByteCount - text.bytes.count)
            try text.append(bytes.extracting(0..<position))
            guard text.bytes.count == headerByteCount else { return }
            let request = try read()
            try checkSizes(of: request, behind: headerByteCount)
            awaited = request.binaryInputs
            // Labels in this JSON, which is short, can be delivered here. Those in a shared-memory region may be large,
            // so a worker reads them.
            if !awaited.isEmpty, case .json? = request.input(.labels)?.source { try deliver(.labels) }
            try beginNext()
        }
        while position < bytes.count {
            guard !awaited.isEmpty else {
                throw .malformedBody("There are bytes behind the last input.", expected: "the end")
            }
            let stop = position + min(missingBytes, bytes.count - position)
            try pass(bytes.extracting(position..<stop))
            missingBytes -= stop - position
            position = stop
            guard missingBytes == 0 else { continue }
            try end()
            awaited.removeFirst()
            try beginNext()
        }
    }

    /// Keeps bytes of a body that seems to consist of JSON alone.
    private func gather(_ bytes: borrowing Span<UInt8>, in text: HeldText) throws(Problem) {
        let room = limits.jsonBytes - text.bytes.count
        guard bytes.count > room else { return try text.append(bytes) }
        try text.append(bytes.extracting(0..<room))
        throw JSONMessage.isFollowed(in: text.bytes) ? Self.lengthMissing : .bodyTooLarge(limit: limits.jsonBytes)
    }

    func finish() throws(Problem) {
        try coding.finish()
        if let text, text.bytes.isEmpty {
            throw .malformedBody("The body is empty.", expected: "the JSON of an inference request", actual: "0 bytes")
        }
        if let headerByteCount, let text {
            throw .malformedBody(
                "The JSON ends early.", expected: "\(headerByteCount) bytes", actual: "\(text.bytes.count) bytes")
        }
        if let input = awaited.first {
            throw Problem.malformedBody(
                "The array ends early.", expected: "\(input.byteCount) bytes",
                actual: "\(input.byteCount - missingBytes) bytes"
            ).found(in: input.array)
        }
    }

    func complete() throws(Problem) {
        if request == nil { _ = try read() }
        // Labels go first, so that no probabilities have to wait for them.
        try deliver(.labels)
        for array in Predictions.arrays { try deliver(array) }
    }

    /// Reads the JSON, and sets the parameters and outputs that it names.
    private func read() throws(Problem) -> InferenceRequest {
        guard let text else { preconditionFailure("it is read once") }
        // The JSON decoder keeps three words for each value, in lists that grow by doubling.
        let values = text.bytes.lazy.count { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "[") }
        try text.reserve(text.bytes.count + 48 * values)
        let request: InferenceRequest
        do throws(Problem) {
            request = try JSONMessage.decode(InferenceRequest.self, from: text.bytes)
        } catch {
            throw headerByteCount == nil && JSONMessage.isFollowed(in: text.bytes) ? Self.lengthMissing : error
        }
        // Without the size of the JSON, nothing tells where these inputs begin.
        guard headerByteCount != nil || request.binaryInputs.isEmpty else { throw Self.lengthMissing }
        for (name, value) in request.parameters { try arrays.set(name, value) }
        for input in request.inputs {
            guard case .region(let slice) = input.source else { continue }
            let name = input.array.rawValue
            try regions.required(for: name).region(of: slice, for: name).check(slice, for: name)
        }
        format.set(request)
        self.request = request
        self.text = nil
        return request
    }

    /// The problem of elements that stand behind JSON of unknown size. The client did not name the size, or a proxy has
    /// dropped the field.
    private static var lengthMissing: Problem {
        let name = HTTPField.Name.inferenceHeaderLength.rawName
        return Problem(
            .invalidHeader,
            "Elements of inputs stand behind the JSON, and \(name) does not say where that ends.", parameter: name,
            expected: "the size of the JSON in bytes", actual: "none")
    }

    private func checkSizes(of request: InferenceRequest, behind headerByteCount: Int) throws(Problem) {
        var total = 0
        for input in request.binaryInputs {
            let (sum, overflow) = total.addingReportingOverflow(input.byteCount)
            guard !overflow, sum <= limits.bodyBytes else { throw .bodyTooLarge(limit: limits.bodyBytes) }
            total = sum
        }
        guard let byteCount, byteCount - headerByteCount != total else { return }
        throw .malformedBody(
            "The body is not as large as its inputs.", expected: "\(total) bytes behind the JSON",
            actual: "\(byteCount - headerByteCount) bytes")
    }

    private func beginNext() throws(Problem) {
        while let input = awaited.first {
            missingBytes = input.byteCount
            try begin(input)
            guard missingBytes == 0 else { return }
            // An input without elements has no bytes to wait for.
            try end()
            awaited.removeFirst()
        }
    }

    // MARK: Arrays

    /// Delivers an input that does not stand behind the JSON, unless it is delivered already.
    private func deliver(_ array: ScoringError.Array) throws(Problem) {
        guard !delivered.contains(array), let input = request?.input(array) else { return }
        try begin(input)
        switch input.source {
        case .binary: preconditionFailure("it was awaited")
        case .json(let bytes): try pass(bytes.span)
        case .region(let slice):
            let region = try regions.required(for: array.rawValue).region(of: slice, for: array.rawValue)
            try region.read(slice, for: array.rawValue) { (bytes) throws(Problem) in try pass(bytes) }
        }
        try end()
    }

    private func begin(_ input: InferenceInput) throws(Problem) {
        let receiver = InputReceiver(input.array, of: arrays)
        self.receiver = receiver
        try receiver.begin(input.layout, at: 0)
        delivered.append(input.array)
    }

    private func pass(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        guard let receiver else { preconditionFailure("bytes come once the input has begun") }
        try receiver.receive(bytes)
    }

    private func end() throws(Problem) {
        try receiver?.end()
        receiver = nil
    }
}

extension HTTPField.Name {
    /// The field that names the size of the JSON in a body with bytes behind it.
    package static let inferenceHeaderLength = Self.known("Inference-Header-Content-Length")
}

import Codecs
import Scoring
import ServiceInterface
import WebService

/// Decodes a body that is a JSON object. The text is held in memory and read at the end of the body.
final class JSONBody: BodyDecoder {
    private let arrays: NamedArrays
    private let client: IncomingRequest.Process?
    private let text: JSONText

    /// - Parameter client: The process that has sent the body; nil if it is not on this machine.
    init(_ arrays: NamedArrays, of client: IncomingRequest.Process?, byteLimit: Int) {
        self.arrays = arrays
        self.client = client
        text = JSONText(byteLimit: byteLimit)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        do throws(CodecError) {
            try text.append(bytes)
        } catch {
            throw Problem(error)
        }
    }

    func finish() throws(Problem) {}

    func complete() throws(Problem) {
        try text.decode(into: Members(arrays, client))
    }

    private final class Members: JSONReceiver {
        private let arrays: NamedArrays
        private let client: IncomingRequest.Process?

        init(_ arrays: NamedArrays, _ client: IncomingRequest.Process?) {
            self.arrays = arrays
            self.client = client
        }

        func receiver(forArray name: String) throws(Problem) -> (any ArrayReceiver<Problem>)? {
            guard arrays.array(named: name) != nil else { return nil }
            return InputReceiver(try arrays.open(name), of: arrays.inputs)
        }

        /// Takes an object that stands in an array's place, and names a file that holds the array, a folder of files that
        /// each hold an image of it, or where it lies in the client's memory.
        private func refer(_ name: String, _ fields: [String: String]) throws(Problem) {
            if let folder = fields["folder"], fields.count == 1 {
                return try arrays.inputs.refer(try arrays.open(name), toFolder: folder)
            }
            if let memory = fields["memory"], fields.count == 1 {
                return try arrays.inputs.refer(try arrays.open(name), toMemory: memory, of: client)
            }
            guard let file = fields["file"], fields.count == 1 else {
                throw .invalidParameter(
                    name, expected: "an array, {\"file\": \"…\"}, {\"folder\": \"…\"} or {\"memory\": \"…\"}",
                    actual: "an object")
            }
            try arrays.inputs.refer(try arrays.open(name), to: file)
        }

        func member(_ name: String, _ value: JSONScalar) throws(Problem) {
            let isArray = arrays.array(named: name) != nil
            let known = arrays.inputs.parameterNames
            guard isArray || known.contains(name) else { throw .unknownParameter(name, expected: known) }
            switch value {
            case .string(let text): try arrays.inputs.set(name, text)
            case .number(_, let text): try arrays.inputs.set(name, text)
            case .bool(let value): try arrays.inputs.set(name, value ? "true" : "false")
            case .strings(let list) where ScoreParameters.textListNames.contains(name):
                try arrays.inputs.set(name, Parameters.text(of: list))
            case .strings(let list): try arrays.inputs.set(name, list.joined(separator: ","))
            case .numbers(let list) where ScoreParameters.listNames.contains(name):
                try arrays.inputs.set(name, list.joined(separator: ","))
            case .object(let fields) where isArray: try refer(name, fields)
            case .members where isArray, .other where isArray: try refer(name, [:])
            case .members(let text) where ScoreParameters.objectNames.contains(name):
                try arrays.inputs.set(name, text)
            case .object(let fields) where ScoreParameters.objectNames.contains(name):
                // No such parameter has strings for values, which is told where the text is read.
                try arrays.inputs.set(name, fields.first.map { "{\"\($0.key)\": \"\($0.value)\"}" } ?? "{}")
            // A member that is null counts as absent.
            case .null: break
            case .numbers, .object, .members, .other:
                throw .invalidParameter(
                    name, expected: "a string, a number or a list of strings", actual: value.kind)
            }
        }
    }
}

extension JSONScalar {
    fileprivate var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .strings: "a list of strings"
        case .numbers: "a list of numbers"
        case .object, .members, .other: "an object or a list"
        }
    }
}

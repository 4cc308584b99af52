import Codecs
import Scoring
import WebService

/// Decodes a body that is a JSON object. The text is held in memory and read at the end of the body.
final class JSONBody: BodyDecoder {
    private let arrays: NamedArrays
    private let text: JSONText

    init(_ arrays: NamedArrays, byteLimit: Int) {
        self.arrays = arrays
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
        try text.decode(into: Members(arrays))
    }

    private final class Members: JSONReceiver {
        private let arrays: NamedArrays

        init(_ arrays: NamedArrays) {
            self.arrays = arrays
        }

        func receiver(forArray name: String) throws(Problem) -> (any ArrayReceiver<Problem>)? {
            guard arrays.array(named: name) != nil else { return nil }
            return InputReceiver(try arrays.open(name), of: arrays.inputs)
        }

        /// Takes an object that stands in an array's place, and names a file that holds the array or a folder of files
        /// that each hold an image of it.
        private func refer(_ name: String, _ fields: [String: String]) throws(Problem) {
            if let folder = fields["folder"], fields.count == 1 {
                return try arrays.inputs.refer(try arrays.open(name), toFolder: folder)
            }
            guard let file = fields["file"], fields.count == 1 else {
                throw .invalidParameter(
                    name, expected: "an array, {\"file\": \"…\"} or {\"folder\": \"…\"}", actual: "an object")
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

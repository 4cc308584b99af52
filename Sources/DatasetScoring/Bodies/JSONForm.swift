import Scoring
import TensorCodecs
import WebService

/// A body that is a JSON object. It is held in memory and read at its end.
final class JSONForm: ArrayBody.Form {
    private let intake: ArrayIntake
    private let text: JSONText

    init(_ intake: ArrayIntake, byteLimit: Int) {
        self.intake = intake
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
        try text.decode(into: Members(intake))
    }

    private final class Members: JSONReceiver {
        private let intake: ArrayIntake

        init(_ intake: ArrayIntake) {
            self.intake = intake
        }

        func receiver(forArray name: String) throws(Problem) -> (any TensorReceiver<Problem>)? {
            guard intake.array(named: name) != nil else { return nil }
            return ArrayPort(try intake.open(name), of: intake.destination)
        }

        /// An object stands for an array, and says in which file it is.
        private func refer(_ name: String, _ fields: [String: String]) throws(Problem) {
            guard let file = fields["file"], fields.count == 1 else {
                throw .invalidParameter(name, expected: "an array, or {\"file\": \"…\"}", actual: "an object")
            }
            try intake.destination.refer(try intake.open(name), to: file)
        }

        func member(_ name: String, _ value: JSONScalar) throws(Problem) {
            let isArray = intake.array(named: name) != nil
            let known = intake.destination.parameterNames
            guard isArray || known.contains(name) else { throw .unknownParameter(name, expected: known) }
            switch value {
            case .string(let text): try intake.destination.set(name, text)
            case .number(_, let text): try intake.destination.set(name, text)
            case .bool(let value): try intake.destination.set(name, value ? "true" : "false")
            case .strings(let list): try intake.destination.set(name, list.joined(separator: ","))
            case .object(let fields) where isArray: try refer(name, fields)
            case .other where isArray: try refer(name, [:])
            // What is null is not there.
            case .null: break
            case .object, .other:
                throw .invalidParameter(name, expected: "a string, a number or a list of strings", actual: value.kind)
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
        case .object, .other: "an object or a list"
        }
    }
}

import Foundation
import Threads
import WebService

/// JSON that is a request, or the head of one.
enum JSONMessage {
    /// Reads a whole text.
    ///
    /// - Throws: 400 for what is not well formed or of another shape, and whatever the type itself throws as ``Problem``.
    static func decode<Message: Decodable>(_: Message.Type, from text: [UInt8]) throws(Problem) -> Message {
        do {
            return try JSONDecoder().decode(Message.self, from: Data(text))
        } catch let problem as Problem {
            throw problem
        } catch let error as DecodingError {
            throw problem(error, text)
        } catch {
            throw .malformedBody("The JSON cannot be read.", expected: "one JSON object")
        }
    }

    private static func problem(_ error: DecodingError, _ text: [UInt8]) -> Problem {
        let (path, sentence): ([any CodingKey], String)
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            (path, sentence) = (context.codingPath, "this is of another type than it should be")
        case .keyNotFound(let key, let context):
            (path, sentence) = (context.codingPath + [key], "this is missing")
        case .dataCorrupted(let context):
            guard !holdsNonFiniteNumber(text) else {
                return .malformedBody(
                    "The JSON cannot be read: JSON has no NaN and no Infinity.", expected: "finite numbers")
            }
            (path, sentence) = (context.codingPath, "the syntax is wrong, or a number does not fit")
        @unknown default:
            (path, sentence) = ([], "it is not as it should be")
        }
        let place = path.prefix(8).map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined()
        let prefix = place.isEmpty ? "" : place.drop { $0 == "." } + ": "
        return .malformedBody("The JSON cannot be read: \(prefix)\(sentence).", expected: "one JSON object")
    }

    /// Whether an object is complete ahead of the text's end, and something stands behind it.
    static func isFollowed(in text: [UInt8]) -> Bool {
        var (depth, isInString, isEscaped) = (0, false, false)
        for (index, byte) in text.enumerated() {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\"") {
                isInString.toggle()
            } else if isInString {
                isEscaped = byte == UInt8(ascii: "\\")
            } else if byte == UInt8(ascii: "{") {
                depth += 1
            } else if byte == UInt8(ascii: "}") {
                depth -= 1
                guard depth > 0 else { return depth == 0 && !text[(index + 1)...].allSatisfy(isBlank) }
            }
        }
        return false
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Whether an N or an I stands outside of strings: in JSON neither does, and those who write NaN or Infinity do it so.
    private static func holdsNonFiniteNumber(_ text: [UInt8]) -> Bool {
        var (isInString, isEscaped) = (false, false)
        for byte in text {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\"") {
                isInString.toggle()
            } else if isInString {
                isEscaped = byte == UInt8(ascii: "\\")
            } else if byte == UInt8(ascii: "N") || byte == UInt8(ascii: "I") {
                return true
            }
        }
        return false
    }
}

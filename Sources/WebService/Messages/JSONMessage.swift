import Foundation

/// JSON that is a request, or that begins one.
package enum JSONMessage {
    /// Reads a whole text.
    ///
    /// - Throws: A 400 problem if the text is malformed or has other members than `Message`, and the problems that
    ///   `Message` itself throws.
    package static func decode<Message: Decodable>(_: Message.Type, from text: [UInt8]) throws(Problem) -> Message {
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

    /// Whether an object is complete ahead of the text's end, and followed by more than blanks.
    package static func isFollowed(in text: [UInt8]) -> Bool {
        var depth = 0
        let end = firstIndexOutsideStrings(of: text) { byte in
            if byte == UInt8(ascii: "{") { depth += 1 }
            guard byte == UInt8(ascii: "}") else { return false }
            depth -= 1
            return depth <= 0
        }
        guard let end, depth == 0 else { return false }
        return !text[(end + 1)...].allSatisfy(isBlank)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Whether an N or an I stands outside of strings. JSON has neither there, and writers of NaN or Infinity put one.
    private static func holdsNonFiniteNumber(_ text: [UInt8]) -> Bool {
        firstIndexOutsideStrings(of: text) { $0 == UInt8(ascii: "N") || $0 == UInt8(ascii: "I") } != nil
    }

    /// The index of the first byte outside of strings that `isWanted` accepts; nil if there is none.
    private static func firstIndexOutsideStrings(of text: [UInt8], where isWanted: (UInt8) -> Bool) -> Int? {
        var (isInString, isEscaped) = (false, false)
        return text.firstIndex { byte in
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\"") {
                isInString.toggle()
            } else if isInString {
                isEscaped = byte == UInt8(ascii: "\\")
            } else {
                return isWanted(byte)
            }
            return false
        }
    }
}

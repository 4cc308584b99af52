package import Codecs
import HTTPTypes
import Memory

/// Faults in bytes: each error of the codecs gets its status, its type and its sentence here.
extension Problem: CodecFailure {
    /// The problem that an error of the codecs is to a client.
    package init(_ error: CodecError) {
        self =
            switch error {
            case .truncated(let expected, let actual):
                .malformedBody(
                    "The array ends early.", expected: "\(expected) bytes", actual: "\(actual) bytes")
            case .trailingBytes: .malformedBody("There are bytes behind the end.", expected: "the end")
            case .tooLarge(let limit): .bodyTooLarge(limit: limit)
            case .shape(let error): Problem(error)
            case .outOfMemory(let byteCount): Problem(MemoryError.outOfMemory(byteCount: byteCount))

            case .npyMagic(let found):
                .malformedBody(
                    "This is not an npy file\(Self.guess(found)).", expected: "the bytes 93 4e 55 4d 50 59",
                    actual: found.map { String($0, radix: 16) }.joined(separator: " "))
            case .npyVersion(let major, let minor):
                .malformedBody(
                    "This version of npy is not known.", expected: "1.0, 2.0 or 3.0", actual: "\(major).\(minor)")
            case .npyHeaderTooLong(let count, let limit):
                .malformedBody(
                    "The npy header is too long.", expected: "at most \(limit) bytes", actual: "\(count) bytes")
            case .npyHeader(let fault, let position):
                .malformedBody(
                    "The npy header cannot be read: \(fault.sentence) (byte \(position)).",
                    expected: "{'descr': …, 'fortran_order': …, 'shape': (…)}")
            case .npyElementType(let descr):
                .elementType("The element type \(descr) is not one that arrays come in here.", descr)
            case .twoBytes(let descr):
                .elementType(
                    "The element type \(descr) says nothing of what its two bytes mean. Are they bfloat16? "
                        + "Then save array.view(ml_dtypes.bfloat16), which NumPy writes as <V2.",
                    descr)

            case .zipSignature(let signature, let position):
                .malformedBody(
                    "At byte \(position) there is no part of a zip archive.", expected: "a zip record",
                    actual: "0x" + String(signature, radix: 16))
            case .zipTruncated(let entry):
                .malformedBody(
                    "The npz file ends early\(entry.map { ", inside \($0)" } ?? "").",
                    expected: "the end of the archive")
            case .zipNameTooLong(let count, let limit):
                .malformedBody(
                    "The name of an entry is too long.", expected: "at most \(limit) bytes", actual: "\(count) bytes")
            case .tooManyEntries(let limit):
                .malformedBody("The npz file has too many entries.", expected: "at most \(limit)")
            case .duplicateEntry(let name):
                .repeated(name.hasSuffix(".npy") ? String(name.dropLast(4)) : name)
            case .zipEncrypted(let entry):
                .malformedBody("The entry \(entry) is encrypted.", expected: "an entry in the clear")
            case .zipMethod(let entry, let method):
                .malformedBody(
                    "The entry \(entry) is compressed by an unknown method.",
                    expected: "0 (stored) or 8 (deflate)", actual: "\(method)")
            case .zipChecksum(let entry, let expected, let actual):
                .malformedBody(
                    "The checksum of \(entry) is wrong.", expected: String(expected, radix: 16),
                    actual: String(actual, radix: 16))
            case .zipSize(let entry, let expected, let actual):
                .malformedBody(
                    "The size of \(entry) is not what the archive says.", expected: "\(expected) bytes",
                    actual: "\(actual) bytes")
            case .safetensorsHeaderTooLong(let count, let limit):
                .malformedBody(
                    "The safetensors header is too long.", expected: "at most \(limit) bytes", actual: "\(count) bytes")
            case .safetensorsHeader(let fault, let position):
                .malformedBody(
                    "The safetensors header cannot be read: \(fault.sentence) (byte \(position)).",
                    expected: "{\"labels\": {\"dtype\": …, \"shape\": […], \"data_offsets\": […]}, …}")
            case .tensorPlace(let name, let expected, let actual):
                .tensor(
                    name, actual < expected ? "overlaps the one before" : "leaves a gap behind the one before",
                    expected: "data_offsets from \(expected) on", actual: "from \(actual) on")
            case .tensorSize(let name, let expected, let actual):
                .tensor(
                    name, "is not as large as its shape and type say", expected: "\(expected) bytes",
                    actual: "\(actual) bytes")
            case .tensorElementType(let name, let dtype):
                .elementType(
                    "The element type \(dtype) is not one that arrays come in here.", dtype,
                    expected: "BOOL, I8…64, U8…64, F16, BF16, F32 or F64", parameter: name)
            case .tensorTruncated(let name, let expected, let actual):
                .tensor(name, "ends early", expected: "\(expected) bytes", actual: "\(actual) bytes")

            case .deflate(let reason): .malformedBody("The compressed bytes cannot be read: \(reason).")
            case .gzipTruncated: .malformedBody("The compressed stream ends early.", expected: "the end of the stream")

            case .formBoundaryMissing:
                .malformedBody("The form's Content-Type names no boundary.", expected: "boundary=…")
            case .formBoundary(let boundary):
                .malformedBody(
                    "The form's boundary is none that a form may have.",
                    expected: "1 to 70 printable ASCII characters, the last no blank",
                    actual: "\(boundary.count) characters: \(boundary)")
            case .form:
                .malformedBody("The form cannot be read.", expected: "parts, and a closing boundary")

            case .json(let fault, let position):
                .malformedBody(
                    "The JSON cannot be read: \(fault.sentence)\(position.map { " (byte \($0))" } ?? "").",
                    expected: "one JSON object")
            case .jsonNotFinite(let name, let path, _):
                .json(name, path, "JSON has no NaN and no Infinity", expected: "a finite number")
            case .jsonRepeated(let name):
                .repeated(name)
            case .jsonNotAList(let name): .json(name, [], "this is no list", expected: "a nested list of numbers")
            case .jsonNotANumber(let name, let path): .json(name, path, "this is no number", expected: "a number")
            case .jsonRagged(let name, let path, let expected, let actual):
                .json(
                    name, path, "this list is not as long as the others", expected: "\(expected) elements",
                    actual: "\(actual) elements")
            case .jsonMixedDepth(let name, let path):
                .json(name, path, "numbers and lists are mixed", expected: "lists of one depth")
            case .jsonTooDeep(let name, let limit):
                .json(name, [], "the lists are too deep", expected: "at most \(limit) levels")

            case .pngExtents(let width, let height):
                Problem(
                    .notDrawable, "PNG has no images of this size.",
                    expected: "1 to 1000000 pixels a side", actual: "\(width) × \(height)")
            case .png(let reason): Problem(.internalError, "libpng failed: \(reason).")
            case .pngSignature(let found):
                .malformedBody(
                    "This is not a PNG image.", expected: "the bytes 89 50 4e 47 0d 0a 1a 0a",
                    actual: found.map { String($0, radix: 16) }.joined(separator: " "))
            case .pngUnreadable(let reason): .malformedBody("The PNG image cannot be read: \(reason).")
            case .pngTruncated: .malformedBody("The PNG image ends early.", expected: "the end of the image")
            case .pngColours(let isGrey, let hasAlpha, let depth):
                .pixelType(isGrey: isGrey, hasAlpha: hasAlpha, depth: depth)
            case .pngTransparent(let row, let column):
                Problem(
                    .unsupportedElementType,
                    "The pixel in row \(row) and column \(column) of the PNG image is not opaque, so it has no colour.",
                    expected: "pixels whose alpha is 255")
            case .pngUnknownColour(let colour, let count, let row, let column):
                Problem(
                    .labelOutOfRange,
                    "\(colour) is no colour that colors names; \(count) pixels of the PNG image have it, the first "
                        + "in row \(row) and column \(column).",
                    expected: "a colour that colors names", actual: "\(colour)")
            }
    }
}

extension Problem {
    /// A guess at what a file is that does not begin as npy files do, with advice for that case.
    private static func guess(_ found: [UInt8]) -> String {
        let guesses: [(beginning: [UInt8], String)] = [
            // These are the first bytes of an npy file in base64.
            (Array("k05VTV".utf8), "; is it one in base64? Send the file's own bytes"),
            (Array("PK".utf8), "; is it an npz archive? Then it is the whole body, or a file whose member is named"),
            ([0x89] + Array("PNG".utf8), "; is it a picture? Save the array that it shows with np.save"),
            ([0x1F, 0x8B], "; is it compressed? Then the whole body is, and Content-Encoding says so"),
            (Array("[".utf8), "; is it JSON? Then the whole body is"),
        ]
        return guesses.first { found.starts(with: $0.beginning) }?.1 ?? ""
    }

    /// The problem of a PNG image whose pixels are no classes.
    private static func pixelType(isGrey: Bool, hasAlpha: Bool, depth: Int) -> Problem {
        let kind = (isGrey ? "grey" : "colour") + (hasAlpha ? " with alpha" : "")
        let advice =
            isGrey
            ? "Save the mask without alpha."
            : depth == 8
                ? "Send the mask as palette indices or grey values, or name the classes of colours by colors, in the "
                    + "query or ahead of the mask."
                : "Send the mask as palette indices or grey values."
        return Problem(
            .unsupportedElementType, "The PNG image has pixels of \(kind), which are no classes. " + advice,
            expected: "grey of 1 to 16 bits, or palette indices", actual: "\(kind), \(depth) bits a sample")
    }

    private static func json(
        _ name: String, _ path: [Int], _ detail: String, expected: String, actual: String? = nil
    ) -> Problem {
        let place = name + path.prefix(8).map { "[\($0)]" }.joined()
        var problem = malformedBody("\(place): \(detail).", expected: expected, actual: actual)
        problem.parameter = name
        return problem
    }
}

extension Problem {
    private static func tensor(_ name: String, _ fault: String, expected: String, actual: String) -> Problem {
        var problem = malformedBody("The tensor \(name) \(fault).", expected: expected, actual: actual)
        problem.parameter = name
        return problem
    }
}

extension NpyHeaderFault {
    fileprivate var sentence: String {
        switch self {
        case .syntax: "it is not written as NumPy writes it"
        case .unknownKey(let key): "the key \(key) is unknown"
        case .repeatedKey(let key): "the key \(key) stands twice"
        case .missingKey(let key): "the key \(key) is missing"
        case .extentTooLarge: "an extent is too large"
        case .tooManyDimensions(let limit): "it has more than \(limit) dimensions"
        }
    }
}

extension SafetensorsFault {
    fileprivate var sentence: String {
        switch self {
        case .syntax: "it is not written as the format has it"
        case .utf8: "it is not UTF-8"
        case .unknownKey(let key): "the key \(key) is unknown"
        case .repeatedKey(let key): "the key \(key) stands twice"
        case .missingKey(let key): "the key \(key) is missing"
        case .numberTooLarge: "a number is too large"
        case .offsets: "data_offsets are not two numbers, the smaller first"
        }
    }
}

extension JSONFault {
    fileprivate var sentence: String {
        switch self {
        case .empty: "it is empty"
        case .syntax: "the syntax is wrong"
        case .utf8: "it is not UTF-8"
        case .string: "a string is malformed"
        case .number: "a number is malformed or too large"
        case .incomplete: "it ends early, or something follows its object"
        case .notAnObject: "it is not an object"
        case .trailingContent: "something follows the object"
        case .tooDeep: "it is nested too deep"
        }
    }
}

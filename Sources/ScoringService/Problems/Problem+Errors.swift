import Foundation
import HTTPTypes
import Jobs
import Scoring
import ServiceInterface
package import TensorCodecs
import Tensors

/// Every error of the targets below gets its status, its type and its sentence here.
extension Problem: CodecFailure {
    package init(_ error: CodecError) {
        self =
            switch error {
            case .truncated(let expected, let actual):
                .malformedBody(
                    "The array ends early.", expected: "\(expected) bytes", actual: "\(actual) bytes")
            case .trailingBytes: .malformedBody("There are bytes behind the end.", expected: "the end")
            case .tooLarge(let limit): .bodyTooLarge(limit: limit)
            case .shape(let error): Problem(error)
            case .outOfMemory(let byteCount): Problem(TensorError.outOfMemory(byteCount: byteCount))

            case .npyMagic(let found):
                .malformedBody(
                    "This is not an npy file.", expected: "the bytes 93 4e 55 4d 50 59",
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
                .elementType("The element type \(descr.prefix(40)) is not one that arrays come in here.", descr)
            case .bfloat16(let descr):
                .elementType(
                    "NumPy saves bfloat16 as \(descr), which says nothing of its meaning: convert to float32 first.",
                    "bfloat16 (\(descr))")

            case .zipSignature(let signature, let position):
                .malformedBody(
                    "At byte \(position) there is no part of a zip archive.", expected: "a zip record",
                    actual: "0x" + String(signature, radix: 16))
            case .zipTruncated(let entry):
                .malformedBody(
                    "The npz file ends early\(entry.map { ", inside \($0.prefix(100))" } ?? "").",
                    expected: "the end of the archive")
            case .zipNameTooLong(let count, let limit):
                .malformedBody(
                    "The name of an entry is too long.", expected: "at most \(limit) bytes", actual: "\(count) bytes")
            case .tooManyEntries(let limit):
                .malformedBody("The npz file has too many entries.", expected: "at most \(limit)")
            case .duplicateEntry(let name):
                .repeated(name.hasSuffix(".npy") ? String(name.dropLast(4)) : name)
            case .zipEncrypted(let entry):
                .malformedBody("The entry \(entry.prefix(100)) is encrypted.", expected: "an entry in the clear")
            case .zipMethod(let entry, let method):
                .malformedBody(
                    "The entry \(entry.prefix(100)) is compressed by an unknown method.",
                    expected: "0 (stored) or 8 (deflate)", actual: "\(method)")
            case .zipChecksum(let entry, let expected, let actual):
                .malformedBody(
                    "The checksum of \(entry.prefix(100)) is wrong.", expected: String(expected, radix: 16),
                    actual: String(actual, radix: 16))
            case .zipSize(let entry, let expected, let actual):
                .malformedBody(
                    "The size of \(entry.prefix(100)) is not what the archive says.", expected: "\(expected) bytes",
                    actual: "\(actual) bytes")
            case .deflate(let reason): .malformedBody("The compressed bytes cannot be read: \(reason).")
            case .gzipTruncated: .malformedBody("The gzip stream ends early.", expected: "the end of the stream")

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
                    .unprocessableContent, "not-drawable", "PNG has no images of this size.",
                    expected: "1 to 1000000 pixels a side", actual: "\(width) × \(height)")
            case .png(let reason): Problem(.internalServerError, "internal-error", "libpng failed: \(reason).")
            }
    }
}

extension Problem {
    init(_ error: ScoringError) {
        self =
            switch error {
            case .rank(let array, let expected, let shape):
                .shape(
                    array, "\(array.rawValue) must have \(expected) dimensions", expected: array.shapeInWords,
                    actual: shape)
            case .emptyArray(let array, let shape):
                Problem(
                    .unprocessableContent, "empty-array", "\(array.rawValue) is empty.", parameter: array.rawValue,
                    expected: "extents of at least 1", actual: shape.inWords)
            case .shapeMismatch(let array, let expected, let actual):
                .shape(
                    array, "The shape of \(array.rawValue) does not match that of \(array.partner.rawValue)",
                    expected: expected.inWords, actual: actual)
            case .tooManyPixels(let array, let count, let limit):
                Problem(
                    .contentTooLarge, "too-many-pixels", "\(array.rawValue) has more pixels than are taken at once.",
                    parameter: array.rawValue, expected: "at most \(limit)", actual: "\(count)", limit: limit)
            case .tooManyClasses(let count, let limit):
                Problem(
                    .unprocessableContent, "too-many-classes", "pred_probs has more classes than labels can name.",
                    parameter: ScoringError.Array.predictedProbabilities.rawValue, expected: "at most \(limit)",
                    actual: "\(count)", limit: limit)
            case .elementType(let array, let scalar):
                Problem.elementType(
                    "\(array.rawValue) must hold floating-point numbers.", scalar.rawValue,
                    expected: "float16, float32 or float64"
                ).found(in: array)
            case .labelOutOfRange(let value, let position, let classCount):
                Problem(
                    .unprocessableContent, "label-out-of-range",
                    "labels\(position.index()) is \(value), which is no class and not ignore_label.",
                    parameter: ScoringError.Array.labels.rawValue,
                    expected: "a whole number from 0 to \(classCount - 1), or ignore_label", actual: value.description)
            case .probabilityOutOfRange(let value, let position, let classIndex):
                Problem(
                    .unprocessableContent, "probability-out-of-range",
                    "pred_probs\(position.index(classIndex)) is \(value), which is no probability"
                        + (value.isFinite ? "; are these logits? Apply softmax over the classes first." : "."),
                    parameter: ScoringError.Array.predictedProbabilities.rawValue, expected: "a number from 0 to 1",
                    actual: value.description)
            case .memory(let error): Problem(error)
            }
    }

    init(_ error: TensorError) {
        self =
            switch error {
            case .negativeExtent(let shape):
                .malformedBody("An extent is negative.", expected: "extents of at least 0", actual: shape.inWords)
            case .tooLarge(let shape):
                Problem(
                    .contentTooLarge, "too-many-pixels", "No memory can hold an array of this shape.",
                    expected: "fewer elements", actual: shape.inWords, limit: .max)
            case .outOfMemory(let byteCount):
                .unavailable("out-of-memory", "There is no memory for \(byteCount) bytes more at the moment.")
            case .system(_, _, let code) where code == ENOSPC || code == EDQUOT || code == EFBIG:
                Problem(
                    .init(code: 507, reasonPhrase: "Insufficient Storage"), "spool-full",
                    "There is no room to keep pred_probs until labels are in; send labels first.",
                    parameter: ScoringError.Array.predictedProbabilities.rawValue, expected: "labels before pred_probs")
            case .system(let operation, let path, let code):
                Problem(
                    .internalServerError, "internal-error",
                    unsafe "Could not \(operation) \(path): \(String(cString: strerror(code))).")
            }
    }

    init(_ error: JobError) {
        self =
            switch error {
            case .atCapacity(let limit): .atCapacity(limit: limit)
            case .draining: .draining
            case .unknown(let id): .unknownJob(id.description)
            case .notFinished(let id, let status), .notReceiving(let id, let status):
                Problem(
                    .conflict, "job-not-finished", "The job \(id) is \(status.rawValue).", expected: "succeeded",
                    actual: status.rawValue
                ).with(.retryAfter, "1")
            case .alreadyFinished(let id, let status):
                Problem(
                    .conflict, "job-finished", "The job \(id) has \(status.rawValue) already.",
                    expected: "a job that lives", actual: status.rawValue)
            case .withoutOutput(let id, let status):
                Problem(
                    .conflict, status == .canceled ? "job-canceled" : "job-failed",
                    "The job \(id) has no results: it \(status == .canceled ? "was canceled" : "failed").",
                    expected: "succeeded", actual: status.rawValue)
            case .expired(let id):
                Problem(.gone, "result-expired", "The results of job \(id) are no longer kept.", actual: "expired")
            }
    }

    init(_ error: MultipartError) {
        self =
            switch error {
            case .noBoundary:
                .malformedBody("The form's Content-Type names no boundary.", expected: "boundary=…")
            case .malformed, .refused:
                .malformedBody("The form cannot be read.", expected: "parts, and a closing boundary")
            }
    }

    package static let draining = unavailable("draining", "The server is shutting down.")

    static func atCapacity(limit: Int) -> Problem {
        unavailable("at-capacity", "All \(limit) places for jobs are taken.", limit: limit)
    }

    static func bodyTooLarge(limit: Int) -> Problem {
        Problem(
            .contentTooLarge, "body-too-large", "The body, decoded, has more than \(limit) bytes.",
            expected: "at most \(limit) bytes", limit: limit)
    }

    /// An array or a parameter that came twice.
    static func repeated(_ name: String) -> Problem {
        let name = String(name.prefix(100))
        let kind = ScoringError.Array(rawValue: name) == nil ? "parameter" : "array"
        return Problem(
            .badRequest, "repeated-\(kind)", "\(name) comes more than once.", parameter: name, expected: "once")
    }

    private static func json(
        _ name: String, _ path: [Int], _ detail: String, expected: String, actual: String? = nil
    ) -> Problem {
        let name = String(name.prefix(100))
        let place = name + path.prefix(8).map { "[\($0)]" }.joined()
        var problem = malformedBody("\(place): \(detail).", expected: expected, actual: actual)
        problem.parameter = name
        return problem
    }

    private static func shape(
        _ array: ScoringError.Array, _ detail: String, expected: String, actual: [Int]
    ) -> Problem {
        Problem(
            .unprocessableContent, "shape-mismatch", "\(detail): it is \(actual.inWords), not \(expected).",
            parameter: array.rawValue, expected: expected, actual: actual.inWords)
    }

    private static func elementType(
        _ detail: String, _ actual: String, expected: String = "bool, int8…64, uint8…64, float16, float32 or float64"
    ) -> Problem {
        Problem(
            .unprocessableContent, "unsupported-element-type", detail, expected: expected,
            actual: String(actual.prefix(40)))
    }
}

extension ScoringError.Array {
    fileprivate var shapeInWords: String {
        switch self {
        case .labels, .pixelScores: "(N, H, W)"
        case .predictedProbabilities: "(N, K, H, W)"
        case .imageScores: "(N,)"
        }
    }
}

extension ScoringError.Array {
    /// The array that comes with it, whose shape its own has to match.
    fileprivate var partner: ScoringError.Array {
        switch self {
        case .labels: .predictedProbabilities
        case .predictedProbabilities: .labels
        case .imageScores: .pixelScores
        case .pixelScores: .imageScores
        }
    }
}

extension ScoringError.Position {
    /// The index as NumPy writes it.
    fileprivate func index(_ classIndex: Int? = nil) -> String {
        "\([image] + (classIndex.map { [$0] } ?? []) + [row, column])"
    }
}

extension [Int] {
    /// A shape as NumPy writes it.
    fileprivate var inWords: String {
        "(" + map(String.init).joined(separator: ", ") + (count == 1 ? ",)" : ")")
    }
}

extension NpyHeaderFault {
    fileprivate var sentence: String {
        switch self {
        case .syntax: "it is not written as NumPy writes it"
        case .unknownKey(let key): "the key \(key.prefix(40)) is unknown"
        case .repeatedKey(let key): "the key \(key.prefix(40)) stands twice"
        case .missingKey(let key): "the key \(key) is missing"
        case .extentTooLarge: "an extent is too large"
        case .tooManyDimensions(let limit): "it has more than \(limit) dimensions"
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
        case .incomplete: "it ends early"
        case .notAnObject: "it is not an object"
        case .trailingContent: "something follows the object"
        case .tooDeep: "it is nested too deep"
        }
    }
}

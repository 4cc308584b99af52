import Codecs
import Foundation
import HTTPTypes
import Jobs
import Memory
import ServiceInterface
import Testing

@testable import Scoring
@testable import WebService

@Suite struct ProblemTests {
    private static let long = String(repeating: "x", count: 64 << 10)
    /// One character of 64 KiB.
    private static let tall = "e" + String(repeating: "\u{301}", count: 32 << 10)
    private static let deep = [Int](repeating: .max, count: 64)
    private static let job = JobID()

    private static func codecErrors(_ name: String) -> [CodecError] {
        let headerFaults: [NpyHeaderFault] = [
            .syntax, .unknownKey(name), .repeatedKey(name), .missingKey(name), .extentTooLarge,
            .tooManyDimensions(limit: 32),
        ]
        let tensorFaults: [SafetensorsFault] = [
            .syntax, .utf8, .unknownKey(name), .repeatedKey(name), .missingKey(name), .numberTooLarge, .offsets,
        ]
        let jsonFaults: [JSONFault] = [
            .empty, .syntax, .utf8, .string, .number, .incomplete, .notAnObject, .trailingContent, .tooDeep,
        ]
        return headerFaults.map { .npyHeader($0, position: 7) }
            + tensorFaults.map { .safetensorsHeader($0, position: 7) }
            + jsonFaults.map { .json($0, position: 7) } + jsonFaults.map { .json($0, position: nil) } + [
                .truncated(expected: 2, actual: 1), .trailingBytes, .tooLarge(limit: 7),
                .shape(.negativeExtent(shape: deep)), .shape(.tooLarge(shape: deep)), .outOfMemory(byteCount: .max),
                .npyMagic(found: []), .npyMagic(found: [0x50, 0x4B, 0xFF, 0, 1, 2]), .npyVersion(9, 255),
                .npyHeaderTooLong(.max, limit: 65_536), .npyElementType(descr: name), .twoBytes(descr: name),
                .zipSignature(.max, position: .max), .zipTruncated(entry: nil), .zipTruncated(entry: name),
                .zipNameTooLong(65_535, limit: 1024), .tooManyEntries(limit: 8), .duplicateEntry(name),
                .duplicateEntry("labels.npy"), .zipEncrypted(entry: name), .zipMethod(entry: name, 99),
                .zipChecksum(entry: name, expected: 0, actual: .max),
                .zipSize(entry: name, expected: 0, actual: .max), .deflate(reason: name), .gzipTruncated,
                .safetensorsHeaderTooLong(.max, limit: 65_536), .tensorPlace(name: name, expected: .max, actual: 0),
                .tensorPlace(name: name, expected: 0, actual: .max), .tensorSize(name: name, expected: 0, actual: .max),
                .tensorElementType(name: name, dtype: name), .tensorTruncated(name: name, expected: .max, actual: 0),
                .jsonNotFinite(name: name, path: deep, position: 3), .jsonRepeated(name: name),
                .jsonNotAList(name: name), .jsonNotANumber(name: name, path: deep),
                .jsonRagged(name: name, path: deep, expected: .max, actual: 0),
                .jsonMixedDepth(name: name, path: deep), .jsonTooDeep(name: name, limit: 32),
                .formBoundaryMissing, .formBoundary(name), .form,
                .pngExtents(width: .max, height: 0), .png(reason: name), .pngSignature(found: [0x93]),
                .pngUnreadable(reason: name), .pngTruncated, .pngColours(isGrey: true, hasAlpha: true, depth: 8),
                .pngTransparent(row: 1, column: 2),
                .pngUnknownColour(.init(red: 1, green: 2, blue: 3), count: 4, row: 5, column: 6),
            ]
    }

    private static let memoryErrors: [MemoryError] = [
        .negativeExtent(shape: deep.map { -$0 }), .tooLarge(shape: deep), .outOfMemory(byteCount: .max),
    ]

    private static var scoringErrors: [ScoringError] {
        let place = ScoringError.Position(image: .max, row: .max, column: .max)
        return [ScoringError.Array.labels, .predictedProbabilities, .imageScores, .pixelScores].flatMap {
            array -> [ScoringError] in
            [
                .rank(array, expected: 3, shape: deep), .rank(array, expected: 3, shape: []),
                .dimensions(array, shape: deep), .dimensions(array, shape: []),
                .ranks(array, labels: [2, 3], shape: [1, 4, 2, 3]), .ranks(array, labels: deep, shape: []),
                .ranks(array, labels: [], shape: deep), .oneHotMismatch(array, labels: deep, shape: deep),
                .shapeMismatch(array, expected: [3, 2], actual: [2, 3]),
                .shapeMismatch(array, expected: [2, 5, 4, 3], actual: [2, 4, 3, 5]),
                .emptyArray(array, shape: deep), .shapeMismatch(array, expected: deep, actual: deep),
                .tooManyPixels(array, count: .max, limit: 1), .elementType(array, .bool),
            ]
        } + [
            .singleClass(labels: deep, axis: 0), .singleClass(labels: deep, axis: 1),
            .downsampleOfSpace(.max, space: deep), .oneHot(.none, at: .init(image: nil, place: [])),
            .tooManyClasses(65_536, limit: 65_535), .labelOutOfRange(.integer(.min), at: place, classCount: 1),
            .labelOutOfRange(.unsigned(.max), at: place, classCount: 1),
            .labelOutOfRange(.real(.nan), at: place, classCount: 1),
            .probabilityOutOfRange(.greatestFiniteMagnitude, at: place, classIndex: .max, .logits),
            .probabilityOutOfRange(.nan, at: place, classIndex: 0, .nothing),
            .probabilityOutOfRange(1.1, at: place, classIndex: 0, .percentagesOrLogits),
            .probabilityOutOfRange(1.001, at: place, classIndex: 0, .roundedProbabilities),
            .probabilityOutOfRange(99, at: place, classIndex: 0, .percentages), .memory(.outOfMemory(byteCount: 1)),
        ]
    }

    private static let jobErrors: [JobError] =
        [.atCapacity(limit: 3), .draining, .unknown(job), .expired(job)]
        + JobStatus.allCases.flatMap { status -> [JobError] in
            [
                .notReceiving(job, status), .notFinished(job, status), .alreadyFinished(job, status),
                .withoutOutput(job, status),
            ]
        }

    private static var all: [Problem] {
        let codecs = ["labels", "", long, tall].flatMap(codecErrors).map { Problem($0) }
        let others: [Problem] =
            memoryErrors.map { Problem($0) } + scoringErrors.map { Problem($0) } + jobErrors.map { Problem($0) }
        let names = [long, tall].flatMap { name -> [Problem] in
            [
                .unknownParameter(name, expected: ["method", "temperature"]), .unknownJob(name), .repeated(name),
                .invalidParameter("method", expected: "softmin", actual: name),
            ]
        }
        return codecs + others + names
    }

    @Test func everyErrorHasAStatusATypeAndASentence() throws {
        for problem in Self.all {
            #expect([400, 404, 409, 410, 413, 422, 500, 503, 507].contains(problem.status.code))
            #expect(problem.type.rawValue.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil, "\(problem.type.rawValue)")
            #expect(problem.detail.unicodeScalars.count > 10, "\(problem.type.rawValue)")
            #expect(!problem.detail.contains("Optional("), "\(problem.detail)")
            #expect(problem.type.title.first?.isUppercase == true)
            #expect(problem.status != .serviceUnavailable || problem.fields[.retryAfter] == "1")
            let document = try JSONSerialization.jsonObject(with: Data(problem.document)) as? [String: Any]
            #expect(document?["type"] as? String == "urn:segscore:" + problem.type.rawValue)
            #expect(document?["status"] as? Int == problem.status.code)
        }
    }

    @Test func noTextGrowsWithWhatTheNetworkSends() {
        for problem in Self.all {
            for text in [problem.detail, problem.parameter, problem.expected, problem.actual].compactMap({ $0 }) {
                #expect(text.unicodeScalars.count <= 500, "\(problem.type.rawValue): \(text.unicodeScalars.count)")
            }
        }
    }

    @Test func everySentenceOfATypicalErrorEnds() {
        let typical = Self.codecErrors("labels").map { Problem($0) } + Self.jobErrors.map { Problem($0) }
        for problem in typical { #expect(problem.detail.hasSuffix("."), "\(problem.detail)") }
    }

    @Test func problemsThatPassSayWhenToTryAgain() {
        for problem in Self.all where problem.status == .serviceUnavailable {
            #expect(problem.response.head.headerFields[.retryAfter] == "1")
        }
    }
}

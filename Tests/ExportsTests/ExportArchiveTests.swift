import Codecs
import Memory
import Scoring
import TestSupport
import Testing

@testable import Exports

@Suite struct ExportArchiveTests {
    private let classes = ExportClasses(count: 5, names: [0: "road", 1: "a \"b\" <&>"])

    private func image(_ index: Int, _ demand: ExportDemand) throws(ExportError) -> ExportedImage {
        do throws(MemoryError) {
            let region = RegionMask(top: 2, left: 3, height: 2, width: 2, mask: try Buffer([1, 0, 1, 1]))
            return ExportedImage(
                index: index, name: "folder/\(index)\n", width: 9, height: 8,
                picture: .init(suffix: ".jpg", bytes: demand.contains(.picture) ? try Buffer([1, 2, 3]) : nil),
                labels: demand.contains(.masks) ? try Buffer(pattern(9, 8, below: 6, seed: index)) : nil,
                regions: demand.contains(.masks)
                    ? [
                        ExportedRegion(
                            id: "\(index)-2-3", given: 0, suggested: 1, label: 1, verdict: "taken", mass: 0.5,
                            meanOwn: 0.25, mask: region)
                    ] : [])
        } catch {
            throw .memory(error)
        }
    }

    private func bytes(_ archive: consuming ExportArchive) throws(ExportError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try archive.next() {
            #expect(!piece.isEmpty)
            bytes += piece
        }
        return bytes
    }

    private func entries(_ bytes: [UInt8]) throws -> [String: [UInt8]] {
        let collector = EntryCollector()
        let decoder = NpzDecoder(receiver: collector, byteLimit: 1 << 24)
        try decoder.decode(bytes.span)
        try decoder.finish()
        return collector.contents
    }

    @Test(arguments: ExportFormat.allCases, ExportContent.allCases)
    func makesTheSameBytesAgain(format: ExportFormat, content: ExportContent) throws {
        let (first, second) = (Box<Int>(), Box<Int>())
        let made = try [first, second].map { asked in
            try bytes(
                ExportArchive(format, of: content, classes: classes, imageCount: 3) {
                    (index, demand) throws(ExportError) in
                    asked.add(index)
                    return try image(index, demand)
                })
        }
        #expect(made[0] == made[1])
        #expect(first.values == second.values)
        // Images come in order, again and again.
        #expect(first.values.enumerated().allSatisfy { $0.offset % 3 == $0.element })
        let names = try entries(made[0]).keys.sorted()
        #expect(names.count { $0.hasSuffix("folder/1_.jpg") } == 1)
        #expect(names.allSatisfy { !$0.contains("\n") })
    }

    @Test(arguments: ExportFormat.allCases) func makesAnArchiveOfNoImages(format: ExportFormat) throws {
        let archive = ExportArchive(format, of: .masks, classes: classes, imageCount: 0) {
            (_, _) throws(ExportError) in
            preconditionFailure("there is no image")
        }
        let entries = try entries(bytes(archive))
        if format == .coco {
            let text = String(decoding: entries["annotations/instances_default.json"] ?? [], as: UTF8.self)
            #expect(text.hasSuffix("\"annotations\":[],\"images\":[]}"))
        }
    }

    /// The error that an archive ends with.
    private func failure(_ archive: consuming ExportArchive) -> ExportError? {
        do throws(ExportError) {
            _ = try bytes(archive)
            return nil
        } catch {
            return error
        }
    }

    @Test func breaksOffWithItsSource() {
        struct Gone: Error {}
        let error = failure(
            ExportArchive(.coco, of: .masks, classes: classes, imageCount: 3) {
                (index, demand) throws(ExportError) in
                if index == 2 { throw .source(Gone()) }
                return try image(index, demand)
            })
        guard case .source(is Gone) = error else {
            Issue.record("the error is \(String(describing: error))")
            return
        }
    }

    @Test func refusesMorePixelsThanFormatsCount() {
        let error = failure(
            ExportArchive(.geojson, of: .regions, classes: classes, imageCount: 1) { (_, _) throws(ExportError) in
                ExportedImage(index: 0, name: "a", width: 1 << 15, height: 1 << 15)
            })
        guard case .tooManyPixels(width: 1 << 15, height: 1 << 15, limit: 1 << 30 - 1) = error else {
            Issue.record("the error is \(String(describing: error))")
            return
        }
    }
}

/// Keeps the entries of an archive.
private final class EntryCollector: EntryReceiver {
    struct Failure: CodecFailure {
        let error: CodecError

        init(_ error: CodecError) {
            self.error = error
        }
    }

    private(set) var contents: [String: [UInt8]] = [:]
    private var current = ""

    func begin(entry name: String) throws(Failure) {
        current = name
        contents[name] = []
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Failure) {
        for index in bytes.indices { contents[current, default: []].append(bytes[index]) }
    }

    func end(entry name: String) throws(Failure) {}
}

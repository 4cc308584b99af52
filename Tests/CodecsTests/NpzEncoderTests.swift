import Memory
import Testing

@testable import Codecs

@Suite struct NpzEncoderTests {
    private func bytes(of pieces: [NpzPiece]) -> [UInt8] {
        pieces.flatMap { Array($0.owner.stableBytes[$0.range]) }
    }

    private func entries() throws -> [NpzEntry] {
        let scores = try Buffer<Double>([9, 0.25, 0.5, 9])
        let mask = try Buffer<UInt8>([1, 0, 1, 1, 0, 0])
        let nothing = try Buffer<Float>(zeroed: 0)
        return [
            NpzEntry(
                name: "image_scores", layout: try TensorLayout(elementType: ElementType(.float64), shape: [2]),
                owner: scores, range: 8..<24),
            NpzEntry(
                name: "issues", layout: try TensorLayout(elementType: ElementType(.bool), shape: [1, 2, 3]),
                owner: mask,
                range: 0..<6),
            NpzEntry(
                name: "pixel_scores/000017",
                layout: try TensorLayout(elementType: ElementType(.float32), shape: [0, 3]),
                owner: nothing, range: 0..<0),
        ]
    }

    @Test(arguments: [UInt64(0xFFFF_FFFE), 100, 0]) func writesArchivesThatAreReadBack(narrowLimit: UInt64) throws {
        let file = bytes(of: try NpzEncoder.archive(of: entries(), narrowLimit: narrowLimit))
        for size in chunkSizes {
            let collector = EntryCollector()
            let decoder = NpzDecoder(receiver: collector, byteLimit: 4096)
            try push(file, by: size) { (chunk) throws(TestFailure) in try decoder.decode(chunk) }
            try decoder.finish()
            #expect(collector.ended == ["image_scores.npy", "issues.npy", "pixel_scores/000017.npy"])
            let scores = try #require(collector.contents["image_scores.npy"])
            #expect(Array(scores.suffix(16)) == [0.25, 0.5].flatMap { withUnsafeBytes(of: $0, Array.init) })
            #expect(collector.contents["issues.npy"]?.suffix(6) == [1, 0, 1, 1, 0, 0])
            #expect(collector.contents["pixel_scores/000017.npy"]?.count == 128)
        }
    }

    @Test func sendsTheArraysFromWhereTheyLie() throws {
        let pieces = try NpzEncoder.archive(of: entries())
        #expect(pieces.allSatisfy { !$0.range.isEmpty })
        #expect(pieces[1].owner is Buffer<Double>)
        #expect(pieces[1].range == 8..<24)
        #expect(pieces[3].owner is Buffer<UInt8>)
        #expect(pieces.count == 6)
    }

    @Test func countsMoreEntriesThan16BitsHold() throws {
        let nothing = try Buffer<UInt8>(zeroed: 0)
        let layout = try TensorLayout(elementType: ElementType(.uint8), shape: [0])
        let entries = (0..<65_535).map { NpzEntry(name: "\($0)", layout: layout, owner: nothing, range: 0..<0) }
        let file = bytes(of: try NpzEncoder.archive(of: entries))
        let end = file.count - 22
        #expect(file.integer(at: end + 10, as: UInt16.self) == UInt16.max)
        #expect(file.integer(at: end - 20 - 56 + 32, as: UInt64.self) == 65_535)
    }

    @Test func writesAnEmptyArchive() throws {
        #expect(bytes(of: try NpzEncoder.archive(of: [])) == (try fixture("empty.npz")))
    }

    /// A reader that trusts the directory alone, from its end (4.3.12 to 4.3.16).
    @Test(arguments: [UInt64(0xFFFF_FFFE), 100, 0]) func writesADirectoryThatAgrees(narrowLimit: UInt64) throws {
        let file = bytes(of: try NpzEncoder.archive(of: entries(), narrowLimit: narrowLimit))
        let end = file.count - 22
        #expect(file.integer(at: end, as: UInt32.self) == 0x0605_4B50)
        #expect(file.integer(at: end + 10, as: UInt16.self) == 3)
        var start = UInt64(file.integer(at: end + 16, as: UInt32.self))
        if start == UInt32.max {
            #expect(file.integer(at: end - 20, as: UInt32.self) == 0x0706_4B50)
            let wideEnd = Int(file.integer(at: end - 12, as: UInt64.self))
            #expect(wideEnd == end - 76)
            #expect(file.integer(at: wideEnd, as: UInt32.self) == 0x0606_4B50)
            #expect(file.integer(at: wideEnd + 4, as: UInt64.self) == 44)
            #expect(file.integer(at: wideEnd + 32, as: UInt64.self) == 3)
            start = file.integer(at: wideEnd + 48, as: UInt64.self)
        }
        var header = Int(start)
        var names: [String] = []
        for _ in 0..<3 {
            #expect(file.integer(at: header, as: UInt32.self) == 0x0201_4B50)
            let nameCount = Int(file.integer(at: header + 28, as: UInt16.self))
            let name = file[(header + 46)...].prefix(nameCount)
            var extra = header + 46 + nameCount + 4
            let narrow = [20, 24, 42].map { UInt64(file.integer(at: header + $0, as: UInt32.self)) }
            // Those that are all ones stand in the ZIP64 field, in this order (4.5.3).
            let wide = narrow.map { value in
                guard value == UInt32.max else { return value }
                extra += 8
                return file.integer(at: extra - 8, as: UInt64.self)
            }
            let entry = Int(wide[2])
            #expect(file.integer(at: entry, as: UInt32.self) == 0x0403_4B50)
            #expect(file[(entry + 30)...].prefix(nameCount) == name)
            #expect(file[(entry + 14)..<(entry + 18)] == file[(header + 16)..<(header + 20)])
            let extraCount = Int(file.integer(at: entry + 28, as: UInt16.self))
            let next = entry + 30 + nameCount + extraCount + Int(wide[0])
            #expect(wide[0] == wide[1])
            #expect([0x0403_4B50, 0x0201_4B50].contains(file.integer(at: next, as: UInt32.self)))
            names.append(String(decoding: name, as: UTF8.self))
            header += 46 + nameCount + Int(file.integer(at: header + 30, as: UInt16.self))
        }
        #expect(names == ["image_scores.npy", "issues.npy", "pixel_scores/000017.npy"])
        #expect([0x0605_4B50, 0x0606_4B50].contains(file.integer(at: header, as: UInt32.self)))
    }
}

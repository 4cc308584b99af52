import Testing

@testable import Codecs

@Suite struct ZipWriterTests {
    /// Content that deflates to less, and content that does not.
    private let contents: [(name: String, bytes: [UInt8])] = {
        var generator = SeededGenerator(state: 7)
        let noise = (0..<200_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return [
            ("leer.txt", []), ("a/ünï 文.json", [UInt8](repeating: 65, count: 300_000)), ("noise.bin", noise),
        ]
    }()

    /// An archive whose entries are deflated and stored by turns, written and taken in pieces of a size.
    private func archive(by size: Int, narrowLimit: UInt64 = UInt64(UInt32.max) - 1) throws -> [UInt8] {
        var writer = ZipWriter(narrowLimit: narrowLimit)
        var file: [UInt8] = []
        for (name, bytes) in contents {
            try writer.beginDeflated(name)
            push(bytes, by: size) { piece in
                writer.write(piece)
                if writer.count > size { file += writer.take() }
            }
            writer.endDeflated()
            writer.add("stored " + name, bytes.span)
        }
        writer.endArchive()
        return file + writer.take()
    }

    @Test(arguments: [1000, 70_000, 1 << 30]) func writesArchivesThatAreReadBack(size: Int) throws {
        let file = try archive(by: size)
        let collector = EntryCollector()
        let decoder = NpzDecoder(receiver: collector, byteLimit: 1 << 24)
        try push(file, by: 4096) { (chunk) throws(TestFailure) in try decoder.decode(chunk) }
        try decoder.finish()
        #expect(collector.ended == contents.flatMap { [$0.name, "stored " + $0.name] })
        for (name, bytes) in contents {
            #expect(collector.contents[name] == bytes)
            #expect(collector.contents["stored " + name] == bytes)
        }
        #expect(file == (try archive(by: size)))
    }

    /// A reader that trusts the directory alone (4.3.12, 4.5.3).
    @Test(arguments: [UInt64(0xFFFF_FFFE), 1000, 0]) func writesADirectoryThatAgrees(narrowLimit: UInt64) throws {
        let file = try archive(by: 1 << 30, narrowLimit: narrowLimit)
        let end = file.count - 22
        var start = UInt64(file.integer(at: end + 16, as: UInt32.self))
        if start == UInt32.max {
            start = file.integer(at: Int(file.integer(at: end - 12, as: UInt64.self)) + 48, as: UInt64.self)
        }
        var header = Int(start)
        for (index, content) in contents.flatMap({ [($0.name, $0.bytes), ("stored " + $0.name, $0.bytes)] })
            .enumerated()
        {
            let nameCount = Int(file.integer(at: header + 28, as: UInt16.self))
            #expect(file[(header + 46)...].prefix(nameCount) == Array(content.0.utf8)[...])
            var extra = header + 46 + nameCount + 4
            let wide = [24, 20, 42].map { place in
                let narrow = UInt64(file.integer(at: header + place, as: UInt32.self))
                guard narrow == UInt32.max else { return narrow }
                extra += 8
                return file.integer(at: extra - 8, as: UInt64.self)
            }
            #expect(wide[0] == UInt64(content.1.count))
            let entry = Int(wide[2])
            #expect(file.integer(at: entry, as: UInt32.self) == 0x0403_4B50)
            #expect(file.integer(at: entry + 8, as: UInt16.self) == (index % 2 == 0 ? 8 : 0))
            let data = entry + 30 + nameCount + Int(file.integer(at: entry + 28, as: UInt16.self))
            let next = data + Int(wide[1])
            let signatures: [UInt32] = index % 2 == 0 ? [0x0807_4B50] : [0x0403_4B50, 0x0201_4B50]
            #expect(signatures.contains(file.integer(at: next, as: UInt32.self)))
            header += 46 + nameCount + Int(file.integer(at: header + 30, as: UInt16.self))
        }
        #expect([0x0605_4B50, 0x0606_4B50].contains(file.integer(at: header, as: UInt32.self)))
    }
}

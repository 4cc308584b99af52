import Codecs
import Memory
import Testing

@Suite struct NpzDecoderTests {
    private static let limit = 8 << 20

    private func decode(
        _ file: [UInt8], by size: Int = 1 << 30, limit: Int = NpzDecoderTests.limit
    ) throws(TestFailure) -> EntryCollector {
        let collector = EntryCollector()
        try decode(file, by: size, limit: limit, into: collector)
        return collector
    }

    private func decode(
        _ file: [UInt8], by size: Int = 1 << 30, limit: Int = NpzDecoderTests.limit, into collector: EntryCollector
    ) throws(TestFailure) {
        let decoder = NpzDecoder(receiver: collector, byteLimit: limit)
        try push(file, by: size) { (bytes) throws(TestFailure) in try decoder.decode(bytes) }
        try decoder.finish()
        #expect(collector.names == collector.ended)
    }

    private func array(_ content: [UInt8]?) throws -> TensorCollector {
        let collector = TensorCollector()
        var decoder = NpyDecoder(receiver: collector, byteLimit: Self.limit)
        try push(try #require(content)) { (bytes) throws(TestFailure) in try decoder.decode(bytes) }
        try decoder.finish()
        return collector
    }

    /// A local header, without content.
    private func localHeader(
        name: String, flags: UInt16 = 0, method: UInt16 = 0, checksum: UInt32 = 0, compressedSize: UInt32 = 0,
        size: UInt32 = 0, extra: [UInt8] = []
    ) -> [UInt8] {
        littleEndian(UInt32(0x0403_4B50)) + littleEndian(UInt16(20)) + littleEndian(flags) + littleEndian(method)
            + [0, 0, 0, 0] + littleEndian(checksum) + littleEndian(compressedSize) + littleEndian(size)
            + littleEndian(UInt16(name.utf8.count)) + littleEndian(UInt16(extra.count)) + Array(name.utf8) + extra
    }

    private let end: [UInt8] = [0x50, 0x4B, 5, 6] + Array(repeating: 0, count: 18)

    private func littleEndian<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian, Array.init)
    }

    @Test(
        arguments: [
            "stored", "deflated", "stored_pipe", "deflated_pipe", "unsigned_descriptor", "narrow_descriptor",
        ], chunkSizes)
    func readsWhatPythonWrites(name: String, size: Int) throws {
        let entries = try decode(try fixture("\(name).npz"), by: size)
        #expect(entries.ended == ["labels.npy", "pred_probs.npy"])
        let labels = try array(entries.contents["labels.npy"])
        #expect(labels.layout == (try TensorLayout(elementType: ElementType(.uint8), shape: [2, 8, 8])))
        #expect(labels.values == (0..<128).map { Double($0 % 3) })
        let probabilities = try array(entries.contents["pred_probs.npy"])
        #expect(probabilities.layout == (try TensorLayout(elementType: ElementType(.float32), shape: [2, 3, 8, 8])))
        #expect(probabilities.values == (0..<384).map { Double($0 % 16) / 16 })
    }

    @Test(arguments: ["empty", "commented"], chunkSizes) func readsAnArchiveWithoutEntries(name: String, size: Int)
        throws
    {
        #expect(try decode(try fixture("\(name).npz"), by: size).names.isEmpty)
    }

    @Test(arguments: chunkSizes) func readsAnEmptyEntry(size: Int) throws {
        let entries = try decode(try fixture("empty_entry.npz"), by: size)
        #expect(entries.ended == ["nothing"])
        #expect(entries.contents["nothing"] == [])
    }

    @Test func readsAStoredArrayOfNoElementsThatHasADescriptor() throws {
        let npy = try fixture("empty.npy")
        var reference = localHeader(name: "a", flags: 8) + npy
        reference += littleEndian(checksum(of: npy)) + littleEndian(UInt32(npy.count)) + littleEndian(UInt32(npy.count))
        #expect(try decode(reference + end).contents["a"] == npy)
    }

    @Test func readsAnEntryThatIsNoArray() throws {
        let content = Array("123456789".utf8)
        // The check value of this CRC-32 in every catalogue.
        let file = localHeader(name: "note", checksum: 0xCBF4_3926, compressedSize: 9, size: 9) + content + end
        #expect(try decode(file).contents["note"] == content)
    }

    @Test(arguments: ["stored", "deflated", "stored_pipe", "deflated_pipe", "narrow_descriptor", "commented"])
    func refusesEveryPrefixOfAFile(name: String) throws {
        let whole = try fixture("\(name).npz")
        for count in 0..<whole.count {
            let error = #expect(throws: TestFailure.self) { try decode(Array(whole[..<count])) }
            guard case .codec(.zipTruncated) = error else {
                Issue.record("\(count) bytes: \(String(describing: error))")
                return
            }
        }
    }

    @Test func namesTheEntryThatEndsEarly() throws {
        let whole = try fixture("stored.npz")
        #expect(throws: TestFailure.codec(.zipTruncated(entry: "labels.npy"))) { try decode(Array(whole[..<200])) }
    }

    @Test(arguments: chunkSizes) func refusesBytesAfterTheEnd(size: Int) throws {
        let whole = try fixture("stored.npz")
        #expect(throws: TestFailure.codec(.trailingBytes)) { try decode(whole + [0], by: size) }
    }

    @Test(arguments: chunkSizes) func refusesWhatIsNoArchive(size: Int) throws {
        let npy = try fixture("float32.npy")
        #expect(throws: TestFailure.codec(.zipSignature(0x4D55_4E93, position: 0))) { try decode(npy, by: size) }
        let entry = localHeader(name: "a") + localHeader(name: "b")
        #expect(throws: TestFailure.codec(.zipSignature(0x3030_3030, position: entry.count))) {
            try decode(entry + Array("0000".utf8), by: size)
        }
    }

    @Test func refusesAnEntryBehindTheDirectory() throws {
        let directory = Array(try fixture("empty_entry.npz").dropFirst(37).dropLast(22))
        let entry = localHeader(name: "late")
        #expect(throws: TestFailure.codec(.zipSignature(0x0403_4B50, position: directory.count))) {
            try decode(directory + entry + end)
        }
    }

    @Test(arguments: [1, 0x40, 0x2000]) func refusesEncryption(flag: UInt16) {
        #expect(throws: TestFailure.codec(.zipEncrypted(entry: "a"))) {
            try decode(localHeader(name: "a", flags: flag) + end)
        }
    }

    @Test func refusesOtherMethods() throws {
        let bzip2 = try fixture("bzip2.npz")
        #expect(throws: TestFailure.codec(.zipMethod(entry: "labels.npy", 12))) { try decode(bzip2) }
    }

    @Test func refusesLongNames() {
        let longest = String(repeating: "n", count: 1024)
        #expect(throws: Never.self) { try decode(localHeader(name: longest) + end) }
        #expect(throws: TestFailure.codec(.zipNameTooLong(1025, limit: 1024))) {
            try decode(localHeader(name: longest + "n") + end)
        }
    }

    @Test func refusesTheSameNameTwice() {
        #expect(throws: TestFailure.codec(.duplicateEntry("a"))) {
            try decode(localHeader(name: "a") + localHeader(name: "b") + localHeader(name: "a") + end)
        }
    }

    @Test func refusesManyEntries() throws {
        let entries = { (count: Int) in (0..<count).flatMap { self.localHeader(name: "\($0)") } }
        #expect(try decode(entries(64) + end).names.count == 64)
        #expect(throws: TestFailure.codec(.tooManyEntries(limit: 64))) { try decode(entries(65) + end) }
    }

    @Test(arguments: ["stored", "deflated", "stored_pipe", "deflated_pipe"])
    func refusesAFlippedBitOfTheContent(name: String) throws {
        let whole = try fixture("\(name).npz")
        // Behind the name, the ZIP64 field and the npy header, or as far into the deflated bytes.
        let start = 60
        for place in start..<start + (name.hasPrefix("stored") ? 250 : 60) {
            var copy = whole
            copy[place] ^= 0x10
            #expect(throws: TestFailure.self, "byte \(place)") { try decode(copy) }
        }
    }

    @Test func statesBothChecksums() {
        let content = Array("123456789".utf8)
        let file = localHeader(name: "note", checksum: 0xCBF4_3927, compressedSize: 9, size: 9) + content + end
        #expect(throws: TestFailure.codec(.zipChecksum(entry: "note", expected: 0xCBF4_3927, actual: 0xCBF4_3926))) {
            try decode(file)
        }
    }

    @Test func refusesSizesThatDisagree() throws {
        let stored = localHeader(name: "a", compressedSize: 4, size: 5) + [1, 2, 3, 4] + end
        #expect(throws: TestFailure.codec(.zipSize(entry: "a", expected: 5, actual: 4))) { try decode(stored) }

        // One final stored block of the byte 7.
        let deflate: [UInt8] = [1, 1, 0, 0xFE, 0xFF, 7]
        let right = localHeader(name: "a", method: 8, checksum: checksum(of: [7]), compressedSize: 6, size: 1)
        #expect(try decode(right + deflate + end).contents["a"] == [7])
        let small = localHeader(name: "a", method: 8, compressedSize: 6, size: 0)
        #expect(throws: TestFailure.codec(.zipSize(entry: "a", expected: 0, actual: 1))) {
            try decode(small + deflate + end)
        }
        let large = localHeader(name: "a", method: 8, compressedSize: 6, size: 2)
        #expect(throws: TestFailure.codec(.zipSize(entry: "a", expected: 2, actual: 1))) {
            try decode(large + deflate + end)
        }
        let long = localHeader(name: "a", method: 8, compressedSize: 7, size: 1)
        #expect(throws: TestFailure.codec(.zipSize(entry: "a", expected: 7, actual: 6))) {
            try decode(long + deflate + end)
        }
        for count in 0..<6 {
            let short = localHeader(name: "a", method: 8, compressedSize: UInt32(count), size: 1)
            #expect(throws: TestFailure.codec(.zipTruncated(entry: "a"))) { try decode(short + deflate + end) }
        }
    }

    @Test func refusesDescriptorsThatDisagree() {
        let deflate: [UInt8] = [1, 1, 0, 0xFE, 0xFF, 7]
        let front = localHeader(name: "a", flags: 8, method: 8) + deflate + [0x50, 0x4B, 7, 8]
        let sum = checksum(of: [7])
        let descriptor = { (sum: UInt32, compressed: UInt32, size: UInt32) in
            self.littleEndian(sum) + self.littleEndian(compressed) + self.littleEndian(size)
        }
        #expect(throws: Never.self) { try decode(front + descriptor(sum, 6, 1) + end) }
        #expect(throws: TestFailure.codec(.zipChecksum(entry: "a", expected: ~sum, actual: sum))) {
            try decode(front + descriptor(~sum, 6, 1) + end)
        }
        #expect(throws: TestFailure.codec(.zipSize(entry: "a", expected: 5, actual: 6))) {
            try decode(front + descriptor(sum, 5, 1) + end)
        }
        #expect(throws: TestFailure.codec(.zipSize(entry: "a", expected: 2, actual: 1))) {
            try decode(front + descriptor(sum, 6, 2) + end)
        }
    }

    @Test func readsSizesFromTheZip64Field() {
        let field =
            littleEndian(UInt16(1)) + littleEndian(UInt16(16)) + littleEndian(UInt64(9)) + littleEndian(UInt64(9))
        let other: [UInt8] = [0x55, 0x54, 1, 0, 0]
        let header = { (extra: [UInt8]) in
            self.localHeader(
                name: "n", checksum: 0xCBF4_3926, compressedSize: .max, size: .max, extra: extra)
        }
        let content = Array("123456789".utf8)
        #expect(throws: Never.self) { try decode(header(field) + content + end) }
        #expect(throws: Never.self) { try decode(header(other + field + other) + content + end) }
        // Without the field, 4 GiB are stated.
        #expect(throws: TestFailure.codec(.tooLarge(limit: Self.limit))) { try decode(header([]) + content + end) }
        // A field that claims more than there is.
        #expect(throws: TestFailure.codec(.tooLarge(limit: Self.limit))) {
            try decode(header(Array(field.dropLast())) + content + end)
        }
        let absurd = Array(field.prefix(4)) + littleEndian(UInt64.max) + littleEndian(UInt64.max)
        #expect(throws: TestFailure.codec(.tooLarge(limit: Self.limit))) { try decode(header(absurd) + content + end) }
    }

    @Test func refusesAnAbsurdDirectoryWithoutTrappingOnIt() {
        let endless: [UInt8] = [0x50, 0x4B, 6, 6] + Array(repeating: 0xFF, count: 8)
        #expect(throws: TestFailure.codec(.zipTruncated(entry: nil))) { try decode(endless + end) }
    }

    @Test func refusesAStoredStreamThatIsNoArray() {
        let file = localHeader(name: "a", flags: 8) + Array("not an array".utf8)
        #expect(throws: TestFailure.codec(.npyMagic(found: Array("not an".utf8)))) { try decode(file) }
    }

    @Test func refusesALyingArrayInAStoredStream() throws {
        var whole = try fixture("stored_pipe.npz")
        let shape = Array("(2, 8, 8)".utf8)
        let start = try #require(whole.indices.first { whole[$0...].starts(with: shape) })
        // One plane instead of two: the content goes on where a descriptor should be.
        whole[start + 1] = UInt8(ascii: "1")
        let error = #expect(throws: TestFailure.self) { try decode(whole) }
        guard case .codec(.zipSize(entry: "labels.npy", _, actual: 192)) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        whole.replaceSubrange(start..<start + shape.count, with: Array("(2, 9**9)".utf8))
        #expect(throws: TestFailure.self) { try decode(whole) }
    }

    @Test(arguments: ["zeros", "zeros_pipe"], [64, 4096])
    func refusesABombAtTheLimit(name: String, size: Int) throws {
        let whole = try fixture("\(name).npz")
        #expect(whole.count < 8192)
        let collector = EntryCollector()
        #expect(throws: TestFailure.codec(.tooLarge(limit: 1 << 20))) {
            try decode(whole, by: size, limit: 1 << 20, into: collector)
        }
        #expect(collector.byteCount <= 1 << 20)
        // Stated sizes are refused before the entry begins.
        #expect(collector.names.isEmpty == (name == "zeros"))
        #expect(try decode(whole, limit: 128 + (4 << 20)).byteCount == 128 + (4 << 20))
    }

    @Test func countsAllEntriesAgainstTheLimit() throws {
        for name in ["stored", "deflated", "stored_pipe", "deflated_pipe"] {
            let whole = try fixture("\(name).npz")
            let total = 128 + 128 + 128 + 384 * 4
            #expect(try decode(whole, limit: total).byteCount == total)
            #expect(throws: TestFailure.codec(.tooLarge(limit: total - 1))) { try decode(whole, limit: total - 1) }
        }
    }

    @Test(arguments: ["stored", "deflated", "stored_pipe", "deflated_pipe", "unsigned_descriptor"])
    func survivesAnyMutation(name: String) throws {
        var generator = SeededGenerator(state: 2)
        let whole = try fixture("\(name).npz")
        var refusals = 0
        for round in 0..<1000 {
            do {
                _ = try decode(whole.mutated(by: &generator), by: chunkSizes[round % chunkSizes.count])
            } catch {
                refusals += 1
            }
        }
        #expect(refusals > 500)
    }

    /// CRC-32 bit by bit, as ISO 3309 has it.
    private func checksum(of bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
    }
}

import Memory
import Testing

@testable import Codecs

@Suite struct NpyDecoderTests {
    private static let limit = 1 << 20

    private func decode(
        _ file: [UInt8], by size: Int = 1 << 30, limit: Int = NpyDecoderTests.limit, refusal: TestFailure? = nil
    ) throws(TestFailure) -> TensorCollector {
        let collector = TensorCollector()
        collector.refusal = refusal
        var decoder = NpyDecoder(receiver: collector, byteLimit: limit)
        try push(file, by: size) { (bytes) throws(TestFailure) in try decoder.decode(bytes) }
        try decoder.finish()
        #expect(collector.hasEnded)
        return collector
    }

    /// A file of version 1 with a header as given.
    private func file(_ text: String, _ elements: [UInt8] = []) -> [UInt8] {
        let count = text.utf8.count
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(count & 0xFF), UInt8(count >> 8)] + Array(text.utf8)
            + elements
    }

    private func file(descr: String = "'|u1'", order: String = "False", shape: String) -> [UInt8] {
        file("{'descr': \(descr), 'fortran_order': \(order), 'shape': \(shape), }\n")
    }

    private func fault(_ file: [UInt8]) -> TestFailure? {
        #expect(throws: TestFailure.self) { try decode(file) }
    }

    @Test(arguments: ElementType.Scalar.allCases, chunkSizes)
    func readsEveryScalarInChunksOfAnySize(scalar: ElementType.Scalar, size: Int) throws {
        let array = try decode(try fixture("\(scalar.rawValue).npy"), by: size)
        #expect(array.layout == (try TensorLayout(elementType: ElementType(scalar), shape: [2, 3])))
        #expect(array.values == (scalar == .bool ? [0, 1, 1, 1, 1, 1] : [0, 1, 2, 3, 4, 5]))
        #expect(array.offset == (try fixture("\(scalar.rawValue).npy").count) - 6 * scalar.byteCount)
    }

    @Test(arguments: ["version1", "version2", "version3", "python2"], chunkSizes)
    func readsEveryVersion(name: String, size: Int) throws {
        let array = try decode(try fixture("\(name).npy"), by: size)
        #expect(array.layout == (try TensorLayout(elementType: ElementType(.float32), shape: [2, 3])))
        #expect(array.values == [0, 1, 2, 3, 4, 5])
    }

    @Test func readsTheOtherByteOrder() throws {
        let array = try decode(try fixture("big_endian.npy"))
        #expect(array.layout?.elementType == ElementType(.float64, isByteSwapped: true))
        #expect(array.values == [0, 1, 2, 3, 4, 5])
    }

    @Test func readsFortranOrder() throws {
        let array = try decode(try fixture("fortran.npy"))
        #expect(array.layout == (try TensorLayout(elementType: ElementType(.int16), shape: [2, 3], order: .fortran)))
        #expect(array.values == [0, 3, 1, 4, 2, 5])
    }

    @Test(arguments: chunkSizes) func readsAnArrayWithoutElements(size: Int) throws {
        let array = try decode(try fixture("empty.npy"), by: size)
        #expect(array.layout?.shape == [2, 0, 3])
        #expect(array.bytes.isEmpty)
    }

    @Test func readsAScalar() throws {
        let array = try decode(try fixture("scalar.npy"))
        #expect(array.layout?.shape == [])
        #expect(array.values == [0.5])
    }

    @Test(arguments: [
        "{'descr':'|u1','fortran_order':False,'shape':(2,)}",
        "  {\"shape\" : ( 2 , ) , \"fortran_order\" : False , \"descr\" : \"u1\" }  \n",
        "{'fortran_order': False, 'shape': (2L,), 'descr': '=u1'}\n\n",
    ])
    func readsTheHeaderInAnyOrderAndSpacing(text: String) throws {
        #expect(try decode(file(text, [7, 8])).values == [7, 8])
    }

    @Test func refusesEveryPrefixOfAFile() throws {
        let whole = try fixture("version1.npy")
        for count in 0..<whole.count {
            let expected: CodecError =
                switch count {
                case 0..<6: .truncated(expected: 6, actual: count)
                case 6..<8: .truncated(expected: 8, actual: count)
                case 8..<10: .truncated(expected: 10, actual: count)
                case 10..<128: .truncated(expected: 128, actual: count)
                default: .truncated(expected: 24, actual: count - 128)
                }
            #expect(throws: TestFailure.codec(expected)) { try decode(Array(whole[..<count])) }
        }
    }

    /// As `numpy.load` does, which reads no further than the array goes.
    @Test(arguments: chunkSizes) func passesOverBytesAfterTheArray(size: Int) throws {
        for name in ["float32.npy", "empty.npy"] {
            let whole = try fixture(name)
            let (expected, found) = (try decode(whole, by: size), try decode(whole + [0, 1, 2, 3, 4], by: size))
            #expect(found.layout == expected.layout && found.bytes == expected.bytes)
        }
    }

    /// What `numpy.dtype` of NumPy 2.4 makes of each.
    @Test(arguments: [
        ("float32", "<f4"), ("f", "<f4"), ("<f", "<f4"), (">f", ">f4"), ("=f", "<f4"), ("single", "<f4"), ("e", "<f2"),
        ("half", "<f2"), (">d", ">f8"), ("double", "<f8"), ("float", "<f8"), ("float64", "<f8"), ("?", "|b1"),
        ("bool", "|b1"), ("b", "|i1"), ("byte", "|i1"), ("B", "|u1"), ("ubyte", "|u1"), ("<h", "<i2"),
        ("ushort", "<u2"),
        ("i", "<i4"), ("uintc", "<u4"), ("int", "<i8"), ("<l", "<i8"), ("q", "<i8"), ("P", "<u8"), ("int_", "<i8"),
        ("uint", "<u8"), ("int64", "<i8"), ("uint8", "|u1"),
    ])
    func readsTheNamesThatNumPyReads(descr: String, expected: String) throws {
        #expect(ElementType(descr: descr) == ElementType(descr: expected))
        #expect(ElementType(descr: descr)?.descr == expected)
    }

    @Test(arguments: [
        "<float32", "=single", "<bfloat16", "Float32", "F", "float_", "f16", "g", " f4", "f4 ", "", "<", "S4", "O",
        "U1",
    ])
    func readsNoNameThatNumPyDoesNot(descr: String) {
        #expect(ElementType(descr: descr) == nil)
    }

    @Test(arguments: chunkSizes) func refusesAnotherMagic(size: Int) {
        let zip = Array("PK\u{3}\u{4}too long".utf8)
        #expect(throws: TestFailure.codec(.npyMagic(found: Array(zip.prefix(6))))) { try decode(zip, by: size) }
        #expect(throws: TestFailure.codec(.npyMagic(found: [0x50]))) { try decode([0x50], by: size) }
    }

    @Test func refusesAnUnknownVersion() {
        let start = [0x93] + Array("NUMPY".utf8)
        #expect(fault(start + [4, 0]) == .codec(.npyVersion(4, 0)))
        #expect(fault(start + [1, 1]) == .codec(.npyVersion(1, 1)))
    }

    @Test func refusesALongHeaderBeforeItComes() {
        let start = [0x93] + Array("NUMPY".utf8) + [2, 0]
        #expect(fault(start + [1, 0, 1, 0]) == .codec(.npyHeaderTooLong(65537, limit: 65536)))
        #expect(fault(start + [0xFF, 0xFF, 0xFF, 0xFF]) == .codec(.npyHeaderTooLong(0xFFFF_FFFF, limit: 65536)))
    }

    @Test(arguments: ["<V2", "bfloat16"]) func readsBfloat16(descr: String) throws {
        let found = try decode(file(descr: "'\(descr)'", shape: "(3,)") + [0, 0x3F, 0x80, 0x3F, 0, 0xC0])
        #expect(found.layout?.elementType == ElementType(.bfloat16))
        #expect(found.values == [0.5, 1, -2])
    }

    /// NumPy writes so for bytes of no type, which bfloat16 become if they are loaded without a word on their meaning.
    @Test func refusesTwoBytesOfNoType() throws {
        #expect(throws: TestFailure.codec(.twoBytes(descr: "|V2"))) { try decode(fixture("two_bytes.npy")) }
        for descr in ["V2", "=V2"] {
            #expect(fault(file(descr: "'\(descr)'", shape: "(3,)")) == .codec(.twoBytes(descr: descr)))
        }
    }

    @Test(arguments: [
        ("text", "<U1"), ("object", "|O"), ("fields", "[('a', '<f4'), ('b', '<i8')]"),
    ])
    func refusesOtherElementTypes(name: String, descr: String) throws {
        #expect(throws: TestFailure.codec(.npyElementType(descr: descr))) { try decode(fixture("\(name).npy")) }
    }

    @Test(arguments: ["", "<", "<g", "<f3", "<c8", "f16", "<<f4", "|V4", "<M8[ns]"])
    func refusesTypesThatNoArrayComesIn(descr: String) {
        #expect(fault(file(descr: "'\(descr)'", shape: "(3,)")) == .codec(.npyElementType(descr: descr)))
    }

    @Test func refusesAShapeWhoseProductOverflows() {
        let huge = 1 << 40
        #expect(
            fault(file(shape: "(\(huge), \(huge))")) == .codec(.shape(.tooLarge(shape: [huge, huge]))))
        #expect(
            fault(file(shape: "(0, \(huge), \(huge))")) == .codec(.shape(.tooLarge(shape: [0, huge, huge]))))
        #expect(
            fault(file(descr: "'<f8'", shape: "(\(Int.max),)")) == .codec(.shape(.tooLarge(shape: [Int.max]))))
        #expect(
            fault(file(shape: "(9223372036854775808,)")) == .codec(.npyHeader(.extentTooLarge, position: 51)))
    }

    @Test func refusesNegativeExtents() {
        #expect(fault(file(shape: "(2, -1)")) == .codec(.shape(.negativeExtent(shape: [2, -1]))))
    }

    @Test func refusesAnArrayBeyondTheLimitBeforeItBegins() throws {
        let whole = try fixture("float32.npy")
        #expect(throws: TestFailure.codec(.tooLarge(limit: 23))) {
            try decode(whole, limit: 23, refusal: .refused("begun"))
        }
        #expect(try decode(whole, limit: 24).values.count == 6)
    }

    @Test func refusesMoreDimensionsThanNumPyHas() throws {
        let ones = { (count: Int) in "(" + String(repeating: "1,", count: count) + ")" }
        #expect(try decode(file(shape: ones(64)) + [5]).values == [5])
        #expect(fault(file(shape: ones(65))) == .codec(.npyHeader(.tooManyDimensions(limit: 64), position: 179)))
    }

    @Test(arguments: [
        "", " ", "{", "{}x", "{'descr'", "{'descr':", "{'descr': '<f4", "{'descr': '<f4' 'shape': (1,)}",
        "{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': false, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [3]}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2**3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)},",
        "{,'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4',, 'fortran_order': False, 'shape': (1,)}",
        "__import__('os')",
    ])
    func refusesHeadersThatAreNotSuchADict(text: String) throws {
        guard case .codec(.npyHeader(.syntax, let position)) = fault(file(text)) else {
            Issue.record("Not a syntax fault.")
            return
        }
        #expect((0...text.utf8.count).contains(position))
    }

    @Test func refusesWrongKeys() {
        let rest = "'fortran_order': False, 'shape': (1,)"
        #expect(fault(file("{\(rest)}")) == .codec(.npyHeader(.missingKey("descr"), position: 39)))
        #expect(fault(file("{'descr': '<f4'}")) == .codec(.npyHeader(.missingKey("fortran_order"), position: 16)))
        #expect(
            fault(file("{\(rest), 'order': 'C'}")) == .codec(.npyHeader(.unknownKey("order"), position: 40)))
        #expect(
            fault(file("{\(rest), 'shape': (2,)}")) == .codec(.npyHeader(.repeatedKey("shape"), position: 40)))
    }

    @Test func passesOnWhatTheReceiverThrows() throws {
        let whole = try fixture("float32.npy")
        #expect(throws: TestFailure.refused("no")) { try decode(whole, refusal: .refused("no")) }
    }

    @Test func survivesAnyMutation() throws {
        var generator = SeededGenerator(state: 1)
        let whole = try fixture("version2.npy")
        var refusals = 0
        for round in 0..<3000 {
            // The collector checks what arrives of those that are accepted.
            do {
                _ = try decode(whole.mutated(by: &generator), by: chunkSizes[round % chunkSizes.count])
            } catch {
                refusals += 1
            }
        }
        #expect(refusals > 1000)
    }
}

@Suite struct NpyEncoderTests {
    @Test(arguments: [[], [0], [7], [2, 3], Array(repeating: 3, count: 20)], [TensorLayout.Order.c, .fortran])
    func writesHeadersThatAreReadBack(shape: [Int], order: TensorLayout.Order) throws {
        for scalar in ElementType.Scalar.allCases {
            for isByteSwapped in [false, true] {
                let type = ElementType(scalar, isByteSwapped: isByteSwapped)
                let layout = try TensorLayout(elementType: type, shape: shape, order: order)
                let header = NpyEncoder.header(for: layout)
                #expect(header.count % 64 == 0)
                let collector = TensorCollector()
                var decoder = NpyDecoder(receiver: collector, byteLimit: .max)
                try push(header) { (bytes) throws(TestFailure) in try decoder.decode(bytes) }
                #expect(collector.layout == layout)
            }
        }
    }

    /// NumPy's own padding leaves room for the first extent to grow, which makes no difference to these.
    @Test(arguments: ["float32", "bool", "uint64"])
    func writesTheBytesThatNumPyWrites(name: String) throws {
        let scalar = try #require(ElementType.Scalar(rawValue: name))
        let layout = try TensorLayout(elementType: ElementType(scalar), shape: [2, 3])
        let header = NpyEncoder.header(for: layout)
        #expect(try header == Array(fixture("\(name).npy").prefix(header.count)))
    }
}

import Memory
import Testing

@testable import Codecs

@Suite struct SafetensorsDecoderTests {
    private static let limit = 1 << 20

    /// Takes some of the tensors, or all.
    private final class Tensors: TensorReceiver {
        private let wanted: (String) -> Bool
        private(set) var names: [String]?
        private(set) var arrays: [String: TensorCollector] = [:]

        init(_ wanted: @escaping (String) -> Bool) {
            self.wanted = wanted
        }

        func begin(_ names: [String]) throws(TestFailure) -> [String: any ArrayReceiver<TestFailure>] {
            #expect(self.names == nil)
            self.names = names
            for name in names where wanted(name) { arrays[name] = TensorCollector() }
            return arrays
        }
    }

    private func decode(
        _ file: [UInt8], by size: Int = 1 << 30, limit: Int = SafetensorsDecoderTests.limit,
        wanted: @escaping (String) -> Bool = { _ in true }
    ) throws(TestFailure) -> Tensors {
        let tensors = Tensors(wanted)
        var decoder = SafetensorsDecoder(receiver: tensors, byteLimit: limit)
        try push(file, by: size) { (bytes) throws(TestFailure) in try decoder.decode(bytes) }
        try decoder.finish()
        let haveEnded = tensors.arrays.values.allSatisfy(\.hasEnded)
        #expect(haveEnded)
        return tensors
    }

    private func file(_ header: String, _ elements: [UInt8] = []) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(integers: UInt64(header.utf8.count))
        return bytes + Array(header.utf8) + elements
    }

    private func tensor(
        _ name: String = "a", _ dtype: String = "U8", shape: String = "[3]", offsets: String = "[0,3]"
    ) -> String {
        #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    private func fault(_ header: String, _ elements: [UInt8] = [1, 2, 3]) -> TestFailure? {
        #expect(throws: TestFailure.self) { try decode(file(header, elements)) }
    }

    private func fault(_ fault: SafetensorsFault, at position: Int) -> TestFailure {
        .codec(.safetensorsHeader(fault, position: position))
    }

    /// What the Python package `safetensors` writes.
    @Test(arguments: chunkSizes) func readsEveryScalarInTheOrderOfTheElements(size: Int) throws {
        let whole = try fixture("scalars.safetensors")
        #expect(SafetensorsHeaderReader.begins(Array(whole.prefix(9))))
        let found = try decode(whole, by: size)
        #expect(Set(found.names ?? []) == Set(ElementType.Scalar.allCases.map(\.rawValue)))
        let sizes = found.names?.compactMap { ElementType.Scalar(rawValue: $0)?.byteCount } ?? []
        #expect(sizes == sizes.sorted(by: >))
        for scalar in ElementType.Scalar.allCases {
            let array = try #require(found.arrays[scalar.rawValue])
            #expect(array.layout == (try TensorLayout(elementType: ElementType(scalar), shape: [2, 3])))
            #expect(array.values == (scalar == .bool ? [0, 1, 1, 1, 1, 1] : [0, 1, 2, 3, 4, 5]))
            let offset = try #require(array.offset)
            #expect(Array(whole[offset..<offset + array.bytes.count]) == array.bytes)
        }
    }

    @Test(arguments: chunkSizes) func passesOverWhatIsNotWanted(size: Int) throws {
        let header =
            "{\(tensor("x", "F8_E4M3", shape: "[2]", offsets: "[0,2]")),\(tensor("y", offsets: "[2,5]")),"
            + "\(tensor("z", "of another world", shape: "[7,7]", offsets: "[5,6]"))}"
        let found = try decode(file(header, [1, 2, 3, 4, 5, 6]), by: size) { $0 == "y" }
        #expect(found.names == ["x", "y", "z"])
        #expect(found.arrays["y"]?.bytes == [3, 4, 5])
        #expect(throws: TestFailure.codec(.tensorElementType(name: "x", dtype: "F8_E4M3"))) {
            try decode(file(header, [1, 2, 3, 4, 5, 6]), by: size) { $0 == "x" }
        }
    }

    @Test(arguments: chunkSizes) func readsTensorsWithoutElementsAndScalars(size: Int) throws {
        let header =
            "{\(tensor("last", shape: "[0]", offsets: "[1,1]")),\(tensor("one", shape: "[]", offsets: "[0,1]")),"
            + "\(tensor("first", shape: "[2,0]", offsets: "[0,0]"))}"
        let found = try decode(file(header, [9]), by: size)
        #expect(found.names == ["first", "one", "last"])
        #expect(found.arrays["first"]?.layout?.shape == [2, 0])
        #expect(found.arrays["one"]?.layout?.shape == [])
        #expect(found.arrays["one"]?.bytes == [9])
        #expect(try decode(file("{}"), by: size).names == [])
    }

    @Test func readsTextsAsJSONWritesThem() throws {
        let header = """
            {"__metadata__" : {"a": "b", "{": "\\\\ \\" \\/ \\b\\f\\n\\r\\t"}, "\\u00e9\\ud83d\\ude00\\u0041ü":
            {\t"shape" : [ 3 ] , "data_offsets":[0 ,3],"dtype":"\\u00558"} }  \n
            """
        #expect(try decode(file(header, [1, 2, 3])).names == ["é😀Aü"])
    }

    @Test(arguments: [
        "", "[]", " {}", "{", "}", "{]", "{,}", "{} {}", "nul", #"{"a"}"#, #"{"a":}"#, #"{"a":1}"#, #"{"a":null}"#,
        #"{"a":[]}"#, #"{"__metadata__":{"a":1}}"#, #"{"__metadata__":{"a":{}}}"#, #"{"__metadata__":[]}"#,
        #"{"\x":{}}"#, #"{"\u12g4":{}}"#, #"{"\ud800":{}}"#, #"{"\ud800\u0041":{}}"#, #"{"\udc00":{}}"#,
        #"{"a"#, "{\"\n\":{}}",
    ])
    func refusesOtherTexts(header: String) {
        guard case .codec(.safetensorsHeader(.syntax, _))? = fault(header) else {
            Issue.record("\(header): \(String(describing: fault(header)))")
            return
        }
    }

    @Test(arguments: ["[01]", "[1.0]", "[1e0]", "[-1]", "[+1]", "[ ]3", "[1,]", "[,1]", "[[1]]", "3", "[true]", "[1"])
    func refusesOtherShapes(shape: String) {
        guard case .codec(.safetensorsHeader(.syntax, _))? = fault("{\(tensor(shape: shape))}") else {
            Issue.record("\(shape)")
            return
        }
    }

    /// A parser that calls itself for each bracket would run out of stack.
    @Test(arguments: ["[", #"{"a":"#]) func refusesWhatIsDeepAtItsFirstBracket(opening: String) {
        let depth = SafetensorsHeaderReader.textLimit / opening.utf8.count - 8
        #expect(fault("{\"a\":" + String(repeating: opening, count: depth)) != nil)
        #expect(fault("{\(tensor(shape: String(repeating: "[", count: 60_000)))}") == fault(.syntax, at: 28))
    }

    @Test func namesTheKeyThatIsWrong() {
        #expect(fault("{\(tensor()),\(tensor())}") == fault(.repeatedKey("a"), at: 53))
        #expect(fault(#"{"a":{"dtype":"U8","dtype":"U8"}}"#) == fault(.repeatedKey("dtype"), at: 19))
        #expect(fault(#"{"\u0061":{"dtype":"U8"},"a":{}}"#) == fault(.missingKey("shape"), at: 1))
        #expect(fault(#"{"__metadata__":{"a":"","a":""}}"#) == fault(.repeatedKey("a"), at: 24))
        #expect(fault(#"{"a":{"type":"U8"}}"#) == fault(.unknownKey("type"), at: 6))
        #expect(fault(#"{"a":{"shape":[3],"data_offsets":[0,3]}}"#) == fault(.missingKey("dtype"), at: 1))
        #expect(fault(#"{"a":{"dtype":"U8","data_offsets":[0,3]}}"#) == fault(.missingKey("shape"), at: 1))
        #expect(fault(#"{"a":{"dtype":"U8","shape":[3]}}"#) == fault(.missingKey("data_offsets"), at: 1))
        for offsets in ["[]", "[0]", "[3,0]", "[0,3,3]"] {
            #expect(fault("{\(tensor(offsets: offsets))}") == fault(.offsets, at: 1))
        }
        #expect(fault("{\(tensor(shape: "[9223372036854775808]"))}") == fault(.numberTooLarge, at: 28))
        #expect(fault("{\(tensor(offsets: "[0,99999999999999999999]"))}") == fault(.numberTooLarge, at: 49))
    }

    @Test func refusesTextThatIsNotUTF8() {
        var bytes = file("{\(tensor("?"))}", [1, 2, 3])
        bytes[10] = 0xFF
        #expect(throws: TestFailure.codec(.safetensorsHeader(.utf8, position: 0))) { try decode(bytes) }
    }

    @Test func refusesOverlapsGapsAndSizesThatAreWrong() {
        let second = tensor("b", offsets: "[2,5]")
        #expect(fault("{\(tensor()),\(second)}") == .codec(.tensorPlace(name: "b", expected: 3, actual: 2)))
        let gap = tensor("b", offsets: "[4,7]")
        #expect(fault("{\(tensor()),\(gap)}") == .codec(.tensorPlace(name: "b", expected: 3, actual: 4)))
        #expect(fault("{\(tensor(offsets: "[1,4]"))}") == .codec(.tensorPlace(name: "a", expected: 0, actual: 1)))
        let same = tensor("b", offsets: "[0,3]")
        #expect(fault("{\(tensor()),\(same)}") == .codec(.tensorPlace(name: "b", expected: 3, actual: 0)))
        #expect(fault("{\(tensor("a", "F32"))}") == .codec(.tensorSize(name: "a", expected: 12, actual: 3)))
        #expect(fault("{\(tensor(shape: "[2]"))}") == .codec(.tensorSize(name: "a", expected: 2, actual: 3)))
    }

    @Test func refusesSizesWhoseProductOverflows() {
        let huge = 1 << 40
        #expect(
            fault("{\(tensor(shape: "[\(huge),\(huge)]"))}") == .codec(.shape(.tooLarge(shape: [huge, huge]))))
        #expect(
            fault("{\(tensor(shape: "[0,\(huge),\(huge)]", offsets: "[0,0]"))}")
                == .codec(.shape(.tooLarge(shape: [0, huge, huge]))))
        let longest = "{\(tensor(shape: "[\(Int.max)]", offsets: "[0,\(Int.max)]"))}"
        #expect(fault(longest) == .codec(.tooLarge(limit: .max)))
        let long = Int.max - 4096
        #expect(
            fault("{\(tensor(shape: "[\(long)]", offsets: "[0,\(long)]"))}") == .codec(.tooLarge(limit: Self.limit)))
    }

    @Test func refusesFilesOverTheLimitBeforeTheyCome() throws {
        let whole = file("{\(tensor())}", [1, 2, 3])
        #expect(try decode(whole, limit: whole.count).arrays["a"]?.bytes == [1, 2, 3])
        #expect(throws: TestFailure.codec(.tooLarge(limit: whole.count - 1))) {
            try decode(Array(whole.dropLast(3)), limit: whole.count - 1)
        }
    }

    @Test func refusesALongHeaderBeforeItComes() {
        for length in [65_537, UInt64(100_000_000), .max] {
            var bytes: [UInt8] = []
            bytes.append(integers: length)
            #expect(throws: TestFailure.codec(.safetensorsHeaderTooLong(length, limit: 65_536))) {
                try decode(bytes)
            }
        }
    }

    @Test(arguments: chunkSizes) func saysWhereAFileEnds(size: Int) {
        let whole = file("{\(tensor())}", [1, 2, 3])
        let headerCount = whole.count - 3
        for count in 0..<whole.count {
            let expected: CodecError =
                count < 8
                ? .truncated(expected: 8, actual: count)
                : count < headerCount
                    ? .truncated(expected: headerCount, actual: count)
                    : .tensorTruncated(name: "a", expected: 3, actual: count - headerCount)
            #expect(throws: TestFailure.codec(expected)) { try decode(Array(whole.prefix(count)), by: size) }
        }
        #expect(throws: TestFailure.codec(.trailingBytes)) { try decode(whole + [0], by: size) }
    }

    @Test func neverTrapsOnDamagedFiles() throws {
        var generator = SeededGenerator(state: 15)
        let small = file("{\(tensor("é")),\(tensor("b", offsets: "[3,6]"))}", [1, 2, 3, 4, 5, 6])
        let seeds = [try fixture("scalars.safetensors"), small]
        for seed in seeds {
            for _ in 0..<2000 {
                let damaged = seed.mutated(by: &generator)
                let whole = Result { () throws(TestFailure) in try decode(damaged).arrays.mapValues(\.bytes) }
                let pieces = Result { () throws(TestFailure) in try decode(damaged, by: 7).arrays.mapValues(\.bytes) }
                #expect(whole == pieces)
            }
        }
    }

    @Test func tellsItsFilesFromOthers() throws {
        for name in ["float32.npy", "stored.npz", "empty.npz", "members.gz"] {
            let beginning = Array(try fixture(name).prefix(9))
            #expect(!SafetensorsHeaderReader.begins(beginning))
        }
        for text in ["{\"labels\":[", "        {", "--a-line-between", "", "PK\u{3}\u{4}"] {
            #expect(!SafetensorsHeaderReader.begins(Array(text.utf8.prefix(9))))
        }
        // A header of 80 bytes begins as an archive does, and one of 32 as JSON may.
        for first in [UInt8(ascii: "P"), UInt8(ascii: " ")] {
            #expect(SafetensorsHeaderReader.begins([first, 0, 0, 0, 0, 0, 0, 0, UInt8(ascii: "{")]))
        }
    }
}

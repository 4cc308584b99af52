import Codecs
import Memory
import Testing

/// Keeps the members; those named `a` and `b` are arrays.
private final class MemberCollector: JSONReceiver {
    private(set) var order: [String] = []
    private(set) var scalars: [String: JSONScalar] = [:]
    private(set) var arrays: [String: TensorCollector] = [:]

    func receiver(forArray name: String) throws(TestFailure) -> (any ArrayReceiver<TestFailure>)? {
        guard name == "a" || name == "b" else { return nil }
        order.append(name)
        let collector = TensorCollector()
        arrays[name] = collector
        return collector
    }

    func member(_ name: String, _ value: JSONScalar) throws(TestFailure) {
        if name == "refused" { throw .refused(name) }
        // What becomes of the arrays may depend on what stands behind them.
        #expect(arrays.values.allSatisfy { $0.layout == nil })
        order.append(name)
        scalars[name] = value
    }
}

@Suite struct JSONTextTests {
    private func decode(_ text: [UInt8], by size: Int = 1 << 30) throws -> MemberCollector {
        let json = JSONText(byteLimit: 1 << 20)
        try push(text, by: size) { (bytes) throws(CodecError) in try json.append(bytes) }
        let members = MemberCollector()
        try json.decode(into: members)
        for array in members.arrays.values { #expect(array.hasEnded) }
        return members
    }

    private func decode(_ text: String, by size: Int = 1 << 30) throws -> MemberCollector {
        try decode(Array(text.utf8), by: size)
    }

    private func error(_ text: String) -> CodecError? {
        guard case .codec(let error) = #expect(throws: TestFailure.self, performing: { try decode(text) }) else {
            return nil
        }
        return error
    }

    @Test(arguments: chunkSizes) func readsArraysAndScalarsInOrder(size: Int) throws {
        let members = try decode(
            #"""
            {"method": "soft\u006din", "b": [[1, 2.5, -3e-2], [true, false, 0]], "t": 1e-1, "big": 9007199254740993,
             "yes": true, "none": null, "include": ["image_scores", "issues"], "nothing": [], "a": [1]}
            """#, by: size)
        #expect(members.order == ["method", "b", "t", "big", "yes", "none", "include", "nothing", "a"])
        #expect(members.scalars["method"] == .string("softmin"))
        #expect(members.scalars["t"] == .number(0.1, text: "1e-1"))
        #expect(members.scalars["big"] == .number(9_007_199_254_740_992, text: "9007199254740993"))
        #expect(members.scalars["yes"] == .bool(true))
        #expect(members.scalars["none"] == .null)
        #expect(members.scalars["include"] == .strings(["image_scores", "issues"]))
        #expect(members.scalars["nothing"] == .strings([]))
        #expect(members.arrays["b"]?.layout == (try TensorLayout(elementType: ElementType(.float64), shape: [2, 3])))
        #expect(members.arrays["b"]?.values == [1, 2.5, -0.03, 1, 0, 0])
        #expect(members.arrays["a"]?.values == [1])
    }

    @Test(arguments: [
        ("[]", [0]), ("[[]]", [1, 0]), ("[[],[]]", [2, 0]), ("[[[1]],[[2]]]", [2, 1, 1]),
        ("[[[[[[[[1,2]]]]]]]]", [1, 1, 1, 1, 1, 1, 1, 2]), (" [ 1 , 2 ] ", [2]),
    ])
    func findsTheShape(text: String, shape: [Int]) throws {
        #expect(try decode("{\"a\":\(text)}").arrays["a"]?.layout?.shape == shape)
    }

    @Test func readsManyNumbersExactly() throws {
        var generator = SeededGenerator(state: 3)
        let values = (0..<5000).map { _ in Double.random(in: 0...1, using: &generator) }
        #expect(try decode("{\"a\":\(values)}", by: 64).arrays["a"]?.values == values)
    }

    @Test func readsNamesWithEscapes() throws {
        #expect(try decode(#"{"\u0061": [4]}"#).arrays["a"]?.values == [4])
    }

    @Test func passesOverAByteOrderMark() throws {
        #expect(try decode("\u{FEFF}{\"a\":[4]}").arrays["a"]?.values == [4])
    }

    @Test(arguments: ["{}", " {} ", "{\"a\":[]}\n"]) func acceptsSpaceAround(text: String) throws {
        #expect(try decode(text).scalars.isEmpty)
    }

    @Test(arguments: [
        ("[[1,2],[3]]", [1], 2, 1), ("[[1],[2,3,4]]", [1], 1, 3), ("[[],[1]]", [1], 0, 1),
        ("[[[1],[2]],[[3]]]", [1], 2, 1),
        ("[[[1,2]],[[3]]]", [1, 0], 2, 1), ("[[1],[]]", [1], 1, 0),
    ])
    func saysWhereListsAreRagged(text: String, path: [Int], expected: Int, actual: Int) {
        #expect(
            error("{\"a\":\(text)}")
                == .jsonRagged(name: "a", path: path, expected: expected, actual: actual))
    }

    @Test(arguments: [
        ("[1,[2]]", [1]), ("[[1],2]", [1]), ("[[[1]],[2]]", [1, 0]), ("[[1,[2]]]", [0, 1]),
    ])
    func saysWhereTheDepthChanges(text: String, path: [Int]) {
        #expect(error("{\"a\":\(text)}") == .jsonMixedDepth(name: "a", path: path))
    }

    @Test(arguments: [("[null]", [0]), ("[[1,\"2\"]]", [0, 1]), ("[[{}]]", [0, 0])])
    func saysWhereThereIsNoNumber(text: String, path: [Int]) {
        #expect(error("{\"a\":\(text)}") == .jsonNotANumber(name: "a", path: path))
    }

    /// RFC 8259, section 6: numbers that are not sequences of digits, as Infinity and NaN, are not permitted.
    @Test(arguments: ["NaN", "Infinity", "-Infinity"]) func refusesNumbersThatJSONDoesNotHave(text: String) {
        for (json, expected) in [
            ("{\"a\":[[0],[\(text)]]}", [1, 0]), ("{\"a\":\(text)}", []), ("{\"t\":\(text)}", []),
        ] {
            guard case .jsonNotFinite(let name, let path, _) = error(json) else {
                Issue.record("\(json): \(String(describing: error(json)))")
                continue
            }
            #expect(name == (json.hasPrefix("{\"t") ? "t" : "a"))
            #expect(path == expected)
        }
    }

    @Test func readsAnObjectOfStringsWhereAnArrayMayBe() throws {
        let members = try decode(#"{"a": {"file": "x\u002f\"y", "z": ""}, "b": [1], "a2": {}, "t": {"q": "r"}}"#)
        #expect(members.scalars["a"] == .object(["file": "x/\"y", "z": ""]))
        #expect(members.scalars["a2"] == .object([:]))
        #expect(members.scalars["t"] == .object(["q": "r"]))
        #expect(members.arrays["b"]?.values == [1])
    }

    @Test(arguments: [#"{"x": 1}"#, #"{"x": "y", "z": {"q": "r"}}"#, #"{"x": ["y"]}"#])
    func keepsTheTextOfOtherObjects(text: String) throws {
        let members = try decode("{\"a\": \(text), \"b\": [1]}")
        #expect(members.scalars["a"] == .members(text))
        #expect(members.arrays["b"]?.values == [1])
    }

    @Test func readsAFewNumbersAndNoMore() throws {
        for count in [1, 2, 1024, 1025] {
            let texts = (0..<count).map { $0 % 2 == 0 ? "\(-$0)" : "\($0).50" }
            let members = try decode("{\"n\": [ \(texts.joined(separator: " , ")) ], \"t\": 2}")
            #expect(members.scalars["n"] == (count > 1024 ? .other : .numbers(texts)))
            #expect(members.scalars["t"] == .number(2, text: "2"))
        }
    }

    @Test func readsTheTextOfAShortObject() throws {
        for extra in [-1, 0, 1] {
            let text = "{\"x\": \(String(repeating: " ", count: (1 << 16) - 8 + extra))1}"
            let members = try decode("{\"a\": \(text) , \"t\": 2}")
            #expect(members.scalars["a"] == (extra > 0 ? .other : .members(text)))
            #expect(members.scalars["t"] == .number(2, text: "2"))
        }
    }

    @Test func refusesAnObjectThatRepeatsItself() {
        #expect(error(#"{"a": {"x": "1", "x": "2"}}"#) == .jsonRepeated(name: "x"))
    }

    @Test(arguments: ["1", "\"x\"", "null", "true"]) func refusesAnArrayThatIsNoList(text: String) {
        #expect(error("{\"a\":\(text)}") == .jsonNotAList(name: "a"))
    }

    @Test func refusesTooManyLevels() {
        let list = { (depth: Int) in
            String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
        }
        #expect(error("{\"a\":\(list(9))}") == .jsonTooDeep(name: "a", limit: 8))
        #expect(throws: TestFailure.self) { try decode("{\"a\":\(String(repeating: "[", count: 100_000))") }
        #expect(throws: TestFailure.self) { try decode("{\"a\":\(list(100_000))}") }
    }

    @Test func refusesARepeatedMember() {
        #expect(error(#"{"a":[1],"t":1,"a":[2]}"#) == .jsonRepeated(name: "a"))
        #expect(error(#"{"t":1,"\u0074":1}"#) == .jsonRepeated(name: "t"))
    }

    @Test(arguments: ["[1]", "1", "\"x\"", "null", "x"]) func refusesWhatIsNoObject(text: String) {
        #expect(error(text) == .json(.notAnObject, position: nil))
    }

    @Test func refusesAnEmptyText() {
        #expect(error("") == .json(.empty, position: nil))
        #expect(error("  \n") == .json(.empty, position: nil))
    }

    @Test func refusesEveryPrefixOfAText() throws {
        let text = Array(#"{"a": [[1, 2], [3, 4]], "t": 0.25, "s": "xé", "l": ["p", "q"], "o": {"x": [1]}}"#.utf8)
        #expect(throws: Never.self) { try decode(text) }
        for count in 0..<text.count {
            #expect(throws: TestFailure.self, "\(count) bytes") { try decode(Array(text[..<count])) }
        }
    }

    @Test(arguments: [
        "{\"a\":[1]}{}", "{\"a\":[1]}]", "{\"a\":[1]},", "{\"a\":[1]} x", "{\"t\":1}}", "{}{}", "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1 2]}", "{\"a\":[1}}", "{\"a\" [1]}", "{a:[1]}", "{\"a\":[1] \"b\":[1]}", "{\"a\":[01]}",
        "{\"a\":[1.]}",
        "{\"a\":[.5]}", "{\"a\":[+1]}", "{\"a\":[-]}", "{\"a\":[1e]}", "{\"a\":[1e999]}", "{\"a\":[0x1]}",
        "{\"a\":[tru]}",
        "{\"t\":nul}", "{\"t\":nullx}", "{\"t\":truee}", "{\"t\":1x}", "{\"t\":\"\\q\"}", "{\"t\":\"\\ud800\"}",
        "{\"t\":\"a\nb\"}", "{\"t\":'x'}", "{\"t\":}", "{\"t\"}", "{,}", "{\"t\":1,}", "{\"l\":[\"x\" \"y\"]}",
        "{\"l\":[\"x\",]}",
    ])
    func refusesWhatIsNoJSON(text: String) {
        guard case .json(let fault, let position) = error(text) else {
            Issue.record("\(text): \(String(describing: error(text)))")
            return
        }
        #expect(fault != .empty && fault != .notAnObject)
        if let position { #expect((0...text.utf8.count).contains(position)) }
    }

    @Test func refusesInvalidUTF8() {
        for invalid: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] {
            let text = Array("{\"s\":\"".utf8) + invalid + Array("\"}".utf8)
            #expect(throws: TestFailure.codec(.json(.utf8, position: nil))) { try decode(text) }
        }
    }

    @Test func saysWhereTheMistakeIs() {
        #expect(error(#"{"a":[1, 2, 0x3]}"#) == .json(.number, position: 12))
    }

    @Test func marksMembersThatAreNeither() throws {
        let members = try decode(#"{"o": {"x": [1, {}]}, "l": [1], "m": ["x", 1], "t": 2}"#)
        #expect(members.scalars["o"] == .members(#"{"x": [1, {}]}"#))
        #expect(members.scalars["l"] == .numbers(["1"]))
        #expect(members.scalars["m"] == .other)
        #expect(members.scalars["t"] == .number(2, text: "2"))
    }

    @Test func passesOnWhatTheReceiverThrows() {
        #expect(throws: TestFailure.refused("refused")) { try decode(#"{"refused": 1}"#) }
    }

    @Test(arguments: chunkSizes) func refusesATextBeyondTheLimit(size: Int) throws {
        let json = JSONText(byteLimit: 10)
        try push(Array("{\"a\":[12]}".utf8), by: size) { (bytes) throws(CodecError) in try json.append(bytes) }
        #expect(throws: CodecError.tooLarge(limit: 10)) { try json.append([UInt8(ascii: " ")].span) }
    }

    @Test func survivesAnyMutation() throws {
        var generator = SeededGenerator(state: 4)
        let whole = Array(
            #"{"a": [[1, 2.5], [-3e4, true]], "t": 0.25, "s": "x\u00e9\n", "l": ["p", "q"], "b": [], "o": {}}"#.utf8)
        var refusals = 0
        for _ in 0..<20_000 {
            do {
                _ = try decode(whole.mutated(by: &generator))
            } catch {
                refusals += 1
            }
        }
        #expect(refusals > 5000)
    }
}

import Foundation
import HTTPTypes
import Testing

@testable import WebService

@Suite struct JSONWriterTests {
    private static func text(_ body: (inout JSONWriter.Members) -> Void) -> String {
        var writer = JSONWriter()
        writer.object(body)
        return String(decoding: writer.text, as: UTF8.self)
    }

    @Test func keepsTheOrderOfMembers() {
        let text = Self.text { members in
            members.string("z", "1")
            members.integer("a", .min)
            members.object("o") { _ in }
            members.array("l", of: [1, 2]) { $0.integer("i", $1) }
            members.array("e", of: [Int]()) { $0.integer("i", $1) }
        }
        #expect(text == #"{"z":"1","a":-9223372036854775808,"o":{},"l":[{"i":1},{"i":2}],"e":[]}"#)
    }

    @Test(arguments: [1, 2, 7, 8192])
    func writesManyStringsAsFew(count: Int) {
        let strings = (0..<count).map { $0 == 1 ? "a\"\\\u{1}" : "name \($0)" }
        var few = JSONWriter()
        few.object { $0.strings("names", strings) }
        var many = JSONWriter()
        many.object { $0.manyStrings("names", strings) }
        var (pieces, text) = (many.pieces, [UInt8]())
        while let piece = pieces.next() { text += piece }
        #expect(text == few.text)
        var list = JSONWriter()
        list.strings(strings)
        #expect(few.text == Array("{\"names\":".utf8) + list.text + Array("}".utf8))
    }

    @Test func writesNull() {
        let text = Self.text { members in
            members.string("s", nil)
            members.integer("i", nil)
            members.number("n", nil)
            members.number("nan", .nan)
            members.number("inf", -.infinity)
        }
        #expect(text == #"{"s":null,"i":null,"n":null,"nan":null,"inf":null}"#)
    }

    @Test(arguments: [0, -0.0, 0.1, 1e-5, 1e16, 1e22, 1e-300, .greatestFiniteMagnitude, -1 / 3.0])
    func writesNumbersThatReadBackTheSame(value: Double) throws {
        let text = Self.text { $0.number("n", value) }
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Double]
        #expect(object?["n"] == value)
    }

    @Test(arguments: ["", "a\"b\\c/d", "\u{0}\u{1}\u{8}\t\n\u{B}\u{C}\r\u{1F}\u{7F}", "é€😀\u{2028}e\u{301}"])
    func escapesWhatAStringCannotHold(value: String) throws {
        let text = Self.text { $0.string(value, value) }
        #expect(text.utf8.allSatisfy { $0 >= 0x20 })
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]
        #expect(object == [value: value])
    }
}

import HTTPTypes
import Testing

@testable import WebService

@Suite struct ParametersTests {
    @Test(arguments: [
        ("/score", nil), ("/score?", nil), ("/score?&&", nil), ("/score?a", ""), ("/score?a=", ""), ("/score?a=1", "1"),
        ("/score?b=2&a=1", "1"), ("/score?a=1=2", "1=2"), ("/score?a=x+y", "x y"), ("/score?a=x%2By%20z", "x+y z"),
        ("/score?%61=%26%3D%C3%A9", "&=é"), ("/score?a=1?b", "1?b"), ("/score?a=%00", "\0"),
    ])
    func decodesAQuery(target: String, expected: String?) throws {
        #expect(try Parameters(target: target, known: ["a", "b"]).string("a") == expected)
    }

    @Test(arguments: [
        ("?a=1&a=1", "repeated-parameter"), ("?a&a", "repeated-parameter"), ("?c=1", "unknown-parameter"),
        ("?=1", "unknown-parameter"), ("?A=1", "unknown-parameter"), ("?a=%FF", "invalid-parameter"),
        ("?%FF=1", "invalid-parameter"), ("?a=%", "invalid-parameter"), ("?a=%4", "invalid-parameter"),
        ("?a=%zz", "invalid-parameter"),
    ])
    func refusesAQueryThatSaysNothingCertain(query: String, slug: String) throws {
        let problem = try #require(throws: Problem.self) { try Parameters(target: query, known: ["a"]) }
        #expect(problem.type.rawValue == slug)
        #expect(problem.status == .badRequest)
    }

    @Test func refusesAValueInASecondPlace() throws {
        var parameters = try Parameters(target: "/?a=1", known: ["a"])
        let problem = try #require(throws: Problem.self) { try parameters.set("a", "1") }
        #expect(problem.type == .repeatedParameter)
        #expect(problem.parameter == "a")
    }

    @Test(arguments: ["", " 1", "1 ", "one", "nan", "inf", "-inf", "1e999", "1,5", "½"])
    func refusesWhatIsNoNumber(text: String) throws {
        var parameters = Parameters(known: ["a"])
        try parameters.set("a", text)
        #expect(throws: Problem.self) { try parameters.number("a", expected: "a number") { _ in true } }
        #expect(throws: Problem.self) { try parameters.integer("a", in: Int.min...Int.max) }
    }

    @Test(arguments: [("255.0", 255), ("-1.0", -1), ("9007199254740992.0", 1 << 53), ("-0.0", 0)])
    func takesAWholeNumberThatIsWrittenWithAPoint(text: String, expected: Int) throws {
        var parameters = Parameters(known: ["a"])
        try parameters.set("a", text)
        #expect(try parameters.integer("a", in: Int.min...Int.max) == expected)
    }

    @Test(arguments: ["1.5", "1e2", "1e-1", "9223372036854775808", "1e16", "0x10", "0x1p4"])
    func refusesWhatIsNoWholeNumber(
        text: String
    ) throws {
        var parameters = Parameters(known: ["a"])
        try parameters.set("a", text)
        #expect(throws: Problem.self) { try parameters.integer("a", in: Int.min...Int.max) }
    }
}

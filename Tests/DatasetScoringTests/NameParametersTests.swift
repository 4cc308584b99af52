import HTTPTypes
import Scoring
import Testing

@testable import DatasetScoring
@testable import WebService

@Suite struct NameParametersTests {
    private static func parameters(_ values: [String: String]) throws -> ScoreParameters {
        try ScoreParameters(Parameters(scoring: values))
    }

    @Test(arguments: [
        ("road", ["road"]), ("road, car ,tree", ["road", "car", "tree"]),
        ("[\"road\", \"car, parked\"]", ["road", "car, parked"]),
        ("[\" \\u00e9\\u200f\", \"\\\"\"]", [" é\u{200F}", "\""]), ("a], [b", ["a]", "[b"]),
    ])
    func readsNamesOfClasses(text: String, names: [String]) throws {
        #expect(try Self.parameters(["class_names": text]).names.classes?.all == names)
    }

    @Test(arguments: ["a", "deep/er/a.b", "..a/b..", "Straße", "...", "a b"])
    func takesNamesOfImagesThatAreRelativePaths(name: String) throws {
        #expect(try Self.parameters(["names": name]).names.images?.all == [name])
    }

    @Test(arguments: [
        "", "a,", "a,a", "[]", "[\"\"]", "[\" \"]", "[1]", "[\"a\"", "[\"a\\u0000\"]", "[\"a\\nb\"]", "[\"\\u0085\"]",
        "[\"a\\u2028b\"]", "[\"\\ud800\"]",
    ])
    func refusesListsAndNames(text: String) throws {
        for parameter in ["class_names", "names"] {
            let problem = try #require(throws: Problem.self) { try Self.parameters([parameter: text]) }
            #expect((problem.type, problem.status) == (.invalidParameter, .badRequest))
            #expect(problem.parameter == parameter)
        }
    }

    @Test(arguments: ["/a", "a/", "a//b", "..", "a/../b", ".", "./a", "a\\b", "..\\a"])
    func refusesNamesOfImagesThatLeadElsewhere(name: String) throws {
        #expect(throws: Problem.self) { try Self.parameters(["names": name]) }
        // They are good for classes, which name no files.
        #expect(try Self.parameters(["class_names": name]).names.classes?.all == [name])
    }

    @Test func hasLimitsForNames() throws {
        let (class256, class257) = (String(repeating: "é", count: 128), String(repeating: "é", count: 128) + "a")
        #expect(try Self.parameters(["class_names": class256]).names.classes?.all == [class256])
        #expect(throws: Problem.self) { try Self.parameters(["class_names": class257]) }
        let image = String(repeating: "a", count: 1024)
        #expect(try Self.parameters(["names": image]).names.images?.all == [image])
        #expect(throws: Problem.self) { try Self.parameters(["names": image + "a"]) }
        let most = (0..<65_535).map { "\($0)" }.joined(separator: ",")
        #expect(try Self.parameters(["class_names": most]).names.classes?.all.count == 65_535)
        #expect(throws: Problem.self) { try Self.parameters(["class_names": most + ",x"]) }
        let large = (0..<4097).map { String(repeating: "a", count: 250) + "\(100_000 + $0)" }
        #expect(throws: Problem.self) { try Self.parameters(["class_names": large.joined(separator: ",")]) }
        #expect(try Self.parameters(["names": large.joined(separator: ",")]).names.images?.all.count == 4097)
    }

    @Test func areReadAgainAsTheyWere() throws {
        let parameters = try Self.parameters([
            "class_names": "[\"a, b\", \"\\\"\", \"é\"]", "names": "deep/a,b",
        ])
        #expect(try ScoreParameters(parameters.named) == parameters)
        #expect(parameters.names.classes?.all == ["a, b", "\"", "é"])
    }

    @Test func haveToBeOneForEachClassAndImage() throws {
        let shape = try ScoringShape(labels: LabelShape([2, 1, 1]), classCount: 3)
        try Self.parameters(["class_names": "a,b,c", "names": "a,b"]).check(shape)
        for (values, parameter, counts) in [
            (["class_names": "a,b"], "class_names", ("3", "2")), (["names": "a,b,c"], "names", ("2", "3")),
        ] {
            let problem = try #require(throws: Problem.self) { try Self.parameters(values).check(shape) }
            #expect((problem.status, problem.parameter) == (.badRequest, parameter))
            #expect(
                problem.expected?.hasPrefix(counts.0 + " ") == true && problem.actual?.hasPrefix(counts.1 + " ") == true
            )
        }
    }
}

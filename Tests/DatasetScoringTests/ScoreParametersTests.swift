import HTTPTypes
import Testing

@testable import DatasetScoring
@testable import WebService

@Suite struct ScoreParametersTests {
    private static func parameters(_ query: String) throws -> ScoreParameters {
        try ScoreParameters(try Parameters(target: "/score?" + query, known: ScoreParameters.names))
    }

    @Test func hasTheDefaultsOfTheContract() throws {
        let parameters = try Self.parameters("")
        #expect(parameters.method == .softmin)
        #expect(parameters.temperature == 0.1)
        #expect(parameters.threshold == nil)
        #expect(parameters.labels.ignored.isEmpty)
        #expect(parameters.labels.rule == nil)
        #expect(parameters.include == nil)
    }

    @Test(arguments: [
        "method=softmin", "temperature=1e-300", "temperature=1.7976931348623157e308", "downsample=1", "threshold=0",
        "threshold=1", "threshold=-0.0", "ignore_label=-9223372036854775808", "ignore_label=9223372036854775807",
        "include=image_scores", "include=issues,pixel_scores,%20image_scores", "read=labelled", "read=all",
        "ignore_label=255,-1", "ignore_label=255.0,%20-1", "label_offset=-2147483647", "label_offset=2147483647",
        "label_map=cityscapes", "label_map=ade20k", "label_map=%7B%22-1%22:65534%7D", "reduce_zero_label=true",
        "reduce_zero_label=true&label_offset=0", "reduce_zero_label=false&label_map=cityscapes",
    ])
    func takesTheEndsOfEachRange(query: String) throws {
        #expect(throws: Never.self) { try Self.parameters(query) }
    }

    @Test(arguments: [
        "method=", "method=Softmin", "temperature=0", "temperature=-1", "temperature=nan", "temperature=inf",
        "temperature=1e999", "temperature=1e-999", "downsample=0", "downsample=-1", "downsample=2147483648",
        "threshold=-1e-300", "threshold=1.0000000000000002", "threshold=nan", "ignore_label=-9223372036854775809",
        "ignore_label=9223372036854775808", "ignore_label=1.5", "include=", "include=scores", "include=issues,",
        "include=issues,issues", "read=", "read=none", "ignore_label=", "ignore_label=255,", "ignore_label=1,1.5",
        "label_offset=2147483648", "label_offset=0.5", "reduce_zero_label=1", "reduce_zero_label=", "label_map=",
        "label_map=ADE20K", "label_map=255",
    ])
    func refusesWhatIsBeyond(query: String) throws {
        let problem = try #require(throws: Problem.self) { try Self.parameters(query) }
        #expect(problem.type == .invalidParameter)
        #expect(problem.status == .badRequest)
        #expect(problem.parameter == String(query.prefix { $0 != "=" }))
    }

    @Test(arguments: ["downsample=2", "include=label_issues", "method=softmin&downsample=2"])
    func refusesWhatOnlyTheOtherMethodHas(query: String) throws {
        let parameters = try Self.parameters(query)
        let problem = try #require(throws: Problem.self) { try parameters.check() }
        #expect((problem.status, problem.type) == (.badRequest, ProblemType.invalidParameter))
        try Self.parameters("method=num_pixel_issues&" + query.replacing("method=softmin&", with: "")).check()
    }

    @Test(
        arguments: [
            ("", .json, [.imageScores]), ("threshold=1", .json, [.imageScores]),
            ("", .npz, [.imageScores, .pixelScores]),
            ("threshold=1", .npz, [.imageScores, .pixelScores, .issues]),
            ("method=num_pixel_issues", .npz, [.imageScores, .pixelScores, .labelIssues]),
            ("method=num_pixel_issues", .json, [.imageScores]),
            ("include=pixel_scores", .npy, [.pixelScores]),
            ("include=issues,image_scores&threshold=0", .json, [.imageScores, .issues]),
        ] as [(String, MediaType, [ScoreParameters.Array])])
    func includesWhatWasAskedForOrWhatTheFormIsFor(
        query: String, form: MediaType, expected: [ScoreParameters.Array]
    ) throws {
        #expect(try Self.parameters(query).included(in: form) == expected)
    }

    @Test(
        arguments: [
            ("include=issues", .json), ("", .npy), ("include=image_scores,pixel_scores", .npy),
            ("include=issues", .npy),
        ] as [(String, MediaType)])
    func refusesAnIncludeThatTheFormCannotHold(query: String, form: MediaType) throws {
        let parameters = try Self.parameters(query)
        let problem = try #require(throws: Problem.self) { try parameters.included(in: form) }
        #expect(problem.parameter == "include")
    }

    @Test(arguments: [
        "", "method=num_pixel_issues&downsample=2147483647", "temperature=1e-300",
        "temperature=1.7976931348623157e308", "temperature=0.30000000000000004", "threshold=-0.0", "threshold=5e-324",
        "threshold=1", "ignore_label=-9223372036854775808", "ignore_label=9223372036854775807", "ignore_label=%2B7",
        "ignore_label=255,-1,255.0", "label_offset=-1", "label_offset=0", "reduce_zero_label=true",
        "label_map=cityscapes&ignore_label=255", "label_map=%7B%227%22:%200,%20%22-1%22:null,%20%228%22:-3%7D",
        "include=image_scores", "include=issues,pixel_scores,%20image_scores&threshold=0.1",
        "method=num_pixel_issues&include=label_issues",
    ])
    func areTheSameAfterTheyWereWrittenDown(query: String) throws {
        let parameters = try Self.parameters(query)
        #expect(try ScoreParameters(try Parameters(scoring: parameters.values)) == parameters)
        #expect(try ScoreParameters(parameters.named) == parameters)
    }
}

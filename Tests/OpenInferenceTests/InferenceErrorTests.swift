import Foundation
import HTTPTypes
import Jobs
import ServiceHarness
import ServiceInterface
import Testing
import TestSupport

@testable import OpenInference
import ScoringService
@testable import WebService

/// `POST /v2/models/segscore/infer`: what is refused, with which words.
@Suite struct InferenceErrorTests {
    private let sample = Sample()

    private func expectRefusal(
        _ body: Body, _ fields: HTTPFields = [:], _ status: Int = 400, _ problem: String, _ words: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for chunk in [nil, 1] {
            let harness = try Harness()
            let reply = await harness.infer(body, fields, chunk: chunk)
            #expect(reply.status == status, "\(reply.text)", sourceLocation: sourceLocation)
            #expect(reply.problem == problem, "\(reply.text)", sourceLocation: sourceLocation)
            let json = try reply.json()
            #expect(json["error"] as? String == json["detail"] as? String, sourceLocation: sourceLocation)
            #expect(json["status"] as? Int == status, sourceLocation: sourceLocation)
            #expect(words.isEmpty || reply.text.contains(words), "\(reply.text)", sourceLocation: sourceLocation)
            #expect(harness.jobCount == 0 && harness.spoolFileCount == 0, sourceLocation: sourceLocation)
        }
    }

    private func changed(_ change: (inout InferenceTensor, inout InferenceTensor) -> Void) -> Body {
        var (labels, probabilities) = (sample.labelsTensor, sample.probabilitiesTensor)
        change(&labels, &probabilities)
        return inferenceBody([labels, probabilities])
    }

    @Test func namesShapesAndTypes() async throws {
        try await expectRefusal(inferenceBody([sample.labelsTensor]), "missing-array", "pred_probs")
        try await expectRefusal(inferenceBody([]), "missing-array", "labels")
        try await expectRefusal(
            inferenceBody([sample.labelsTensor, sample.labelsTensor, sample.probabilitiesTensor]), "repeated-array")
        try await expectRefusal(
            changed { labels, _ in labels.name = "masks" }, "unexpected-array", "labels, pred_probs")
        for datatype in ["FP32", "BF16", "BYTES", "int64", ""] {
            try await expectRefusal(
                changed { labels, _ in labels.datatype = datatype }, "unsupported-element-type", "BOOL, UINT8")
        }
        for datatype in ["INT32", "BOOL", "BYTES", "FP8"] {
            try await expectRefusal(
                changed { _, probabilities in probabilities.datatype = datatype }, "unsupported-element-type",
                "FP16, BF16, FP32, FP64")
        }
        try await expectRefusal(changed { labels, _ in labels.shape = [2, 6] }, "shape-mismatch", "(N, H, W)")
        try await expectRefusal(changed { labels, _ in labels.shape = [2, 3, 2] }, "shape-mismatch")
        try await expectRefusal(changed { labels, _ in labels.shape = [3, 2, 3] }, "shape-mismatch", "144 bytes")
        try await expectRefusal(changed { labels, _ in labels.shape = [-2, 2, -3] }, "malformed-body", "negative")
        try await expectRefusal(
            changed { labels, _ in labels.shape = [1 << 30, 1 << 30, 1 << 30] }, 413, "too-many-pixels")
        try await expectRefusal(
            changed { labels, _ in (labels.shape, labels.bytes) = ([0, 2, 3], []) }, "empty-array")
    }

    private func expectRefusal(
        _ body: Body, _ status: Int, _ problem: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await expectRefusal(body, [:], status, problem, sourceLocation: sourceLocation)
    }

    private func expectRefusal(
        _ body: Body, _ problem: String, _ words: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await expectRefusal(body, [:], 400, problem, words, sourceLocation: sourceLocation)
    }

    @Test func values() async throws {
        var wrong = sample
        wrong.labels[4] = 3
        try await expectRefusal(wrong.inference(), "label-out-of-range", "labels[0, 1, 1] is 3")
        wrong = sample
        wrong.probabilities[1] = 1.5
        try await expectRefusal(wrong.inference(), "probability-out-of-range", "logits")
    }

    @Test func parametersAndOutputs() async throws {
        func body(_ members: String) -> Body { sample.inference("," + members) }
        try await expectRefusal(body(#""parameters":{"treshold":1}"#), "unknown-parameter", "threshold")
        try await expectRefusal(body(#""parameters":{"include":"issues"}"#), "unknown-parameter")
        try await expectRefusal(body(#""parameters":{"threshold":2}"#), "invalid-parameter", "from 0 to 1")
        try await expectRefusal(body(#""parameters":{"threshold":[1]}"#), "invalid-parameter")
        try await expectRefusal(
            body(#""parameters":{"binary_data_output":"yes"}"#), "invalid-parameter", "true or false")
        try await expectRefusal(body(#""parameters":{"downsample":2}"#), "invalid-parameter", "num_pixel_issues")
        try await expectRefusal(
            body(#""parameters":{"method":"num_pixel_issues","downsample":5}"#), "downsample-does-not-divide")
        try await expectRefusal(body(#""outputs":[{"name":"masks"}]"#), "unknown-output", "image_scores, pixel_scores")
        for name in ["issues", "label_issues"] {
            try await expectRefusal(body(#""outputs":[{"name":"\#(name)"}]"#), "unknown-output", "with a threshold")
        }
        try await expectRefusal(body(#""outputs":[{"name":"issues"},{"name":"issues"}]"#), "repeated-parameter")
        try await expectRefusal(
            body(#""outputs":[{"name":"image_scores","parameters":{"classification":3}}]"#), "invalid-parameter",
            "no classification")
        try await expectRefusal(
            body(#""outputs":[{"name":"image_scores","parameters":{"binary_data":1}}]"#), "invalid-parameter")
        try await expectRefusal(
            body(
                #""outputs":[{"name":"image_scores","parameters":{"shared_memory_region":"a","shared_memory_byte_size":9}}]"#
            ),
            "shared-memory-off", "--allow-shared-memory")
        let query = await (try Harness()).infer(sample.inference(), at: "/v2/models/segscore/infer?threshold=1")
        #expect(query.status == 400 && query.problem == "unknown-parameter")
    }

    @Test func whereTheElementsAre() async throws {
        try await expectRefusal(changed { labels, _ in labels.parameters = "" }, "malformed-body", "binary_data_size")
        try await expectRefusal(
            changed { labels, _ in
                labels.data = "[]"; labels.parameters = #""binary_data_size":96"#
            }, "malformed-body",
            "say once")
        try await expectRefusal(
            changed { labels, _ in labels.parameters = #""binary_data_size":95"# }, "shape-mismatch", "96 bytes")
        try await expectRefusal(
            changed { labels, _ in labels.parameters = #""binary_data_size":-1"# }, "invalid-parameter")
        try await expectRefusal(
            changed { labels, _ in labels.parameters = #""binary_data_size":"96""# }, "invalid-parameter")
        var body = sample.inference()
        body.bytes.removeLast()
        try await expectRefusal(body, "malformed-body", "not as large")
        try await expectRefusal(body, [.transferEncoding: "chunked"], 400, "malformed-body", "ends early")
        body = sample.inference()
        body.bytes.append(0)
        try await expectRefusal(body, "malformed-body", "not as large")
    }

    @Test func theSizeOfTheJSON() async throws {
        let body = sample.inference()
        for (text, problem, words) in [
            ("0", "invalid-header", "raw"), ("-1", "invalid-header", "size of the JSON"), ("", "invalid-header", ""),
            ("1e2", "invalid-header", ""), ("+9", "invalid-header", ""), ("999999", "invalid-header", "larger than"),
            ("99999999999999999999999", "invalid-header", ""), ("10", "malformed-body", "syntax"),
        ] {
            try await expectRefusal(body, [.inferenceHeaderLength: text], 400, problem, words)
        }
        try await expectRefusal(body, [.inferenceHeaderLength: "1048577"], 400, "invalid-header", "larger than")
        try await expectRefusal(
            body, [.inferenceHeaderLength: "1048577", .transferEncoding: "chunked"], 400, "invalid-header",
            "data as bytes")
        var short = body
        short.bytes = Array(body.bytes.prefix(20))
        try await expectRefusal(short, [.transferEncoding: "chunked"], 400, "malformed-body", "ends early")
    }

    @Test func aSizeOfTheJSONThatWasLostIsNamed() async throws {
        let tensors = [sample.labelsTensor, sample.probabilitiesTensor]
        for isReversed in [false, true] {
            var body = inferenceBody(isReversed ? tensors.reversed() : tensors)
            body.fields = [:]
            try await expectRefusal(body, "invalid-header", "Inference-Header-Content-Length")
            // Nothing that could be taken for the elements came at all.
            body.bytes = Array(body.bytes.prefix { $0 != 0 })
            while body.bytes.last != UInt8(ascii: "}") { body.bytes.removeLast() }
            try await expectRefusal(body, "invalid-header", "Inference-Header-Content-Length")
        }
        let data = InferenceTensor(
            name: "labels", datatype: "INT64", shape: [2, 2, 3], data: sample.labels.description)
        var mixed = inferenceBody([data, sample.probabilitiesTensor])
        mixed.fields = [:]
        try await expectRefusal(mixed, "invalid-header", "Inference-Header-Content-Length")

        // What is longer than JSON may be is so for the same reason.
        let harness = try Harness(maxJSONBytes: 400)
        let reply = await harness.infer(Body(bytes: sample.inference().bytes))
        #expect(reply.status == 400 && reply.problem == "invalid-header", "\(reply.text)")
    }

    @Test func whatIsNullIsNotThereAndWhatIsOfOtherServersIsPassedOver() async throws {
        for members in [
            #","id":null,"outputs":null,"parameters":null"#,
            #","parameters":{"threshold":null,"content_type":"np","temperature":0.1,"headers":{}}"#,
            #","outputs":[{"name":"image_scores","parameters":null},{"name":"pixel_scores","parameters":{"content_type":"np"}}]"#,
        ] {
            var (labels, probabilities) = (sample.labelsTensor, sample.probabilitiesTensor)
            labels.parameters = #""binary_data_size":96,"content_type":"np","shared_memory_region":null"#
            probabilities.data = sample.probabilities.description
            probabilities.parameters = #""content_type":"np""#
            let reply = await (try Harness()).infer(inferenceBody([labels, probabilities], members))
            #expect(reply.status == 200, "\(reply.text)")
        }
        let text = #"{"name":"labels","shape":[1,1,1],"datatype":"INT8","parameters":null,"data":[0]}"#
        let other = #"{"name":"pred_probs","shape":[1,1,1,1],"datatype":"FP32","parameters":null,"data":[1.0000001]}"#
        let reply = await (try Harness()).infer(Body(bytes: Array(#"{"inputs":[\#(text),\#(other)]}"#.utf8)))
        #expect(reply.status == 200 && reply.text.contains(#""clamped":1"#), "\(reply.text)")
    }

    @Test func anInputOfNoElementsBehindTheJSONHasEnded() async throws {
        let labels = InferenceTensor(name: "labels", datatype: "UINT8", shape: [1, 1, 2], bytes: [9, 9])
        let none = InferenceTensor(name: "pred_probs", datatype: "FP32", shape: [0, 1, 2])
        let members = #","parameters":{"classes":2,"ignore_label":9}"#
        let reply = await (try Harness()).infer(inferenceBody([labels, none], members))
        #expect(reply.status == 200, "\(reply.text)")
    }

    @Test(arguments: [
        (#"{"inputs":[{"name":"labels","shape":[1,1,1],"datatype":"INT8","data":[NaN]}]}"#, "NaN"),
        (#"{"inputs":[{"name":"labels","shape":[1,1,1],"datatype":"INT8","data":[-Infinity]}]}"#, "NaN"),
        (#"{"inputs":[{"name":"N\"N","#, "syntax"), ("[]", "another type"), ("{", "syntax"),
        ("{}", "inputs: this is missing"),
        ("nonsense", "syntax"), (#"{"inputs":{}}"#, "inputs: this is of another type"), ("", "empty"),
        (#"{"inputs":[{"name":"labels"}]}"#, "inputs[0].datatype"), (#"{"id":7,"inputs":[]}"#, "id: this is"),
        (#"{"inputs":[],"outputs":7}"#, "outputs"), (#"{"inputs":[],"parameters":[]}"#, "parameters"),
        (#"{"inputs":[{"name":"labels","shape":[1,1.5],"datatype":"INT8","data":[1]}]}"#, "number does not fit"),
        (#"{"inputs":[{"name":"labels","shape":[1,1,1],"datatype":"INT8","data":[300]}]}"#, "INT8 holds"),
        (
            #"{"inputs":[{"name":"labels","shape":[1,1,1],"datatype":"INT8","data":[0.5]}]}"#,
            "element 0 of a list is 0.5"
        ),
        (#"{"inputs":[{"name":"labels","shape":[1,1,1],"datatype":"INT8","data":[true]}]}"#, "inputs[0].data[0]"),
        (#"{"inputs":[{"name":"labels","shape":[1,1,1],"datatype":"BOOL","data":[1]}]}"#, "inputs[0].data[0]"),
        (#"{"inputs":[{"name":"labels","shape":[1,1,2],"datatype":"INT8","data":[[1],2]}]}"#, "another type"),
        (#"{"inputs":[{"name":"labels","shape":[1],"datatype":"INT8","data":[[[[[[[[[1]]]]]]]]]}]}"#, "too deep"),
    ])
    func theJSON(text: String, words: String) async throws {
        try await expectRefusal(Body(bytes: Array(text.utf8)), "malformed-body", words)
    }

    @Test func dataThatAreNotAsManyAsTheShapeSays() async throws {
        for data in ["[1,0]", "[1,0,1,0]", "[]"] {
            let labels = InferenceTensor(name: "labels", datatype: "UINT8", shape: [1, 1, 3], data: data)
            try await expectRefusal(
                inferenceBody([labels, sample.probabilitiesTensor]), "shape-mismatch", "3 elements")
        }
    }

    @Test func deepNesting() async throws {
        let lists = String(repeating: "[", count: 100_000)
        let text = #"{"inputs":[{"name":"labels","shape":[1],"datatype":"INT8","data":"# + lists
        try await expectRefusal(Body(bytes: Array(text.utf8)), "malformed-body", "syntax")
    }

    @Test func bodiesThatAreTooLargeOrNotThere() async throws {
        let harness = try Harness(maxJSONBytes: 200)
        let text = #"{"id":"\#(String(repeating: "x", count: 300))"}"#
        let reply = await harness.infer(Body(bytes: Array(text.utf8)))
        #expect(reply.status == 413 && reply.problem == "body-too-large")
        #expect(try reply.json()["error"] as? String != nil)
        let none = await harness.send(.post, "/v2/models/segscore/infer")
        #expect(none.status == 411 && none.problem == "length-required")
        let coded = await harness.infer(sample.inference(), [.contentEncoding: "br"])
        #expect(coded.status == 415 && coded.fields[.acceptEncoding] == "gzip, deflate")
    }

    @Test(arguments: [
        ("/v2/models/other", "unknown-model"), ("/v2/models/segscore/versions/2", "unknown-model"),
        ("/v2/models/", "unknown-model"), ("/v2/models/other/ready", "unknown-model"), ("/v2/nothing", "not-found"),
        ("/v2/systemsharedmemory/status", "shared-memory-off"),
        ("/v2/systemsharedmemory/region/a/status", "shared-memory-off"),
    ])
    func whatIsNotThere(target: String, problem: String) async throws {
        let reply = await (try Harness()).get(target)
        #expect(reply.status == 404 && reply.problem == problem && reply.wasRefused)
        #expect(try reply.json()["error"] as? String == reply.json()["detail"] as? String)
    }

    @Test func everyAnswerUnderTheProtocolHasAnErrorAndNoOther() async throws {
        let harness = try Harness()
        #expect(try await harness.send(.delete, "/v2").json()["error"] as? String == "DELETE is not answered here.")
        #expect(try await harness.get("/nothing").json()["error"] == nil)
        #expect(try await harness.get("/v20").json()["error"] == nil)
        let keys = try KeyRing(lines: "a-key-of-some-length\n".utf8)
        let keyed = try Harness(access: AccessControl(keys: keys))
        let reply = await keyed.get("/v2/models/segscore")
        #expect(reply.status == 401)
        #expect(try reply.json()["error"] as? String == "This needs a key, and the request has none.")
        #expect(await keyed.get("/v2/health/live").status == 200)
    }

    @Test func aBodyThatIsAbandonedLeavesNothing() async throws {
        let harness = try Harness()
        let body = sample.inference()
        let reception = harness.open(
            .post, "/v2/models/segscore/infer", body.fields, bodyCount: body.bytes.count)
        guard case .receive(let sink) = reception.decision else { throw Unexpected(description: "refused") }
        sink.push(Array(body.bytes.prefix(body.bytes.count / 2)))
        #expect(harness.jobCount == 1)
        sink.abandon()
        #expect(harness.jobCount == 0)
    }
}

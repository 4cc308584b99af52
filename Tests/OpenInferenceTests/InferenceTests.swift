import Foundation
import HTTPTypes
import Jobs
import ServiceHarness
import Testing
import TestSupport

@testable import OpenInference
import ScoringService
import WebService

/// `POST /v2/models/segscore/infer`: what is answered.
@Suite struct InferenceTests {
    private let sample = Sample(images: 3, classes: 3, height: 4, width: 5)
    private static let allBinary = #","parameters":{"binary_data_output":true}"#

    /// The answer of a service of its own.
    private func answer(_ body: Body, chunk: Int? = nil) async throws -> Reply {
        await (try Harness()).infer(body, chunk: chunk)
    }

    private func expectScores(_ reply: InferenceReply, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try reply.elements("pixel_scores") == sample.pixelScores(), sourceLocation: sourceLocation)
        let scores: [Double] = try reply.elements("image_scores")
        #expect(
            zip(scores, sample.imageScores()).allSatisfy { abs($0 - $1) < 1e-14 }, "\(scores)",
            sourceLocation: sourceLocation)
        #expect(scores.count == sample.images, sourceLocation: sourceLocation)
    }

    @Test(arguments: [nil, 1, 7, 100]) func scoresWhatStandsBehindTheJSON(chunk: Int?) async throws {
        let harness = try Harness()
        for body in [
            sample.inference(Self.allBinary),
            inferenceBody([sample.probabilitiesTensor, sample.labelsTensor], Self.allBinary),
        ] {
            let reply = await harness.infer(body, chunk: chunk)
            #expect(reply.fields[.contentType] == "application/octet-stream")
            try expectScores(try InferenceReply(reply))
        }
        #expect(harness.spoolFileCount == 0)
    }

    @Test func isAJobLikeAnyOther() async throws {
        let harness = try Harness()
        let reply = await harness.infer(sample.inference(#","id":"seven","parameters":{"threshold":0.25}"#))
        let answer = try InferenceReply(reply)
        let location = try reply.location()
        #expect(answer.json["model_name"] as? String == "segscore")
        #expect(answer.json["model_version"] as? String == "1")
        #expect(answer.json["id"] as? String == "seven")
        let job = (answer.json["parameters"] as? [String: Any])?["job"] as? String
        #expect(location == "/jobs/" + (job ?? ""))
        let document = try await harness.get(location).json()
        #expect(document["status"] as? String == "succeeded")
        #expect((document["parameters"] as? [String: Any])?["threshold"] as? Double == 0.25)
    }

    @Test func answersJSONWithElementsInARow() async throws {
        let reply = try await answer(sample.inference(#","parameters":{"threshold":0.5}"#))
        #expect(reply.fields[.contentType] == "application/json")
        #expect(reply.fields[.inferenceHeaderLength] == nil)
        let answer = try InferenceReply(reply)
        #expect(answer.json["id"] == nil)
        #expect(answer.names == ["image_scores", "pixel_scores", "issues"])
        let pixels = try answer.output("pixel_scores")
        #expect(pixels["datatype"] as? String == "FP32")
        #expect(pixels["shape"] as? [Int] == [3, 4, 5])
        #expect(pixels["data"] as? [Double] == sample.pixelScores().map(Double.init))
        let issues = try answer.output("issues")
        #expect(issues["datatype"] as? String == "BOOL")
        #expect(issues["data"] as? [Bool] == sample.pixelScores().map { $0 < 0.5 })
    }

    @Test func answersWhatIsNamedInItsOrderAndPlace() async throws {
        let members = #"""
            ,"parameters":{"method":"num_pixel_issues","threshold":0.5,"binary_data_output":true},
            "outputs":[{"name":"label_issues"},{"name":"image_scores","parameters":{"binary_data":false}},{"name":"issues"}]
            """#
        let answer = try InferenceReply(await answer(sample.inference(members)))
        #expect(answer.names == ["label_issues", "image_scores", "issues"])
        let issues: [Bool] = try answer.elements("issues")
        #expect(issues == sample.pixelScores().map { $0 < 0.5 })
        let labelIssues: [Bool] = try answer.elements("label_issues")
        let byScore = try await Harness().score(
            try sample.npz(), query: "?method=num_pixel_issues&include=label_issues")
        let lists = try byScore.json()["label_issues"] as? [[[Bool]]]
        #expect(labelIssues == lists?.flatMap { $0 }.flatMap { $0 })
        let scores = try answer.output("image_scores")
        #expect((scores["data"] as? [Double])?.count == 3 && scores["parameters"] == nil)
    }

    @Test func takesLabelsOfEveryType() async throws {
        func tensor<Value: FixedWidthInteger & BitwiseCopyable>(_ datatype: String, _: Value.Type) -> InferenceTensor {
            var tensor = sample.labelsTensor
            tensor.datatype = datatype
            tensor.bytes = bytes(sample.labels.map { Value($0) })
            return tensor
        }
        for labels in [
            tensor("UINT8", UInt8.self), tensor("UINT16", UInt16.self), tensor("UINT32", UInt32.self),
            tensor("UINT64", UInt64.self), tensor("INT8", Int8.self), tensor("INT16", Int16.self),
            tensor("INT32", Int32.self), tensor("INT64", Int64.self),
        ] {
            let body = inferenceBody([labels, sample.probabilitiesTensor], Self.allBinary)
            try expectScores(try InferenceReply(await answer(body)))
        }
        var booleans = Sample(classes: 2)
        booleans.labels = booleans.labels.map { $0 % 2 }
        var labels = booleans.labelsTensor
        (labels.datatype, labels.bytes) = ("BOOL", booleans.labels.map(UInt8.init))
        let body = inferenceBody([labels, booleans.probabilitiesTensor], Self.allBinary)
        #expect(
            try InferenceReply(await answer(body)).elements("pixel_scores") == booleans.pixelScores())
    }

    /// The sample's 64ths are the same numbers in all of them.
    @Test(arguments: [nil, 1, 3]) func takesProbabilitiesOfEveryType(chunk: Int?) async throws {
        var tensor = sample.probabilitiesTensor
        (tensor.datatype, tensor.bytes) = ("FP16", bytes(sample.probabilities.map { Float16($0) }))
        try expectScores(
            try InferenceReply(
                await answer(inferenceBody([sample.labelsTensor, tensor], Self.allBinary), chunk: chunk)))
        let upperHalves = sample.probabilities.map { UInt16($0.bitPattern >> 16) }
        (tensor.datatype, tensor.bytes) = ("BF16", bytes(upperHalves))
        for tensors in [[sample.labelsTensor, tensor], [tensor, sample.labelsTensor]] {
            try expectScores(
                try InferenceReply(await answer(inferenceBody(tensors, Self.allBinary), chunk: chunk)))
        }
        (tensor.datatype, tensor.bytes) = ("FP64", bytes(sample.probabilities.map(Double.init)))
        let answer = try InferenceReply(
            await answer(inferenceBody([sample.labelsTensor, tensor], Self.allBinary), chunk: chunk))
        #expect(try answer.output("pixel_scores")["datatype"] as? String == "FP64")
        #expect(try answer.elements("pixel_scores") == sample.pixelScores().map(Double.init))
    }

    @Test func takesElementsInTheJSONInARowOrNested() async throws {
        var (labels, probabilities) = (sample.labelsTensor, sample.probabilitiesTensor)
        for isNested in [false, true] {
            labels.data = isNested ? nested(sample.labels, labels.shape) : "\(sample.labels)"
            probabilities.data =
                isNested ? nested(sample.probabilities, probabilities.shape) : "\(sample.probabilities)"
            for datatype in ["FP16", "BF16", "FP32"] {
                probabilities.datatype = datatype
                for tensors in [
                    [labels, probabilities], [probabilities, labels], [sample.labelsTensor, probabilities],
                    [labels, sample.probabilitiesTensor], [sample.probabilitiesTensor, labels],
                ] {
                    let body = inferenceBody(tensors, Self.allBinary)
                    try expectScores(try InferenceReply(await answer(body)))
                }
            }
        }
    }

    @Test(arguments: [
        ("BOOL", "[true,false]"), ("UINT8", "[1,0]"), ("INT8", "[1,0]"), ("UINT16", "[[1],[0]]"), ("INT16", "[1.0,0]"),
        ("UINT32", "[1,0]"), ("INT32", "[1,0]"), ("UINT64", "[1,0]"), ("INT64", "[[[1,0]]]"),
    ])
    func takesLabelsOfEveryTypeInTheJSON(datatype: String, data: String) async throws {
        let body = inferenceBody([
            InferenceTensor(name: "labels", datatype: datatype, shape: [1, 1, 2], data: data),
            InferenceTensor(name: "pred_probs", datatype: "FP64", shape: [1, 2, 1, 2], data: "[0.1,0.2,0.3,0.4]"),
        ])
        let answer = try InferenceReply(await answer(body))
        #expect(try answer.output("pixel_scores")["data"] as? [Double] == [0.3, 0.2])
    }

    @Test func passesOverParametersOfTheProtocol() async throws {
        let members = #"""
            ,"parameters":{"sequence_id":7,"sequence_start":true,"sequence_end":false,"priority":1,"timeout":1000,
            "triton_enable_empty_final_response":false,"ignore_label":255,"temperature":0.5,"downsample":1},"outputs":[]
            """#
        let answer = try InferenceReply(await answer(sample.inference(members)))
        let scores = try answer.output("image_scores")["data"] as? [Double]
        #expect(zip(try #require(scores), sample.imageScores(temperature: 0.5)).allSatisfy { abs($0 - $1) < 1e-14 })
    }

    @Test func tellsOfItselfWhatClientsAsk() async throws {
        let harness = try Harness()
        #expect(await harness.get("/v2/health/live").text == #"{"live":true}"#)
        #expect(await harness.get("/v2/health/ready").text == #"{"ready":true}"#)
        #expect(await harness.get("/v2/models/segscore/ready").text == #"{"name":"segscore","ready":true}"#)
        let server = try await harness.get("/v2").json()
        #expect(server["version"] as? String == Service.version)
        #expect(server["extensions"] as? [String] == ["binary_tensor_data", "model_configuration", "statistics"])
        let model = try await harness.get("/v2/models/segscore/versions/1").json()
        #expect(model["versions"] as? [String] == ["1"])
        #expect((model["inputs"] as? [[String: Any]])?.map { $0["name"] as? String } == ["labels", "pred_probs"])
        let configuration = try await harness.get("/v2/models/segscore/config").json()
        #expect(configuration["max_batch_size"] as? Int == 0)
        #expect((configuration["output"] as? [[String: Any]])?.count == 4)
        let index = await harness.send(.post, "/v2/repository/index", body: Array(#"{"ready":true}"#.utf8))
        #expect(index.text == #"[{"name":"segscore","version":"1","state":"READY","reason":""}]"#)
    }

    @Test func countsWhatEnded() async throws {
        let harness = try Harness()
        for _ in 0..<2 { #expect(await harness.infer(sample.inference()).status == 200) }
        // What is wrong with labels is seen when all is in, by the job.
        var wrong = sample
        wrong.labels[5] = 9
        #expect(await harness.infer(wrong.inference()).status == 400)
        let stats = try await harness.get("/v2/models/stats").json()["model_stats"] as? [[String: Any]]
        let model = try #require(stats?.first)
        #expect(model["inference_count"] as? Int == 2 && model["execution_count"] as? Int == 2)
        #expect(model["last_inference"] as? Int ?? 0 > 1_700_000_000_000)
        let parts = try #require(model["inference_stats"] as? [String: [String: Int]])
        #expect(
            parts.mapValues { $0["count"] } == [
                "success": 2, "fail": 1, "queue": 3, "compute_infer": 3, "compute_input": 0, "compute_output": 0,
                "cache_hit": 0, "cache_miss": 0,
            ])
        #expect(parts["success"]?["ns"] ?? 0 > 0)
    }

    @Test func isNotReadyWhereNoJobWouldBeTaken() async throws {
        let harness = try Harness(backlog: 1)
        harness.service.queue.isSuspended = true
        _ = await harness.score(try sample.npz(), [.prefer: "respond-async"])
        for path in ["/v2/health/ready", "/v2/models/segscore/ready"] {
            let reply = await harness.get(path)
            #expect(reply.status == 503 && reply.problem == "at-capacity")
            #expect(try reply.json()["error"] as? String == "All 1 places for jobs are taken.")
        }
        #expect(await harness.get("/v2/health/live").status == 200)
    }
}

import Foundation
import HTTPTypes
import ServiceHarness
import Testing
import TestSupport

@testable import OpenInference
import ScoringService

/// Regions of shared memory, in a folder that stands for the system's.
@Suite struct SharedMemoryTests {
    private let sample = Sample()
    private let folder: TemporaryDirectory
    private let harness: Harness

    init() throws {
        folder = try TemporaryDirectory()
        harness = try Harness(sharedMemory: folder)
    }

    private func register(_ name: String, key: String, size: Int, offset: Int = 0) async -> Reply {
        let text = #"{"key":"\#(key)","offset":\#(offset),"byte_size":\#(size)}"#
        return await harness.send(
            .post, "/v2/systemsharedmemory/region/\(name)/register", body: Array(text.utf8))
    }

    private func inRegion(_ tensor: InferenceTensor, _ region: String, offset: Int = 0) -> InferenceTensor {
        var tensor = tensor
        tensor.parameters = #"""
            "shared_memory_region":"\#(region)","shared_memory_byte_size":\#(tensor.bytes.count),"shared_memory_offset":\#(offset)
            """#
        tensor.bytes = []
        return tensor
    }

    private func wanted(_ name: String, in region: String, size: Int, offset: Int = 0) -> String {
        #"""
        {"name":"\#(name)","parameters":{"shared_memory_region":"\#(region)","shared_memory_byte_size":\#(size),
        "shared_memory_offset":\#(offset)}}
        """#
    }

    private func contents(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name)))
    }

    @Test func listsWhatIsRegisteredUntilItIsNot() async throws {
        _ = try folder.file("one", [UInt8](repeating: 0, count: 100))
        #expect(await harness.get("/v2/systemsharedmemory/status").text == "[]")
        for (name, key) in [("b%20c", "//one"), ("a", "one")] {
            let reply = await register(name, key: key, size: 60, offset: 40)
            #expect(reply.status == 200 && reply.bytes.isEmpty, "\(reply.text)")
        }
        let status = await harness.get("/v2/systemsharedmemory/status").text
        #expect(
            status == #"[{"name":"a","key":"one","offset":40,"byte_size":60},"#
                + #"{"name":"b c","key":"//one","offset":40,"byte_size":60}]"#)
        #expect(await harness.get("/v2/systemsharedmemory/region/b%20c/status").text.contains(#""key":"//one""#))
        #expect(await harness.send(.post, "/v2/systemsharedmemory/region/a/unregister").status == 200)
        #expect(await harness.send(.post, "/v2/systemsharedmemory/region/a/unregister").status == 200)
        let gone = await harness.get("/v2/systemsharedmemory/region/a/status")
        #expect(gone.status == 404 && gone.problem == "unknown-region")
        #expect(await harness.send(.post, "/v2/systemsharedmemory/unregister").status == 200)
        #expect(await harness.get("/v2/systemsharedmemory/status").text == "[]")
        #expect(
            try await harness.get("/v2").json()["extensions"] as? [String] ?? [] == [
                "binary_tensor_data", "model_configuration", "statistics", "system_shared_memory",
            ])
    }

    @Test(arguments: [
        ("", "invalid-parameter"), ("/", "invalid-parameter"), (".", "invalid-parameter"), ("..", "invalid-parameter"),
        ("../one", "invalid-parameter"), ("/a/one", "invalid-parameter"), ("one/", "invalid-parameter"),
        ("one\\u0000", "invalid-parameter"), ("missing", "unusable-region"), ("link", "unusable-region"),
        ("folder", "unusable-region"), ("pipe", "unusable-region"), ("small", "unusable-region"),
    ])
    func refusesKeysThatLeadElsewhere(key: String, problem: String) async throws {
        let file = try folder.file("one", [UInt8](repeating: 0, count: 100))
        _ = try folder.file("small", [0])
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: file)
        try FileManager.default.createDirectory(atPath: folder.path + "/folder", withIntermediateDirectories: false)
        #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
        let reply = await register("a", key: key, size: 100)
        #expect(reply.status == 400 && reply.problem == problem, "\(reply.text)")
        #expect(await harness.get("/v2/systemsharedmemory/status").text == "[]")
    }

    @Test(arguments: [
        ("{}", "malformed-body"), ("[]", "malformed-body"), ("", "malformed-body"),
        (#"{"key":"one","byte_size":0}"#, "invalid-parameter"), (#"{"key":"one","byte_size":-1}"#, "invalid-parameter"),
        (#"{"key":"one","byte_size":1,"offset":-1}"#, "invalid-parameter"),
        (#"{"key":"one","byte_size":101}"#, "unusable-region"),
        (#"{"key":"one","byte_size":1,"offset":9223372036854775807}"#, "unusable-region"),
        (#"{"key":"one","byte_size":9223372036854775807}"#, "unusable-region"),
    ])
    func refusesRegistrationsThatCannotBe(text: String, problem: String) async throws {
        _ = try folder.file("one", [UInt8](repeating: 0, count: 100))
        let reply = await harness.send(.post, "/v2/systemsharedmemory/region/a/register", body: Array(text.utf8))
        #expect(reply.status == 400 && reply.problem == problem, "\(reply.text)")
        #expect(try reply.json()["error"] as? String != nil)
    }

    @Test func registersANameOnceAndNotWithoutEnd() async throws {
        _ = try folder.file("one", [0])
        for index in 0..<SharedRegions.limit { #expect(await register("r\(index)", key: "one", size: 1).status == 200) }
        #expect(await register("r0", key: "one", size: 1).problem == "repeated-region")
        let reply = await register("more", key: "one", size: 1)
        #expect(reply.status == 503 && reply.problem == "at-capacity")
    }

    @Test(arguments: [false, true]) func readsInputsAndWritesOutputs(isReversed: Bool) async throws {
        let (labels, probabilities) = (sample.labelsTensor, sample.probabilitiesTensor)
        let padding = [UInt8](repeating: 7, count: 5)
        _ = try folder.file("in", padding + labels.bytes + probabilities.bytes)
        _ = try folder.file("out", [UInt8](repeating: 9, count: 200))
        #expect(
            await register("in", key: "/in", size: labels.bytes.count + probabilities.bytes.count, offset: 5).status
                == 200)
        #expect(await register("out", key: "out", size: 190, offset: 10).status == 200)
        let inputs = [inRegion(labels, "in"), inRegion(probabilities, "in", offset: labels.bytes.count)]
        let outputs = [
            wanted("pixel_scores", in: "out", size: 100, offset: 20), wanted("image_scores", in: "out", size: 16),
        ]
        let body = inferenceBody(
            isReversed ? inputs.reversed() : inputs, #","outputs":[\#(outputs.joined(separator: ","))]"#)
        let reply = await harness.infer(body)
        let answer = try InferenceReply(reply)
        #expect(reply.fields[.contentType] == "application/json")
        let place = try answer.output("pixel_scores")["parameters"] as? [String: Any]
        #expect(place?["shared_memory_region"] as? String == "out")
        #expect(place?["shared_memory_byte_size"] as? Int == 48 && place?["shared_memory_offset"] as? Int == 20)
        #expect(try answer.output("pixel_scores")["data"] == nil)
        let written = try contents("out")
        #expect(written[30..<78].elementsEqual(bytes(sample.pixelScores())))
        #expect(written[..<10].allSatisfy { $0 == 9 } && written[26..<30].allSatisfy { $0 == 9 })
        #expect(written[78...].allSatisfy { $0 == 9 } && written.count == 200)
        #expect(try contents("in").count == 5 + labels.bytes.count + probabilities.bytes.count)
    }

    @Test func mixesThemWithWhatIsInTheBody() async throws {
        let (labels, probabilities) = (sample.labelsTensor, sample.probabilitiesTensor)
        _ = try folder.file("in", labels.bytes + probabilities.bytes)
        #expect(await register("in", key: "in", size: labels.bytes.count + probabilities.bytes.count).status == 200)
        let all = #","parameters":{"binary_data_output":true}"#
        for inputs in [
            [inRegion(labels, "in"), probabilities], [probabilities, inRegion(labels, "in")],
            [labels, inRegion(probabilities, "in", offset: labels.bytes.count)],
        ] {
            let answer = try InferenceReply(await harness.infer(inferenceBody(inputs, all)))
            #expect(try answer.elements("pixel_scores") == sample.pixelScores())
        }
    }

    @Test func refusesSlicesThatAreNotThere() async throws {
        let (labels, probabilities) = (sample.labelsTensor, sample.probabilitiesTensor)
        let path = try folder.file("in", labels.bytes)
        #expect(await register("in", key: "in", size: labels.bytes.count).status == 200)
        for (input, problem) in [
            (inRegion(labels, "other"), "unknown-region"), (inRegion(labels, "in", offset: 1), "unusable-region"),
            (inRegion(labels, "in", offset: .max), "unusable-region"),
        ] {
            let reply = await harness.infer(inferenceBody([input, probabilities]))
            #expect(reply.status == 400 && reply.problem == problem, "\(reply.text)")
        }
        for output in [
            wanted("image_scores", in: "in", size: 15), wanted("image_scores", in: "in", size: 16, offset: 81),
            wanted("image_scores", in: "in", size: .max, offset: .max),
        ] {
            let reply = await harness.infer(inferenceBody([labels, probabilities], #","outputs":[\#(output)]"#))
            #expect(reply.status == 400 && reply.problem == "unusable-region", "\(reply.text)")
        }
        let unknown = wanted("image_scores", in: "other", size: 16)
        let reply = await harness.infer(inferenceBody([labels, probabilities], #","outputs":[\#(unknown)]"#))
        #expect(reply.status == 400 && reply.problem == "unknown-region")
        // The file shrinks behind the server's back.
        #expect(truncate(path, 10) == 0)
        let shrunk = await harness.infer(inferenceBody([inRegion(labels, "in"), probabilities]))
        #expect(shrunk.status == 400 && shrunk.problem == "unusable-region")
        #expect(try contents("in").count == 10)
        #expect(harness.jobCount == 0)
    }
}

import Foundation
import HTTPTypes

import OpenInference
import ScoringService
import ServiceHarness
import TestSupport
@testable import WebService

/// One input of an inference request, as a client of the Open Inference Protocol sends it.
struct InferenceTensor {
    var name: String
    var datatype: String
    var shape: [Int]
    var bytes: [UInt8] = []
    /// JSON that stands in place of the bytes.
    var data: String?
    /// The members of `parameters`, as JSON; nil for those that say how many bytes there are.
    var parameters: String?

    fileprivate var json: String {
        let place = data.map { #","data":\#($0)"# }
        let own = parameters ?? (data == nil ? #""binary_data_size":\#(bytes.count)"# : "")
        return #"{"name":"\#(name)","shape":\#(shape),"datatype":"\#(datatype)","parameters":{\#(own)}\#(place ?? "")}"#
    }
}

/// The body of an inference request.
///
/// - Parameters:
///   - members: Further members of the JSON, with a comma ahead.
func inferenceBody(_ tensors: [InferenceTensor], _ members: String = "") -> Body {
    let header = #"{"inputs":[\#(tensors.map(\.json).joined(separator: ","))]\#(members)}"#
    let bytes = tensors.filter { $0.data == nil }.flatMap(\.bytes)
    var body = Body(bytes: Array(header.utf8) + bytes)
    if !bytes.isEmpty { body.fields[.inferenceHeaderLength] = String(header.utf8.count) }
    return body
}

/// Elements as they lie in memory.
func bytes<Element: BitwiseCopyable>(_ elements: [Element]) -> [UInt8] {
    elements.withUnsafeBytes { Array($0) }
}

extension Sample {
    var labelsTensor: InferenceTensor {
        InferenceTensor(
            name: "labels", datatype: "INT64", shape: [images, height, width], bytes: bytes(labels.map(Int64.init)))
    }

    var probabilitiesTensor: InferenceTensor {
        InferenceTensor(
            name: "pred_probs", datatype: "FP32", shape: [images, classes, height, width], bytes: bytes(probabilities))
    }

    /// All of it, as bytes.
    func inference(_ members: String = "") -> Body { inferenceBody([labelsTensor, probabilitiesTensor], members) }
}

extension Harness {
    func infer(
        _ body: Body, _ fields: HTTPFields = [:], at target: String = "/v2/models/segscore/infer", chunk: Int? = nil
    ) async -> Reply {
        await send(.post, target, body.fields.merging(fields), body: body.bytes, chunk: chunk)
    }
}

/// The answer to an inference request.
struct InferenceReply {
    let json: [String: Any]
    /// What stands behind the JSON.
    private let bytes: [UInt8]

    init(_ reply: Reply) throws {
        guard reply.status == 200 else { throw Unexpected(description: "\(reply.status): \(reply.text)") }
        let count = reply.fields[.inferenceHeaderLength].flatMap { Int($0) } ?? reply.bytes.count
        let object = try JSONSerialization.jsonObject(with: Data(reply.bytes[..<count]))
        guard let json = object as? [String: Any] else { throw Unexpected(description: reply.text) }
        self.json = json
        bytes = Array(reply.bytes[count...])
    }

    var outputs: [[String: Any]] { json["outputs"] as? [[String: Any]] ?? [] }

    var names: [String] { outputs.compactMap { $0["name"] as? String } }

    func output(_ name: String) throws -> [String: Any] {
        guard let output = outputs.first(where: { $0["name"] as? String == name }) else {
            throw Unexpected(description: "no output \(name)")
        }
        return output
    }

    /// The elements of an output behind the JSON.
    func elements<Element: BitwiseCopyable>(_ name: String, as _: Element.Type = Element.self) throws -> [Element] {
        var start = 0
        for output in outputs {
            let size = (output["parameters"] as? [String: Any])?["binary_data_size"] as? Int
            if output["name"] as? String == name, let size {
                return bytes[start..<start + size].withUnsafeBytes { raw in
                    (0..<size / MemoryLayout<Element>.size).map {
                        raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: Element.self)
                    }
                }
            }
            start += size ?? 0
        }
        throw Unexpected(description: "no bytes of \(name)")
    }
}

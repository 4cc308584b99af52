import DatasetScoring
import Foundation
import HTTPTypes
import Scoring
import ServiceInterface
import WebService

/// The Open Inference Protocol, version 2: the service as a server of one model.
///
/// - SeeAlso: kserve/open-inference-protocol `specification/protocol/inference_rest.md`, triton-inference-server/server
///   `docs/protocol`.
extension Service {
    static let modelName = "segscore"
    /// That of what goes in and comes out, not of the program.
    static let modelVersion = "1"

    /// What a path of the protocol is answered by.
    func infer(
        _ route: InferenceRoute, _ request: IncomingRequest, of caller: Caller
    ) throws(Problem) -> any Intake {
        try checkNoParameters(request)
        switch route {
        case .server: return showServer()
        case .live: return BodilessIntake { () throws(Problem) in try .json { $0.object { $0.boolean("live", true) } } }
        case .ready: return showReadiness { $0.boolean("ready", true) }
        case .index: return showIndex()
        case .statistics: return showStatistics()
        case .regions: return try showRegions(nil)
        case .regionsRemoval: return try unregisterRegions(nil)
        case .region(let name, .status): return try showRegions(name)
        case .region(let name, .register): return try registerRegion(name)
        case .region(let name, .unregister): return try unregisterRegions(name)
        case .model(let model, let part):
            try check(model)
            switch part {
            case .metadata: return showModel()
            case .ready:
                return showReadiness { members in
                    members.string("name", Self.modelName)
                    members.boolean("ready", true)
                }
            case .configuration: return showConfiguration()
            case .statistics: return showStatistics()
            case .inference: return try infer(request, of: caller)
            }
        }
    }

    /// `POST /v2/models/{model}/infer`
    private func infer(_ request: IncomingRequest, of caller: Caller) throws(Problem) -> any Intake {
        try checkMemory()
        let arrays = ScoreArrays(
            configuration.places, parameters: Parameters(known: ScoreParameters.namesWithoutAnswer))
        let form = InferenceForm(regions)
        return try ScoreIntake(
            self, arrays, form, Preference([:]), of: caller, place: try uploadPlace(for: request, of: caller),
            body: try InferenceBody(request, self, arrays, form))
    }

    /// - Throws: 404 for a model that is not there.
    private func check(_ model: InferenceRoute.ModelName) throws(Problem) {
        let expected = "\(Self.modelName), in version \(Self.modelVersion)"
        guard model.name == Self.modelName else {
            throw Problem(
                .notFound, "unknown-model", "There is no model \"\(model.name)\".", parameter: "model",
                expected: expected, actual: model.name)
        }
        guard let version = model.version, version != Self.modelVersion else { return }
        throw Problem(
            .notFound, "unknown-model", "The model \(model.name) has no version \"\(version)\".", parameter: "version",
            expected: expected, actual: version)
    }

    private func showServer() -> any Intake {
        let extensions = ["binary_tensor_data", "model_configuration", "statistics"]
        let memory = regions == nil ? [] : ["system_shared_memory"]
        return BodilessIntake { () throws(Problem) in
            try .json { writer in
                writer.object { members in
                    members.string("name", Self.modelName)
                    members.string("version", Self.version)
                    members.strings("extensions", extensions + memory)
                }
            }
        }
    }

    private func showReadiness(_ write: @escaping (inout JSONWriter.Members) -> Void) -> any Intake {
        BodilessIntake { [self] () throws(Problem) in
            try checkReadiness()
            return try .json { $0.object(write) }
        }
    }

    private func showIndex() -> any Intake {
        BodilessIntake { () throws(Problem) in
            try .json { writer in
                writer.array(of: [Self.modelVersion]) { members, version in
                    members.string("name", Self.modelName)
                    members.string("version", version)
                    members.string("state", "READY")
                    members.string("reason", "")
                }
            }
        }
    }

    private func showModel() -> any Intake {
        BodilessIntake { () throws(Problem) in
            try .json { writer in
                writer.object { members in
                    members.string("name", Self.modelName)
                    members.strings("versions", [Self.modelVersion])
                    members.string("platform", Self.modelName)
                    for (name, tensors) in [("inputs", ModelTensor.inputs), ("outputs", ModelTensor.outputs)] {
                        members.array(name, of: tensors) { members, tensor in
                            members.string("name", tensor.name)
                            members.string("datatype", tensor.datatype.rawValue)
                            members.integers("shape", tensor.shape)
                        }
                    }
                }
            }
        }
    }

    private func showConfiguration() -> any Intake {
        BodilessIntake { () throws(Problem) in
            try .json { writer in
                writer.object { members in
                    members.string("name", Self.modelName)
                    members.string("platform", Self.modelName)
                    members.string("backend", Self.modelName)
                    members.integer("max_batch_size", 0)
                    for (name, tensors) in [("input", ModelTensor.inputs), ("output", ModelTensor.outputs)] {
                        members.array(name, of: tensors) { members, tensor in
                            members.string("name", tensor.name)
                            members.string("data_type", tensor.datatype.configurationName)
                            members.integers("dims", tensor.shape)
                        }
                    }
                }
            }
        }
    }

    private func showStatistics() -> any Intake {
        BodilessIntake { [statistics] () throws(Problem) in
            try .json { writer in
                writer.object { members in
                    members.array("model_stats", of: [Self.modelVersion]) { members, version in
                        members.string("name", Self.modelName)
                        members.string("version", version)
                        statistics.write(to: &members)
                    }
                }
            }
        }
    }
}

/// What the model's description says of a tensor.
private struct ModelTensor {
    let name: String
    /// Of several that it may have, the one that most have.
    let datatype: Datatype
    /// With −1 for what may be any.
    let shape: [Int]

    static let inputs = [
        ModelTensor(name: ScoringError.Array.labels.rawValue, datatype: .int64, shape: [-1, -1, -1]),
        ModelTensor(
            name: ScoringError.Array.predictedProbabilities.rawValue, datatype: .float32, shape: [-1, -1, -1, -1]),
    ]

    static let outputs = ScoreParameters.Array.allCases.map { array in
        switch array {
        case .imageScores: ModelTensor(name: array.rawValue, datatype: .float64, shape: [-1])
        case .pixelScores: ModelTensor(name: array.rawValue, datatype: .float32, shape: [-1, -1, -1])
        case .issues, .labelIssues: ModelTensor(name: array.rawValue, datatype: .bool, shape: [-1, -1, -1])
        }
    }
}

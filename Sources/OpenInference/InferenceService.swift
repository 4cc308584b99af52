import DatasetScoring
import HTTPTypes
import Scoring
package import ScoringService
import ServiceInterface
package import WebService

/// The Open Inference Protocol, version 2: presents the scoring service as a server of one model.
///
/// - SeeAlso: kserve/open-inference-protocol `specification/protocol/inference_rest.md`, triton-inference-server/server
///   `docs/protocol`.
package final class InferenceService: Sendable {
    static let modelName = "segscore"
    /// The version of the model's inputs and outputs, which is not that of the program.
    static let modelVersion = "1"

    let service: Service
    /// The regions of shared memory; nil if inferences may use none.
    let regions: SharedRegions?
    private let statistics: InferenceStatistics

    /// Creates the service.
    ///
    /// - Parameters:
    ///   - service: The scoring service, which runs the jobs.
    ///   - statistics: Counts the jobs of the service.
    ///   - sharedMemoryDirectory: The directory whose files clients may register as regions of shared memory; nil if
    ///     inferences may use no shared memory.
    package init(_ service: Service, _ statistics: InferenceStatistics, sharedMemoryDirectory: String? = nil) {
        self.service = service
        self.statistics = statistics
        regions = sharedMemoryDirectory.map(SharedRegions.init)
    }

    /// The endpoints of the protocol.
    package var endpoints: EndpointGroup {
        let (memory, region) = ("/v2/systemsharedmemory", "/v2/systemsharedmemory/region/{region}")
        let ofServer = [
            Endpoint("/v2", get: plain(showServer)),
            Endpoint("/v2/health/live", .withoutKey, get: plain(showLiveness)),
            Endpoint(
                "/v2/health/ready", .withoutKey,
                get: plain { [self] _ in showReadiness { $0.boolean("ready", true) } }),
            Endpoint("/v2/repository/index", post: plain(showIndex)),
            Endpoint("/v2/models/stats", get: plain(showStatistics)),
            Endpoint(memory + "/status", get: plain(showRegions)),
            Endpoint(memory + "/unregister", post: plain(unregisterRegions)),
            Endpoint(region + "/status", get: plain(showRegions)),
            Endpoint(region + "/register", post: plain(registerRegion)),
            Endpoint(region + "/unregister", post: plain(unregisterRegions)),
        ]
        let ofModels = ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"].flatMap { model in
            [
                Endpoint(model, get: ofModel(showModel)),
                Endpoint(model + "/ready", get: ofModel(showModelReadiness)),
                Endpoint(model + "/config", get: ofModel(showConfiguration)),
                Endpoint(model + "/stats", get: ofModel(showStatistics)),
                Endpoint(model + "/infer", post: ofModel(infer)),
            ]
        }
        return EndpointGroup(ofServer + ofModels, prefix: "/v2", rendering: \.ofInference)
    }

    /// Wraps a handler whose path takes no parameters in its query, as is true of all paths of the protocol.
    private func plain(_ makeHandler: @escaping Endpoint.MakeHandler) -> Endpoint.MakeHandler {
        { [service] call throws(Problem) in
            try service.checkNoParameters(call.request)
            return try makeHandler(call)
        }
    }

    /// Wraps a handler of a path beneath a model, and proves that there is such a model.
    private func ofModel(_ makeHandler: @escaping Endpoint.MakeHandler) -> Endpoint.MakeHandler {
        plain { [self] call throws(Problem) in
            try check(model: call["model"] ?? "", version: call["version"])
            return try makeHandler(call)
        }
    }

    /// `POST /v2/models/{model}/infer`
    private func infer(_ call: Call) throws(Problem) -> any RequestHandler {
        try service.checkMemory()
        let arrays = ScoreArrays(
            service.configuration.places, parameters: Parameters(known: ScoreParameters.namesWithoutAnswer))
        let format = InferenceFormat(regions)
        return try ScoreHandler(
            service, arrays, format, Preference([:]), of: call.caller,
            place: try service.uploadPlace(for: call.request, of: call.caller),
            body: try InferenceBody(call.request, self, arrays, format))
    }

    /// Proves that a model exists.
    ///
    /// - Throws: A 404 problem if it does not.
    private func check(model: String, version: String?) throws(Problem) {
        let expected = "\(Self.modelName), in version \(Self.modelVersion)"
        guard model == Self.modelName else {
            throw Problem(
                .unknownModel, "There is no model \"\(model)\".", parameter: "model",
                expected: expected, actual: model)
        }
        guard let version, version != Self.modelVersion else { return }
        throw Problem(
            .unknownModel, "The model \(model) has no version \"\(version)\".", parameter: "version",
            expected: expected, actual: version)
    }

    private func showLiveness(_ call: Call) -> any RequestHandler {
        BodilessHandler { () throws(Problem) in try .json { $0.object { $0.boolean("live", true) } } }
    }

    private func showModelReadiness(_ call: Call) -> any RequestHandler {
        showReadiness { members in
            members.string("name", Self.modelName)
            members.boolean("ready", true)
        }
    }

    private func showServer(_ call: Call) -> any RequestHandler {
        let extensions = ["binary_tensor_data", "model_configuration", "statistics"]
        let memory = regions == nil ? [] : ["system_shared_memory"]
        return BodilessHandler { () throws(Problem) in
            try .json { writer in
                writer.object { members in
                    members.string("name", Self.modelName)
                    members.string("version", Service.version)
                    members.strings("extensions", extensions + memory)
                }
            }
        }
    }

    private func showReadiness(_ write: @escaping (inout JSONWriter.Members) -> Void) -> any RequestHandler {
        BodilessHandler { [self] () throws(Problem) in
            try service.checkReadiness()
            return try .json { $0.object(write) }
        }
    }

    private func showIndex(_ call: Call) -> any RequestHandler {
        BodilessHandler { () throws(Problem) in
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

    private func showModel(_ call: Call) -> any RequestHandler {
        BodilessHandler { () throws(Problem) in
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

    private func showConfiguration(_ call: Call) -> any RequestHandler {
        BodilessHandler { () throws(Problem) in
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

    private func showStatistics(_ call: Call) -> any RequestHandler {
        BodilessHandler { [statistics] () throws(Problem) in
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

/// The description of a tensor in the model's metadata.
private struct ModelTensor {
    let name: String
    /// The datatype. A tensor may have several, of which this is the most common.
    let datatype: Datatype
    /// The shape, with −1 for extents that may have any size.
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

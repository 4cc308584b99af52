import Foundation
import HTTPTypes
import ServiceInterface
import WebService

/// What a path of the Open Inference Protocol, version 2, names, its extensions among them. Whether there is a model or a
/// region of the name it holds is for the handler to see.
enum InferenceRoute: Equatable {
    case server
    case live
    case ready
    case index
    /// Those of all models.
    case statistics
    case model(ModelName, ModelPart)
    case regions
    case regionsRemoval
    case region(String, RegionPart)

    /// A model as a path names it.
    struct ModelName: Equatable {
        let name: String
        var version: String?
    }

    enum ModelPart: Int, CaseIterable {
        case metadata, ready, configuration, statistics, inference

        /// What stands behind the model.
        var path: String {
            switch self {
            case .metadata: ""
            case .ready: "/ready"
            case .configuration: "/config"
            case .statistics: "/stats"
            case .inference: "/infer"
            }
        }
    }

    enum RegionPart: String {
        case status, register, unregister
    }

    /// - Parameters:
    ///   - parts: Those of the path behind `/v2`.
    init?(_ parts: some Sequence<String>) {
        let parts = parts.map { $0.removingPercentEncoding ?? $0 }
        switch (parts.first, parts.count) {
        case (nil, _): self = .server
        case ("health", 2) where parts[1] == "live": self = .live
        case ("health", 2) where parts[1] == "ready": self = .ready
        case ("repository", 2) where parts[1] == "index": self = .index
        case ("models", 2) where parts[1] == "stats": self = .statistics
        case ("models", 2...):
            var (model, rest) = (ModelName(name: parts[1]), parts.dropFirst(2))
            if rest.count >= 2, rest.first == "versions" {
                model.version = rest.dropFirst().first
                rest = rest.dropFirst(2)
            }
            // What is left is a part, or nothing; "versions" alone is none.
            let path = rest.map { "/" + $0 }.joined()
            guard let part = ModelPart.allCases.first(where: { $0.path == path }) else { return nil }
            self = .model(model, part)
        case ("systemsharedmemory", 2) where parts[1] == "status": self = .regions
        case ("systemsharedmemory", 2) where parts[1] == "unregister": self = .regionsRemoval
        case ("systemsharedmemory", 4) where parts[1] == "region":
            guard let part = RegionPart(rawValue: parts[3]) else { return nil }
            self = .region(parts[2], part)
        default: return nil
        }
    }

    /// Whether a target is one of the protocol's, be there anything or not.
    static func holds(_ target: String) -> Bool {
        let path = target.prefix { $0 != "?" }
        return path == "/v2" || path.hasPrefix("/v2/")
    }

    var methods: [HTTPRequest.Method] {
        switch self {
        case .index, .model(_, .inference), .regionsRemoval, .region(_, .register), .region(_, .unregister): [.post]
        case .server, .live, .ready, .statistics, .model, .regions, .region: [.get, .head]
        }
    }

    var template: PathTemplate {
        let (model, region) = ("/v2/models/{model}", "/v2/systemsharedmemory/region/{region}")
        return switch self {
        case .server: PathTemplate(number: 40, text: "/v2")
        case .live: PathTemplate(number: 41, text: "/v2/health/live")
        case .ready: PathTemplate(number: 42, text: "/v2/health/ready")
        case .index: PathTemplate(number: 43, text: "/v2/repository/index")
        case .statistics: PathTemplate(number: 44, text: "/v2/models/stats")
        case .regions: PathTemplate(number: 45, text: "/v2/systemsharedmemory/status")
        case .regionsRemoval: PathTemplate(number: 46, text: "/v2/systemsharedmemory/unregister")
        case .region(_, .status): PathTemplate(number: 47, text: region + "/status")
        case .region(_, .register): PathTemplate(number: 48, text: region + "/register")
        case .region(_, .unregister): PathTemplate(number: 49, text: region + "/unregister")
        case .model(let name, let part) where name.version == nil:
            PathTemplate(number: 50 + part.rawValue, text: model + part.path)
        case .model(_, let part):
            PathTemplate(number: 60 + part.rawValue, text: model + "/versions/{version}" + part.path)
        }
    }
}

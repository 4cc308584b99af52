import HTTPTypes
import ScoringService
import ServiceInterface
import WebService

/// The endpoints for regions of shared memory.
extension InferenceService {
    /// `GET /v2/systemsharedmemory/status` and `/v2/systemsharedmemory/region/{region}/status`
    func showRegions(_ call: Call) throws(Problem) -> any RequestHandler {
        let name = call["region"]
        let regions = try requireRegions()
        return BodilessHandler { () throws(Problem) in
            let shown = try name.map { (name) throws(Problem) in [try regions.region(named: name)] } ?? regions.all
            return try .json { writer in
                writer.array(of: shown) { members, region in
                    members.string("name", region.name)
                    members.string("key", region.key)
                    members.integer("offset", region.offset)
                    members.integer("byte_size", region.byteCount)
                }
            }
        }
    }

    /// `POST /v2/systemsharedmemory/region/{region}/register`
    func registerRegion(_ call: Call) throws(Problem) -> any RequestHandler {
        let name = call["region"] ?? ""
        let regions = try requireRegions()
        return try MessageHandler(of: call.request, limit: 64 << 10) { [service] text, answer in
            service.encode(answer) { () throws(Problem) in
                try regions.register(name, try JSONMessage.decode(SharedRegion.Registration.self, from: text))
                return Response(HTTPResponse(status: .ok))
            }
        }
    }

    /// `POST /v2/systemsharedmemory/unregister` and `/v2/systemsharedmemory/region/{region}/unregister`
    func unregisterRegions(_ call: Call) throws(Problem) -> any RequestHandler {
        let name = call["region"]
        let regions = try requireRegions()
        return BodilessHandler { () throws(Problem) in
            regions.unregister(name)
            return Response(HTTPResponse(status: .ok))
        }
    }

    private func requireRegions() throws(Problem) -> SharedRegions {
        guard let regions else { throw .sharedMemoryOff().with(status: .notFound) }
        return regions
    }
}

import HTTPTypes
import Synchronization
import WebService

/// The regions of shared memory that clients have registered.
final class SharedRegions: Sendable {
    /// Where their files are.
    let directory: String
    private let regions = Mutex<[String: SharedRegion]>([:])

    /// Each holds a file open.
    static let limit = 256

    init(directory: String) {
        self.directory = directory
    }

    /// All of them, by name.
    var all: [SharedRegion] { regions.withLock { $0.values.sorted { $0.name < $1.name } } }

    /// - Throws: 404 where there is none of that name.
    func region(named name: String) throws(Problem) -> SharedRegion {
        guard let region = regions.withLock({ $0[name] }) else {
            throw Problem(
                .unknownRegion, "There is no region \"\(name)\".", parameter: name,
                expected: "a region that was registered", actual: name
            ).with(status: .notFound)
        }
        return region
    }

    /// The region that a tensor is to be found in.
    ///
    /// - Throws: 400 where there is none of that name.
    func region(of slice: RegionSlice, for tensor: String) throws(Problem) -> SharedRegion {
        guard let region = regions.withLock({ $0[slice.region] }) else {
            throw Problem(
                .unknownRegion, "There is no region \"\(slice.region)\".", parameter: tensor,
                expected: "a region that was registered", actual: slice.region)
        }
        return region
    }

    /// - Throws: 400 for a name that is taken or a file that cannot be used; 503 where there are too many.
    func register(_ name: String, _ registration: SharedRegion.Registration) throws(Problem) {
        let region = try SharedRegion(name, registration, in: directory)
        try regions.withLock { (regions) throws(Problem) in
            guard regions[name] == nil else {
                throw Problem(
                    .repeatedRegion, "There is a region \"\(name)\" already.", parameter: name,
                    expected: "another name, or that one is unregistered first", actual: name)
            }
            guard regions.count < Self.limit else {
                throw Problem(
                    .atCapacity, "All \(Self.limit) places for regions of shared memory are taken.", limit: Self.limit
                )
            }
            regions[name] = region
        }
    }

    /// Forgets a region, or all; one that is in use lives until it is not.
    func unregister(_ name: String?) {
        // Files are closed when the lock is free.
        let forgotten = regions.withLock { regions -> [SharedRegion] in
            guard let name else {
                defer { regions = [:] }
                return Array(regions.values)
            }
            return regions.removeValue(forKey: name).map { [$0] } ?? []
        }
        _ = forgotten
    }
}

extension SharedRegions? {
    /// - Parameters:
    ///   - tensor: Whose elements are to be found in one.
    /// - Throws: 400 where the server does not use shared memory.
    func required(for tensor: String) throws(Problem) -> SharedRegions {
        guard let self else { throw .sharedMemoryOff(tensor) }
        return self
    }
}

extension Problem {
    /// - Parameters:
    ///   - parameter: The input whose elements were to be found in shared memory.
    static func sharedMemoryOff(_ parameter: String? = nil) -> Problem {
        Problem(
            .sharedMemoryOff, "This server uses no shared memory.", parameter: parameter,
            expected: "a server that was started with --allow-shared-memory")
    }
}

import HTTPTypes
import Synchronization
import WebService

/// The regions of shared memory that clients have registered.
final class SharedRegions: Sendable {
    /// The directory of the regions' files.
    let directory: String
    private let regions = Mutex<[String: SharedRegion]>([:])

    /// The most regions that may be registered, since each holds a file open.
    static let limit = 256

    init(directory: String) {
        self.directory = directory
    }

    /// All regions, sorted by name.
    var all: [SharedRegion] { regions.withLock { $0.values.sorted { $0.name < $1.name } } }

    /// The region of a name.
    ///
    /// - Throws: A 404 problem if there is none.
    func region(named name: String) throws(Problem) -> SharedRegion {
        guard let region = regions.withLock({ $0[name] }) else {
            throw Problem(
                .unknownRegion, "There is no region \"\(name)\".", parameter: name,
                expected: "a region that was registered", actual: name
            ).with(status: .notFound)
        }
        return region
    }

    /// The region that a slice for a tensor lies in.
    ///
    /// - Throws: A 400 problem if there is no region of that name.
    func region(of slice: RegionSlice, for tensor: String) throws(Problem) -> SharedRegion {
        guard let region = regions.withLock({ $0[slice.region] }) else {
            throw Problem(
                .unknownRegion, "There is no region \"\(slice.region)\".", parameter: tensor,
                expected: "a region that was registered", actual: slice.region)
        }
        return region
    }

    /// Registers a region.
    ///
    /// - Throws: A 400 problem if the name is taken or the file cannot be used; 503 if too many regions are registered.
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

    /// Forgets the region of a name, or all regions. A region that is in use lives until it no longer is.
    func unregister(_ name: String?) {
        // The files are closed once the lock is free.
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
    /// The regions, if there may be any.
    ///
    /// - Parameters:
    ///   - tensor: The tensor whose elements are said to lie in a region.
    /// - Throws: A 400 problem if the server uses no shared memory.
    func required(for tensor: String) throws(Problem) -> SharedRegions {
        guard let self else { throw .sharedMemoryOff(tensor) }
        return self
    }
}

extension Problem {
    /// The problem of a request for shared memory that the server does not use.
    ///
    /// - Parameters:
    ///   - parameter: The tensor whose elements are said to lie in a region; nil if the request is about regions alone.
    static func sharedMemoryOff(_ parameter: String? = nil) -> Problem {
        Problem(
            .sharedMemoryOff, "This server uses no shared memory.", parameter: parameter,
            expected: "a server that was started with --allow-shared-memory")
    }
}

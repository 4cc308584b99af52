import WebService

/// The part of a region of shared memory in which the elements of a tensor lie.
struct RegionSlice: Equatable, Sendable {
    let region: String
    /// The distance from the region's start, in bytes.
    let offset: Int
    let byteCount: Int

    /// Reads the parameters of a tensor; nil if they name no region.
    ///
    /// - Throws: A 400 problem if a parameter has the wrong type, or if the size is missing.
    init?(_ parameters: [String: ParameterValue], of tensor: String) throws(Problem) {
        let (name, size) = ("shared_memory_region", "shared_memory_byte_size")
        guard let region = try parameters[name]?.string(name) else { return nil }
        guard let byteCount = try parameters[size]?.count(size) else {
            throw .invalidParameter(size, expected: "the size of \(tensor) in bytes", actual: "")
        }
        self.region = region
        self.byteCount = byteCount
        offset = try parameters["shared_memory_offset"]?.count("shared_memory_offset") ?? 0
    }
}

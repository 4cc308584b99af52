import WebService

/// Where in a region of shared memory the elements of a tensor are.
struct RegionSlice: Equatable, Sendable {
    let region: String
    /// From the region's start on, in bytes.
    let offset: Int
    let byteCount: Int

    /// The parameters of a tensor; nil where they name no region.
    ///
    /// - Throws: 400 where they are of another type than they should be, or the size is missing.
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

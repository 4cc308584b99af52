import Files
import Glibc
import HTTPTypes
import Memory
import WebService

/// A region of shared memory that a client has registered: a stretch of a file that client and server both open.
struct SharedRegion: Sendable {
    let name: String
    /// The name of the file as the client gave it.
    let key: String
    let offset: Int
    let byteCount: Int
    private let file: SharedFile

    /// How many bytes are read at once: so few that they stay in the cache until they are looked at.
    private static let pieceSize = 512 << 10

    /// Opens a region.
    ///
    /// - Parameters:
    ///   - name: The name that the client gives the region.
    ///   - registration: The file and the stretch of it.
    ///   - directory: The directory of the files.
    /// - Throws: A 400 problem if the file does not exist, may not be used, or is smaller than the region.
    init(_ name: String, _ registration: Registration, in directory: String) throws(Problem) {
        self.name = name
        key = registration.key
        offset = registration.offset
        byteCount = registration.byteCount
        let fileName = try registration.fileName()
        do throws(FileError) {
            file = try SharedFile(fileName, in: directory)
        } catch {
            throw .unusable(error, for: name)
        }
        try checkSize(for: name)
    }

    /// Proves that a slice lies within the region, and the region within the current size of its file.
    ///
    /// - Throws: A 400 problem if not.
    func check(_ slice: RegionSlice, for tensor: String) throws(Problem) {
        let (end, overflow) = slice.offset.addingReportingOverflow(slice.byteCount)
        guard !overflow, end <= byteCount else {
            throw Problem(
                .unusableRegion, "\(tensor) lies beyond the end of the region \"\(name)\".",
                parameter: tensor, expected: "an end at \(byteCount) at most",
                actual: "an offset of \(slice.offset) and \(slice.byteCount) bytes")
        }
        try checkSize(for: tensor)
    }

    private func checkSize(for parameter: String) throws(Problem) {
        let size: Int
        do throws(FileError) {
            size = try file.byteCount()
        } catch {
            throw .unusable(error, for: parameter)
        }
        let (end, overflow) = offset.addingReportingOverflow(byteCount)
        guard !overflow, end <= size else {
            throw Problem(
                .unusableRegion, "The region \"\(name)\" is larger than what there is of \(file.path).",
                parameter: parameter, expected: "an end at \(size) at most",
                actual: "an offset of \(offset) and \(byteCount) bytes")
        }
    }

    /// Reads a slice, piece by piece.
    ///
    /// - Throws: What `body` throws; a 400 problem if the slice does not exist as a whole; 503 if memory is short.
    func read(
        _ slice: RegionSlice, for tensor: String, _ body: (borrowing Span<UInt8>) throws(Problem) -> Void
    ) throws(Problem) {
        try check(slice, for: tensor)
        let buffer: Buffer<UInt8>
        do throws(MemoryError) {
            buffer = try Buffer(uninitialized: Self.pieceSize)
        } catch {
            throw Problem(error)
        }
        let start = offset + slice.offset
        try file.read(start..<start + slice.byteCount, through: buffer, or: { .unusable($0, for: tensor) }) {
            (bytes, _) throws(Problem) in try body(bytes)
        }
    }

    /// Writes bytes into a slice that has been checked.
    ///
    /// - Throws: A 400 problem if the file does not take them.
    func write(
        _ owner: any StableBytes, _ range: Range<Int>, at position: Int, for tensor: String
    ) throws(Problem) {
        do throws(FileError) {
            try file.write(owner, range, at: offset + position)
        } catch {
            throw .unusable(error, for: tensor)
        }
    }

    /// The body of a request that registers a region.
    struct Registration: Decodable {
        let key: String
        var offset = 0
        let byteCount: Int

        private enum Key: String, CodingKey {
            case key, offset
            case byteCount = "byte_size"
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Key.self)
            key = try members.decode(String.self, forKey: .key)
            byteCount = try members.decode(Int.self, forKey: .byteCount)
            if members.contains(.offset) { offset = try members.decode(Int.self, forKey: .offset) }
            guard byteCount > 0, offset >= 0 else {
                throw Problem.invalidParameter(
                    byteCount > 0 ? "offset" : "byte_size", expected: "a whole number of bytes",
                    actual: "\(byteCount > 0 ? offset : byteCount)")
            }
        }

        /// The name of the file in its directory: the key without its leading slashes, as `shm_open` treats it.
        ///
        /// - Throws: A 400 problem if the name leads out of the directory.
        func fileName() throws(Problem) -> String {
            let name = String(key.drop { $0 == "/" })
            guard (1...255).contains(name.utf8.count), ![".", ".."].contains(name),
                name.utf8.allSatisfy({ $0 != UInt8(ascii: "/") && $0 != 0 })
            else {
                throw .invalidParameter(
                    "key", expected: "the name of a shared memory object, such as /scores", actual: key)
            }
            return name
        }
    }
}

extension Problem {
    /// The problem of a region whose file cannot be used.
    fileprivate static func unusable(_ error: FileError, for parameter: String) -> Problem {
        let detail: String
        switch error {
        case .damaged(let path), .endOfFile(let path): detail = "\(path) has become shorter while it was read."
        case .system(let operation, let path, ENODEV):
            detail = "Could not \(operation) \(path): this is no shared memory."
        case .system(let operation, let path, let code):
            detail = unsafe "Could not \(operation) \(path): \(String(cString: strerror(code)))."
        case .memory, .spoolBudget, .clientMemory: return Problem(error)
        }
        return Problem(
            .unusableRegion, detail, parameter: parameter,
            expected: "shared memory that this server may read and write")
    }

    /// The problem of a slice that is too small for an output.
    static func tooSmall(_ slice: RegionSlice, for tensor: String, needed byteCount: Int) -> Problem {
        Problem(
            .unusableRegion, "\(tensor) does not fit in what is set apart for it in \"\(slice.region)\".",
            parameter: tensor, expected: "at least \(byteCount) bytes", actual: "\(slice.byteCount) bytes")
    }
}

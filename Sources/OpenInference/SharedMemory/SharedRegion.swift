import Glibc
import HTTPTypes
import Tensors
import WebService

/// A region of shared memory that a client has registered: a stretch of a file that it has too.
struct SharedRegion: Sendable {
    let name: String
    /// As the client named the file.
    let key: String
    let offset: Int
    let byteCount: Int
    private let file: SharedFile

    /// What is read at once: it stays in the cache until it is looked at.
    private static let pieceSize = 512 << 10

    /// - Parameters:
    ///   - directory: Where the files are.
    /// - Throws: 400 where there is no such file, it is none that may be used, or is smaller than the region.
    init(_ name: String, _ registration: Registration, in directory: String) throws(Problem) {
        self.name = name
        key = registration.key
        offset = registration.offset
        byteCount = registration.byteCount
        let fileName = try registration.fileName()
        do throws(TensorError) {
            file = try SharedFile(fileName, in: directory)
        } catch {
            throw .unusable(error, for: name)
        }
        try checkSize(for: name)
    }

    /// Proves that a slice is within the region, and the region within what there is of the file now.
    ///
    /// - Throws: 400 where it is not.
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
        do throws(TensorError) {
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
    /// - Throws: What `body` throws; 400 where the slice is not there as a whole; 503 where memory is short.
    func read(
        _ slice: RegionSlice, for tensor: String, _ body: (borrowing Span<UInt8>) throws(Problem) -> Void
    ) throws(Problem) {
        try check(slice, for: tensor)
        let buffer: Buffer<UInt8>
        do throws(TensorError) {
            buffer = try Buffer(uninitialized: Self.pieceSize)
        } catch {
            throw Problem(error)
        }
        let start = offset + slice.offset
        try file.read(start..<start + slice.byteCount, through: buffer, or: { .unusable($0, for: tensor) }) {
            (bytes, _) throws(Problem) in try body(bytes)
        }
    }

    /// Writes bytes into a slice that was checked.
    ///
    /// - Throws: 400 where the file does not take them.
    func write(
        _ owner: any StableBytes, _ range: Range<Int>, at position: Int, for tensor: String
    ) throws(Problem) {
        do throws(TensorError) {
            try file.write(owner, range, at: offset + position)
        } catch {
            throw .unusable(error, for: tensor)
        }
    }

    /// What a client says of a region when it registers it.
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

        /// The file's name in its directory: the key without the slashes that it may begin with, as `shm_open` has it.
        ///
        /// - Throws: 400 where that leads elsewhere.
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
    /// A region, or its file, that cannot be used.
    fileprivate static func unusable(_ error: TensorError, for parameter: String) -> Problem {
        let detail: String
        switch error {
        case .damaged(let path), .endOfFile(let path): detail = "\(path) has become shorter while it was read."
        case .system(let operation, let path, ENODEV):
            detail = "Could not \(operation) \(path): this is no shared memory."
        case .system(let operation, let path, let code):
            detail = unsafe "Could not \(operation) \(path): \(String(cString: strerror(code)))."
        case .negativeExtent, .tooLarge, .outOfMemory, .spoolBudget: return Problem(error)
        }
        return Problem(
            .unusableRegion, detail, parameter: parameter,
            expected: "shared memory that this server may read and write")
    }

    /// A slice that an output does not fit in.
    static func tooSmall(_ slice: RegionSlice, for tensor: String, needed byteCount: Int) -> Problem {
        Problem(
            .unusableRegion, "\(tensor) does not fit in what is set apart for it in \"\(slice.region)\".",
            parameter: tensor, expected: "at least \(byteCount) bytes", actual: "\(slice.byteCount) bytes")
    }
}

import Files
import Memory
import WebService

extension Picture {
    /// Reads a file.
    ///
    /// - Parameters:
    ///   - name: Names the file in problems.
    /// - Throws: A 422 problem for a file that is no picture or too large; 503 if memory is short.
    init(_ file: InputFile, called name: String) throws(Problem) {
        guard (1...Self.byteLimit).contains(file.byteCount) else {
            throw .unusable(
                name, "it has \(file.byteCount) bytes", "a picture of at most \(Self.byteLimit) bytes")
        }
        let bytes: Buffer<UInt8>
        do throws(FileError) {
            bytes = try FileError.wrapping { () throws(MemoryError) in try Buffer(uninitialized: file.byteCount) }
            try file.read(0..<file.byteCount, through: bytes, or: { $0 }) { (_, _) throws(FileError) in }
        } catch {
            throw .file(error, name, parameter: Self.parameter)
        }
        guard let kind = PictureKind(bytes.span) else {
            throw .unusable(name, "it is no PNG, JPEG or WebP file", "a picture")
        }
        self.init(kind: kind, bytes: bytes)
    }

    /// What is behind the name of a file, such as `.jpg`; nil if there is nothing.
    static func suffix(of path: String) -> String? {
        path.lastIndex(of: ".").map { String(path[$0...]) }
    }
}

extension Problem {
    fileprivate static func unusable(_ file: String, _ reason: String, _ expected: String) -> Problem {
        Problem(
            .fileUnusable, "The file \(file) cannot be shown: \(reason).", parameter: Picture.parameter,
            expected: expected, actual: file)
    }
}

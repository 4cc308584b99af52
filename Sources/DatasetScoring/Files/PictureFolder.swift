import Files
import Glibc
import HTTPTypes
package import Memory
package import WebService

/// A folder of the pictures that images of a data set are, for people to look at: PNG, JPEG or WebP files, which nobody
/// decodes here.
package struct PictureFolder: Sendable {
    /// A kind of picture that browsers show and that is no document.
    package enum Kind: Sendable {
        case png
        case jpeg
        case webP

        /// What the first bytes of a file say that it is; nil for anything else.
        init?(_ bytes: borrowing Span<UInt8>) {
            func begins(_ signature: [UInt8], at place: Int = 0) -> Bool {
                bytes.count >= place + signature.count
                    && signature.indices.allSatisfy { bytes[place + $0] == signature[$0] }
            }
            if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
                self = .png
            } else if begins([0xFF, 0xD8, 0xFF]) {
                self = .jpeg
            } else if begins(Array("RIFF".utf8)), begins(Array("WEBP".utf8), at: 8) {
                self = .webP
            } else {
                return nil
            }
        }
    }

    /// The suffixes that pictures are looked for by, if no pattern says how their files end.
    private static let suffixes = [".png", ".jpg", ".jpeg", ".webp"].flatMap { [$0, $0.uppercased()] }

    /// The largest picture that is sent, in bytes.
    static let byteLimit = 256 << 20

    /// The name of the parameter that holds the path.
    static let parameter = "images"

    private let directory: any ReadableDirectory
    /// The path of the folder beneath the directory.
    private let path: String
    private let pattern: NamePattern
    private let text: String

    init(in directory: any ReadableDirectory, at path: String, _ pattern: NamePattern, text: String) {
        (self.directory, self.path, self.pattern, self.text) = (directory, path, pattern, text)
    }

    /// Proves that the folder can be read.
    ///
    /// - Throws: A 422 problem if it cannot.
    package func check() throws(Problem) { _ = try names() }

    /// The picture of an image.
    ///
    /// - Parameters:
    ///   - name: What the image is called; nil if images have no names, and the files of the folder are theirs in the
    ///     order of the bytes of their names.
    ///   - image: The index of the image.
    /// - Returns: The file's bytes as they are.
    /// - Throws: A 404 problem if there is no such file; 422 if it is no picture or too large; 503 if memory is short.
    package func picture(named name: String?, image: Int) throws(Problem) -> (kind: Kind, bytes: Buffer<UInt8>) {
        let file = if let name { try find(name) } else { try find(image) }
        guard (1...Self.byteLimit).contains(file.byteCount) else {
            throw unusable(file.path, "it has \(file.byteCount) bytes", "a picture of at most \(Self.byteLimit) bytes")
        }
        let bytes: Buffer<UInt8>
        do throws(FileError) {
            bytes = try FileError.wrapping { () throws(MemoryError) in try Buffer(uninitialized: file.byteCount) }
            try file.read(0..<file.byteCount, through: bytes, or: { $0 }) { (_, _) throws(FileError) in }
        } catch {
            throw .file(error, file.path, parameter: Self.parameter)
        }
        guard let kind = Kind(bytes.span) else {
            throw unusable(file.path, "it is none of these", "a PNG, JPEG or WebP file")
        }
        return (kind, bytes)
    }

    /// What is behind an image's name in the name of its picture's file, such as `.jpg`; nil if there is no such file.
    package func suffix(named name: String?, image: Int) -> String? {
        guard let path = try? (name.map { (name) throws(Problem) in try find(name) } ?? (try find(image))).path,
            let dot = path.lastIndex(of: ".")
        else { return nil }
        return String(path[dot...])
    }

    private func find(_ name: String) throws(Problem) -> InputFile {
        let slash = name.lastIndex(of: "/")
        let (folder, stem) = slash.map { (String(name[...$0]), name[name.index(after: $0)...]) } ?? ("", name[...])
        let suffixes = pattern == .any ? Self.suffixes : [pattern.suffix]
        for suffix in suffixes {
            do throws(FileError) {
                return try directory.open(joined(folder + pattern.prefix + stem + suffix))
            } catch {
                if case .system(_, _, let code) = error, code == ENOENT || code == ENOTDIR { continue }
                throw .file(error, "\(text)/\(name)", parameter: Self.parameter)
            }
        }
        throw missing("a picture of \(name)")
    }

    private func find(_ image: Int) throws(Problem) -> InputFile {
        let names = try names()
        guard image < names.count else { throw missing("a picture of image \(image)") }
        do throws(FileError) {
            return try directory.open(joined(names[image]))
        } catch {
            throw .file(error, "\(text)/\(names[image])", parameter: Self.parameter)
        }
    }

    /// The names of the pictures that lie in the folder itself, in the order of their bytes.
    private func names() throws(Problem) -> [String] {
        var names: [String] = []
        do throws(FileError) {
            try directory.forEachEntry(of: path) { (entry) throws(FileError) in
                guard names.count < ImageFolder.entryLimit, !entry.name.hasPrefix("."),
                    pattern.name(of: entry.name, suffixes: Self.suffixes.map { $0.lowercased() }) != nil
                else { return }
                names.append(entry.name)
            }
        } catch {
            throw .folder(error, text, parameter: Self.parameter)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private func joined(_ file: String) -> String { path == "." ? file : "\(path)/\(file)" }

    private func missing(_ what: String) -> Problem {
        Problem(
            .noImages, "The folder \(text) does not hold \(what).", parameter: Self.parameter,
            expected: "a PNG, JPEG or WebP file of that name", actual: text)
    }

    private func unusable(_ file: String, _ reason: String, _ expected: String) -> Problem {
        Problem(
            .fileUnusable, "The file \(file) cannot be shown: \(reason).", parameter: Self.parameter,
            expected: expected, actual: file)
    }
}

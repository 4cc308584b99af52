import Files
import Glibc
import HTTPTypes
import Memory
import Synchronization
package import WebService

/// A folder of the pictures that images of a data set are, for people to look at: PNG, JPEG or WebP files, which nobody
/// decodes here.
package final class PictureFolder: Sendable {
    /// The suffixes that pictures are looked for by, if no pattern says how their files end.
    private static let suffixes = [".png", ".jpg", ".jpeg", ".webp"].flatMap { [$0, $0.uppercased()] }

    private let directory: any ReadableDirectory
    /// The path of the folder beneath the directory.
    private let path: String
    private let pattern: NamePattern
    private let text: String
    /// The names of the pictures in the folder, once somebody has needed them; an export asks for each of its images.
    private let listed = Mutex<NameList?>(nil)

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
    package func picture(named name: String?, image: Int) throws(Problem) -> Picture {
        let file = try file(named: name, image: image)
        return try Picture(file, called: file.path)
    }

    /// What is behind an image's name in the name of its picture's file, such as `.jpg`; nil if there is no such file.
    package func suffix(named name: String?, image: Int) -> String? {
        (try? file(named: name, image: image)).flatMap { Picture.suffix(of: $0.path) }
    }

    private func file(named name: String?, image: Int) throws(Problem) -> InputFile {
        if let name { try find(name) } else { try find(image) }
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
                throw .file(error, "\(text)/\(name)", parameter: Picture.parameter)
            }
        }
        throw missing("a picture of \(name)")
    }

    private func find(_ image: Int) throws(Problem) -> InputFile {
        let names = try names()
        guard image < names.all.count else { throw missing("a picture of image \(image)") }
        do throws(FileError) {
            return try directory.open(joined(names[image]))
        } catch {
            throw .file(error, "\(text)/\(names[image])", parameter: Picture.parameter)
        }
    }

    /// The names of the pictures that lie in the folder itself, in the order of their bytes.
    private func names() throws(Problem) -> NameList {
        if let known = listed.withLock({ $0 }) { return known }
        var names: [String] = []
        do throws(FileError) {
            try directory.forEachEntry(of: path) { (entry) throws(FileError) in
                guard names.count < ImageFolder.entryLimit, !entry.name.hasPrefix("."),
                    pattern.name(of: entry.name, suffixes: Self.suffixes.map { $0.lowercased() }) != nil
                else { return }
                names.append(entry.name)
            }
        } catch {
            throw .folder(error, text, parameter: Picture.parameter)
        }
        names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let found = names
        let list = try Problem.allocating { () throws(MemoryError) in try NameList(found) }
        listed.withLock { $0 = list }
        return list
    }

    private func joined(_ file: String) -> String { path == "." ? file : "\(path)/\(file)" }

    private func missing(_ what: String) -> Problem {
        Problem(
            .noImages, "The folder \(text) does not hold \(what).", parameter: Picture.parameter,
            expected: "a PNG, JPEG or WebP file of that name", actual: text)
    }
}

import HTTPTypes
import WebService

/// Tells which files of a folder are of images, and what these are called: `*_gtFine_labelTrainIds.png`, where the star
/// stands for the name.
struct NamePattern: Equatable, Sendable {
    /// What stands ahead of the name, and what behind it.
    let prefix: String
    let suffix: String

    /// The pattern of a folder of which every file has its own name.
    static let any = NamePattern(prefix: "", suffix: "")

    /// The folder that a text names, without slashes behind it, and the pattern of its files, if the last part of the
    /// path has a star.
    ///
    /// - Throws: A 400 problem for several stars, or for one in the name of a folder.
    static func split(_ text: String, parameter: String) throws(Problem) -> (folder: String, pattern: NamePattern) {
        guard text.contains("*") else { return (text.withoutSlashesBehind, .any) }
        let slash = text.lastIndex(of: "/")
        let file = slash.map { text[text.index(after: $0)...] } ?? text[...]
        let parts = file.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
        let folder = slash.map { $0 == text.startIndex ? "/" : String(text[..<$0]) } ?? "."
        guard parts.count == 2, !folder.contains("*") else {
            throw .invalidParameter(
                parameter, expected: "a folder, or FOLDER/*SUFFIX with one star that stands for the name", actual: text)
        }
        return (folder.withoutSlashesBehind, NamePattern(prefix: parts[0], suffix: parts[1]))
    }

    /// What an image is called whose file has a name; nil if the file is of no image.
    ///
    /// - Parameter suffixes: Those of the files that are read, with a dot.
    func name(of file: String, suffixes: [String]) -> String? {
        guard let dot = file.lastIndex(of: "."), suffixes.contains(file[dot...].lowercased()) else { return nil }
        // A pattern that names no kind of file is one of names without theirs.
        let isWhole = suffixes.contains { suffix.lowercased().hasSuffix($0) }
        let name = isWhole ? file[...] : file[..<dot]
        guard name.utf8.count > prefix.utf8.count + suffix.utf8.count, name.hasPrefix(prefix), name.hasSuffix(suffix)
        else { return nil }
        return String(name.dropFirst(prefix.count).dropLast(suffix.count))
    }
}

extension String {
    /// The path without the slashes behind it, which make no other path of it.
    var withoutSlashesBehind: String {
        var path = self
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}

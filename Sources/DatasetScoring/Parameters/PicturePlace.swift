import Memory
package import WebService

/// Where the pictures of images lie, as a client names it: beneath ``DataDirectories``.
package enum PicturePlace: Equatable, Sendable {
    /// A folder, perhaps with a star for the names of images.
    case folder(String)
    /// A file for each image.
    case files(NameList)

    /// The name of the parameter.
    static let name = "images"

    /// The most bytes that all paths of files may have, since each answer about the job repeats them.
    private static let pathBytes = 1 << 20

    /// How the names of files end, by which a list without brackets is told from a folder.
    private static let suffixes = [".png", ".jpg", ".jpeg", ".webp"]

    /// Reads the parameter; nil if there is none.
    ///
    /// - Throws: A 400 problem for a list that is none.
    init?(_ parameters: Parameters) throws(Problem) {
        guard let text = parameters.string(Self.name) else { return nil }
        let list = try parameters.texts(Self.name) ?? []
        guard text.utf8.first == UInt8(ascii: "[") || list.allSatisfy(Self.isFile) else {
            self = .folder(text)
            return
        }
        guard !list.isEmpty, !list.contains("") else {
            throw .invalidParameter(Self.name, expected: "a file for each image", actual: text)
        }
        guard list.reduce(0, { $0 + $1.utf8.count }) <= Self.pathBytes else {
            throw .invalidParameter(
                Self.name, expected: "paths of at most \(Self.pathBytes) bytes in all", actual: "\(list.count) files")
        }
        self = .files(try Problem.allocating { () throws(MemoryError) in try NameList(list) })
    }

    private static func isFile(_ path: String) -> Bool {
        let lower = path.lowercased()
        return !path.contains("*") && suffixes.contains { lower.hasSuffix($0) }
    }

    /// The parameter as text.
    var text: String {
        switch self {
        case .folder(let path): path
        case .files(let paths): Parameters.text(of: paths.all)
        }
    }

    /// Proves that there is a file for each image, if files are named.
    ///
    /// - Throws: A 400 problem with both counts.
    package func check(imageCount: Int) throws(Problem) {
        guard case .files(let paths) = self, paths.all.count != imageCount else { return }
        throw .invalidParameter(
            Self.name, expected: "\(imageCount) files, one for each image", actual: "\(paths.all.count) files")
    }

    /// Writes the parameter as a member of a job's document.
    package func write(to members: inout JSONWriter.Members) {
        switch self {
        case .folder(let path): members.string(Self.name, path)
        case .files(let paths): members.strings(Self.name, paths.all)
        }
    }
}

package import Files
import Glibc
import HTTPTypes
import Memory
import Scoring
package import WebService

/// The directories whose files may stand for arrays in a request, and into which results may be written.
///
/// A directory may have a name. A path that begins with such a name leads into that directory. Any other path leads
/// into the directory without a name, if there is one.
package struct DataDirectories: Sendable {
    private let directories: [String: ConfinedDirectory]

    /// - Parameters:
    ///   - directories: The directories by their names; the name of the directory without one is the empty string.
    package init(_ directories: [String: ConfinedDirectory] = [:]) {
        self.directories = directories
    }

    /// Opens a file that stands for an array.
    ///
    /// - Parameters:
    ///   - text: `run7/pred_probs.npy`, or `run7/arrays.npz#pred_probs` for a member of an archive.
    ///   - array: The array.
    /// - Throws: A 400 problem if the server was given no directory for files; 422 for a file that cannot be read.
    func file(_ text: String, for array: ScoringError.Array) throws(Problem) -> FileArray {
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let (directory, path) = try find(parts.first ?? "", parameter: array.rawValue)
        do throws(FileError) {
            return FileArray(file: try directory.open(path), member: parts.count == 2 ? parts[1] : nil)
        } catch {
            throw .file(error, text, parameter: array.rawValue)
        }
    }

    /// The folder whose files stand for an array, each for one image of it.
    ///
    /// - Parameters:
    ///   - text: `run7/masks`, or `run7/masks/*_mask.png`, where the star stands for the names of images.
    ///   - array: The array.
    /// - Throws: A 400 problem if the server was given no directory for files, or for a text that is no such path.
    func folder(_ text: String, of array: ScoringError.Array) throws(Problem) -> ImageFolder {
        let folder = try folder(text, parameter: array.rawValue)
        return ImageFolder(in: folder.directory, at: folder.rest, folder.pattern, text: folder.path, of: array)
    }

    /// The pictures which labels are of.
    ///
    /// - Parameter place: Files, or a folder: `run7/images`, or `run7/images/*_leftImg8bit.png`, where the star stands for
    ///   the names of images.
    /// - Throws: A 400 problem if the server was given no directory for files, or for a text that is no such path.
    package func pictures(_ place: PicturePlace) throws(Problem) -> JobPictures {
        switch place {
        case .files(let paths): return .files(PictureFiles(paths, in: self))
        case .folder(let text):
            let folder = try folder(text, parameter: Picture.parameter)
            return .folder(PictureFolder(in: folder.directory, at: folder.rest, folder.pattern, text: folder.path))
        }
    }

    private func folder(
        _ text: String, parameter: String
    ) throws(Problem) -> (directory: ConfinedDirectory, rest: String, pattern: NamePattern, path: String) {
        let (path, pattern) = try NamePattern.split(text, parameter: parameter)
        if !path.isEmpty, let named = directories[path] { return (named, ".", pattern, path) }
        let (directory, rest) = try find(path, parameter: parameter)
        return (directory, rest, pattern, path)
    }

    /// The directory that a path leads into, and the rest of the path.
    ///
    /// - Throws: A 400 problem if the server was given no directory for files, or none for such a path.
    func find(
        _ text: String, parameter: String
    ) throws(Problem) -> (directory: ConfinedDirectory, path: String) {
        guard !directories.isEmpty else {
            throw Problem(
                .filesNotTaken, "This server was given no directory whose files requests may name.",
                parameter: parameter, expected: "a server with --data-dir", actual: text)
        }
        // The kernel ends a path at its first zero byte, and would open another file.
        guard !text.isEmpty, !text.utf8.contains(0), text.utf8.count < Int(PATH_MAX) else {
            throw .invalidParameter(parameter, expected: "a path of a file", actual: text)
        }
        let (first, rest) =
            text.firstIndex(of: "/").map { slash in
                (String(text[..<slash]), String(text[text.index(after: slash)...]))
            } ?? (text, "")
        if !first.isEmpty, !rest.isEmpty, let named = directories[first] { return (named, rest) }
        guard let unnamed = directories[""] else {
            throw .invalidParameter(
                parameter,
                expected: "a path that begins with one of \(directories.keys.sorted().joined(separator: "/, "))/",
                actual: text)
        }
        return (unnamed, text)
    }
}

extension Problem {
    /// The problem of a file that a request names and that cannot be used.
    static func file(_ error: FileError, _ name: String, parameter: String) -> Problem {
        guard case .system(_, _, let code) = error else {
            var problem = Problem(error)
            problem.parameter = parameter
            return problem
        }
        let reason: String
        switch code {
        case ENOSPC, EDQUOT, EFBIG:
            return Problem(
                .outputFull, "There is no room on the disk for \(name).", parameter: parameter)
        // These are faults of the machine, which any other file would meet too.
        case EIO, EMFILE, ENFILE, ENOMEM: return Problem(error)
        case EXDEV: reason = "it leads out of its directory"
        case ENODEV, ENXIO, EISDIR: reason = "it is no regular file"
        default: reason = unsafe String(cString: strerror(code))
        }
        return Problem(
            .fileUnusable, "The file \(name) cannot be used: \(reason).", parameter: parameter,
            expected: "a regular file in a directory of --data-dir", actual: name)
    }

    /// The problem of a folder that a request names and that cannot be read.
    static func folder(_ error: FileError, _ name: String, parameter: String) -> Problem {
        guard case .system(_, _, let code) = error, ![EIO, EMFILE, ENFILE, ENOMEM].contains(code) else {
            var problem = Problem(error)
            problem.parameter = parameter
            return problem
        }
        let reason = code == EXDEV ? "it leads out of its directory" : unsafe String(cString: strerror(code))
        return Problem(
            .folderUnusable, "The folder \(name) cannot be read: \(reason).", parameter: parameter,
            expected: "a folder of files", actual: name)
    }
}

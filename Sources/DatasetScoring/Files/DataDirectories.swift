import Glibc
import HTTPTypes
import Scoring
package import Tensors
package import WebService

/// The directories whose files may stand for arrays in a request, and where results may be written.
///
/// Some have names. A path that begins with one is of that directory; any other is of the one without a name, if there is one.
package struct DataDirectories: Sendable {
    private let directories: [String: ConfinedDirectory]

    /// - Parameters:
    ///   - directories: By their names; that of the one without a name is empty.
    package init(_ directories: [String: ConfinedDirectory] = [:]) {
        self.directories = directories
    }

    /// Opens a file that stands for an array.
    ///
    /// - Parameters:
    ///   - text: `run7/pred_probs.npy`, or `run7/arrays.npz#pred_probs` for a member of an archive.
    /// - Throws: 400 where no files are taken, 422 for what cannot be read.
    func file(_ text: String, for array: ScoringError.Array) throws(Problem) -> ArrayFileSource {
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let (directory, path) = try find(parts.first ?? "", parameter: array.rawValue)
        do throws(TensorError) {
            return ArrayFileSource(file: try directory.open(path), member: parts.count == 2 ? parts[1] : nil)
        } catch {
            throw .file(error, text, parameter: array.rawValue)
        }
    }

    /// Writes arrays as `NAME.npy` into a directory, in place of files of these names. What an earlier run has left there besides is
    /// removed, since it may be of other images; files that are not named as arrays are stay. All is on the disk when this returns.
    ///
    /// - Parameters:
    ///   - text: Where they go; made where it is not there.
    /// - Throws: 400 where no files are taken, 422 for what cannot be written, 507 where the disk is full.
    package func write(_ arrays: [(name: String, array: ArrayAnswer)], to text: String) throws(Problem) {
        let (directory, path) = try find(text, parameter: Self.parameter)
        let written = Set(arrays.map(\.name))
        do throws(TensorError) {
            for name in try Self.arrayNames(in: directory, path) where !written.contains(name) {
                try directory.remove("\(path)/\(name).npy")
            }
        } catch {
            throw .file(error, text, parameter: Self.parameter)
        }
        for (name, array) in arrays {
            let file = "\(path)/\(name).npy"
            do throws(TensorError) {
                try directory.write(file, try array.npy())
            } catch {
                throw .file(error, "\(text)/\(name).npy", parameter: Self.parameter)
            }
        }
        do throws(TensorError) {
            let folders = Set(arrays.compactMap { array in array.name.lastIndex(of: "/").map { array.name[..<$0] } })
            for folder in folders { try directory.sync("\(path)/\(folder)") }
            try directory.sync(path)
        } catch {
            throw .file(error, text, parameter: Self.parameter)
        }
    }

    /// The arrays that are there as files, of one image or of all.
    private static func arrayNames(in directory: ConfinedDirectory, _ path: String) throws(TensorError) -> [String] {
        let arrays = ScoreParameters.Array.allCases.map(\.rawValue)
        var names = try directory.names(in: path).compactMap(Self.withoutSuffix).filter { arrays.contains($0) }
        for array in arrays {
            let images = try directory.names(in: "\(path)/\(array)").compactMap(Self.withoutSuffix)
            names += images.filter { $0.utf8.count >= 6 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
                .map { "\(array)/\($0)" }
        }
        return names
    }

    private static func withoutSuffix(_ name: String) -> String? {
        name.hasSuffix(".npy") ? String(name.dropLast(4)) : nil
    }

    /// Proves that results can be asked for here.
    ///
    /// - Throws: 400 where no files are taken.
    package func checkOutput(_ text: String) throws(Problem) {
        _ = try find(text, parameter: Self.parameter)
    }

    static let parameter = "output"

    private func find(
        _ text: String, parameter: String
    ) throws(Problem) -> (directory: ConfinedDirectory, path: String) {
        guard !directories.isEmpty else {
            throw Problem(
                .badRequest, "files-not-taken", "This server was given no directory whose files requests may name.",
                parameter: parameter, expected: "a server with --data-dir", actual: text)
        }
        // What the kernel is handed ends at a zero.
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
    /// What is wrong with a file that a request names.
    static func file(_ error: TensorError, _ name: String, parameter: String) -> Problem {
        guard case .system(_, _, let code) = error else {
            var problem = Problem(error)
            problem.parameter = parameter
            return problem
        }
        let reason: String
        switch code {
        case ENOSPC, EDQUOT, EFBIG:
            return Problem(
                .init(code: 507, reasonPhrase: "Insufficient Storage"), "output-full",
                "There is no room on the disk for \(name).", parameter: parameter)
        // These are the machine's, and have nothing to do with which file it is.
        case EIO, EMFILE, ENFILE, ENOMEM: return Problem(error)
        case EXDEV: reason = "it leads out of its directory"
        case ENODEV, ENXIO, EISDIR: reason = "it is no regular file"
        default: reason = unsafe String(cString: strerror(code))
        }
        return Problem(
            .unprocessableContent, "file-unusable", "The file \(name) cannot be used: \(reason).", parameter: parameter,
            expected: "a regular file in a directory of --data-dir", actual: name)
    }
}

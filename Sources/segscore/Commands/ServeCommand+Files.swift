import ArgumentParser
import DatasetScoring
import Files
import Glibc
import Memory
import ScoringService
import WebService

/// The directories whose files requests may name.
extension ServeCommand {
    /// - Parameters:
    ///   - texts: The values of `--data-dir`, each `DIR` or `NAME=DIR`.
    static func dataDirectories(_ texts: [String]) throws -> DataDirectories {
        var directories: [String: ConfinedDirectory] = [:]
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let (name, path) = parts.count == 2 && !parts[0].contains("/") ? (parts[0], parts[1]) : ("", text)
            guard directories.updateValue(try dataDirectory(path), forKey: name) == nil else {
                throw ValidationError(
                    name.isEmpty
                        ? "Only one --data-dir can do without a name: write NAME=\(path)."
                        : "Two directories of --data-dir are named \(name).")
            }
        }
        return DataDirectories(directories)
    }

    private static func dataDirectory(_ path: String) throws -> ConfinedDirectory {
        do throws(FileError) {
            return try ConfinedDirectory(path: path)
        } catch {
            guard case .system(let operation, _, let code) = error else { throw ValidationError("\(error)") }
            throw ValidationError(
                unsafe "Cannot \(operation) the data directory \(path): \(String(cString: strerror(code))).")
        }
    }
}

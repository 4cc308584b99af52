import Files
import Foundation
import Glibc
import HTTPTypes
import Memory
import Scoring
package import WebService

extension DataDirectories {
    /// Proves that results may be written to a path.
    ///
    /// - Throws: A 400 problem if the server was given no directory for files.
    package func checkOutput(_ text: String) throws(Problem) {
        _ = try find(text, parameter: Self.parameter)
    }

    /// The name of the parameter that holds the path.
    private static let parameter = "output"

    /// Writes arrays as `NAME.npy` into a directory, and replaces files of these names.
    ///
    /// Arrays that an earlier run has left in the directory are removed, since they may belong to other images. Files
    /// with other names stay. When the method returns, everything is on the disk.
    ///
    /// - Parameters:
    ///   - arrays: The arrays with their names, which may contain slashes.
    ///   - names: What the images are called, if arrays of pixels have names of these; they are written too, as
    ///     ``NameList/fileName``.
    ///   - text: The path of the directory, which is made if it does not exist.
    /// - Throws: A 400 problem if the server was given no directory for files; 422 for a path that cannot be written
    ///   to; 507 if the disk is full.
    package func write(
        _ arrays: [(name: String, array: ArrayAnswer)], _ names: NameList?, to text: String
    ) throws(Problem) {
        let (directory, path) = try find(text, parameter: Self.parameter)
        let written = Set(arrays.map(\.name))
        let names = try names.map { (names) throws(Problem) in try names.json() }
        do throws(FileError) {
            let earlier = try Self.arrayNames(in: directory, path) + (try Self.namedArrays(in: directory, path))
            for name in earlier where !written.contains(name) { try directory.remove("\(path)/\(name).npy") }
            // The names come first, so that they tell of every array that is there.
            if let names {
                try directory.write("\(path)/\(NameList.fileName)", names)
            } else {
                try directory.remove("\(path)/\(NameList.fileName)")
            }
        } catch {
            throw .file(error, text, parameter: Self.parameter)
        }
        for (name, array) in arrays {
            let file = "\(path)/\(name).npy"
            do throws(FileError) {
                let npy = try FileError.wrapping { () throws(MemoryError) in try array.npy() }
                try directory.write(file, npy)
            } catch {
                throw .file(error, "\(text)/\(name).npy", parameter: Self.parameter)
            }
        }
        do throws(FileError) {
            let folders = Set(arrays.compactMap { array in array.name.lastIndex(of: "/").map { array.name[..<$0] } })
            for folder in folders { try directory.sync("\(path)/\(folder)") }
            try directory.sync(path)
        } catch {
            throw .file(error, text, parameter: Self.parameter)
        }
    }

    /// The names of the arrays that a directory holds as files, be they of all images or of one image each.
    private static func arrayNames(in directory: ConfinedDirectory, _ path: String) throws(FileError) -> [String] {
        let arrays = ScoreParameters.Array.allCases.map(\.rawValue)
        var names = try directory.names(in: path).compactMap(Self.withoutSuffix).filter { arrays.contains($0) }
        for array in arrays {
            let images = try directory.names(in: "\(path)/\(array)").compactMap(Self.withoutSuffix)
            names += images.filter { $0.utf8.count >= 6 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
                .map { "\(array)/\($0)" }
        }
        return names
    }

    /// The names of the arrays of images that have names, as the file with these tells.
    ///
    /// - Returns: None if there is no such file, or if it holds something else.
    private static func namedArrays(in directory: ConfinedDirectory, _ path: String) throws(FileError) -> [String] {
        let file: InputFile
        do throws(FileError) {
            file = try directory.open("\(path)/\(NameList.fileName)")
        } catch {
            if case .system(_, _, let code) = error, code == ENOENT || code == ENOTDIR { return [] }
            throw error
        }
        guard file.byteCount <= nameBytes else { return [] }
        // Texts and the bytes that they are read from are in memory together, and names of arrays behind them.
        let held = try FileError.wrapping { () throws(MemoryError) in try ByteReservation(8 * file.byteCount) }
        defer { withExtendedLifetime(held) {} }
        guard let names = try? JSONDecoder().decode([String].self, from: Data(file.beginning(file.byteCount)))
        else { return [] }
        let inner = names.filter { !$0.split(separator: "/").contains("..") }
        return ScoreParameters.Array.allCases.flatMap { array in inner.map { "\(array.rawValue)/\($0)" } }
    }

    /// The largest file of names that is read, in bytes.
    private static let nameBytes = 256 << 20

    private static func withoutSuffix(_ name: String) -> String? {
        name.hasSuffix(".npy") ? String(name.dropLast(4)) : nil
    }
}

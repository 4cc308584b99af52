import Files
import Glibc
import HTTPTypes
import Memory
package import Scoring
import WebService

/// A folder in which each file holds an array of one image. It may have folders of its own.
package struct ImageFolder: Sendable {
    /// The most entries that are looked at in a folder and all beneath it, files of other kinds included.
    static let entryLimit = 1 << 20

    /// The most folders that stand in one another.
    static let depthLimit = 32

    /// The most names of files that hold no images.
    private static let otherLimit = 64

    private let directory: any ReadableDirectory
    /// The path of the folder beneath the directory.
    private let path: String
    private let pattern: NamePattern
    /// The path of the folder as it was named, by which problems name it and its files.
    let text: String
    /// The array that the files hold.
    package let array: ScoringError.Array

    init(
        in directory: any ReadableDirectory, at path: String, _ pattern: NamePattern, text: String,
        of array: ScoringError.Array
    ) {
        self.directory = directory
        self.path = path
        self.pattern = pattern
        self.text = text
        self.array = array
    }

    /// A file of the folder.
    struct File: Sendable {
        /// What the image is called: the path of the file in the folder, without the suffix, or what the star of the
        /// pattern stands for.
        let name: String
        /// The path of the file in the folder.
        let path: String
    }

    /// What there is in a folder.
    struct Listing {
        /// The files of images, by name. Names are in the order of their bytes.
        var files: [File] = []
        /// The files that hold no images, at most ``otherLimit``.
        var others: [String] = []
        var otherCount = 0
        /// The memory that this takes.
        let reservation: ByteReservation
    }

    /// The suffixes of the files that are read.
    var suffixes: [String] {
        array == .labels ? [".png", ".npy", ".npz", ".safetensors"] : [".npy", ".npz", ".safetensors"]
    }

    /// The path of a file, as problems name it.
    func text(of file: File) -> String { text(of: file.path) }

    private func text(of path: String) -> String { text.hasSuffix("/") ? text + path : "\(text)/\(path)" }

    /// The files that hold no images, as problems name files; none if a pattern says which files are wanted.
    func texts(ofOthers listing: Listing) -> [String] {
        pattern == .any ? listing.others.map { text(of: $0) } : []
    }

    /// Opens a file.
    ///
    /// - Throws: A 422 problem if it cannot be read.
    func open(_ file: File) throws(Problem) -> InputFile {
        do throws(FileError) {
            return try directory.open(Self.join(path, file.path))
        } catch {
            throw .file(error, text(of: file), parameter: array.rawValue)
        }
    }

    /// Lists the folder and those in it.
    ///
    /// Names that begin with a dot are passed over, and links to folders are not followed.
    ///
    /// - Throws: A 422 problem if a folder cannot be read, has no images, has too many entries, or has two files of one
    ///   name; 503 if memory is short.
    func list() throws(Problem) -> Listing {
        var listing: Listing
        do throws(MemoryError) {
            listing = Listing(reservation: try ByteReservation())
        } catch {
            throw Problem(error)
        }
        var (waiting, count) = ([""], 0)
        while let folder = waiting.popLast() {
            do throws(FileError) {
                try directory.forEachEntry(of: folder.isEmpty ? path : Self.join(path, folder)) {
                    (entry) throws(FileError) in
                    count += 1
                    guard count <= Self.entryLimit else { throw .system(operation: "list", path: folder, code: E2BIG) }
                    guard !entry.name.hasPrefix(".") else { return }
                    let inner = folder.isEmpty ? entry.name : "\(folder)/\(entry.name)"
                    switch entry.kind {
                    case .folder: waiting.append(inner)
                    case .file, .link:
                        try FileError.wrapping { () throws(MemoryError) in
                            try add(inner, entry.name, in: folder, to: &listing)
                        }
                    case .other: break
                    }
                }
            } catch {
                guard count <= Self.entryLimit else { throw tooLarge("more than \(Self.entryLimit) entries") }
                throw unreadable(error, folder)
            }
            guard waiting.last?.count(where: { $0 == "/" }) ?? 0 < Self.depthLimit else {
                throw tooLarge("folders in one another deeper than \(Self.depthLimit)")
            }
        }
        try sort(&listing)
        return listing
    }

    private func add(
        _ path: String, _ file: String, in folder: String, to listing: inout Listing
    ) throws(MemoryError) {
        guard let name = pattern.name(of: file, suffixes: suffixes) else {
            listing.otherCount += 1
            if listing.others.count < Self.otherLimit { listing.others.append(path) }
            return
        }
        let whole = folder.isEmpty ? name : "\(folder)/\(name)"
        try listing.reservation.grow(by: Self.bytesOfAFile + path.utf8.count + whole.utf8.count)
        listing.files.append(File(name: whole, path: path))
    }

    /// The memory that a file takes in a list, beside its names: the list may be twice as long while it grows, and is
    /// sorted.
    private static let bytesOfAFile = 3 * MemoryLayout<File>.stride + 64

    private func sort(_ listing: inout Listing) throws(Problem) {
        guard !listing.files.isEmpty else { throw empty(listing) }
        // A file system has entries in any order, and names of files are bytes.
        listing.files.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        listing.others.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for (file, next) in zip(listing.files, listing.files.dropFirst()) where file.name == next.name {
            let paths = [file.path, next.path].sorted().joined(separator: " and ")
            throw Problem(
                .folderUnusable, "The folder \(text) has two files of the name \(file.name): \(paths).",
                parameter: array.rawValue, expected: "one file of each name", actual: paths)
        }
    }

    private static func join(_ folder: String, _ file: String) -> String {
        folder == "." ? file : "\(folder)/\(file)"
    }
}

extension ImageFolder {
    private func empty(_ listing: Listing) -> Problem {
        let kinds = suffixes.dropLast().joined(separator: ", ") + " or " + (suffixes.last ?? "")
        let wanted = pattern == .any ? "\(kinds) file" : "\(pattern.prefix)*\(pattern.suffix) that is a \(kinds) file"
        let others =
            listing.otherCount == 0
            ? "" : " It has \(listing.otherCount) other files, such as \(listing.others.min() ?? "")."
        return Problem(
            .folderUnusable, "The folder \(text) has no \(wanted).\(others)", parameter: array.rawValue,
            expected: "a file for each image", actual: text)
    }

    private func tooLarge(_ reason: String) -> Problem {
        Problem(
            .folderUnusable, "The folder \(text) has \(reason).", parameter: array.rawValue,
            expected: "at most \(Self.entryLimit) entries, in folders at most \(Self.depthLimit) deep", actual: text)
    }

    private func unreadable(_ error: FileError, _ folder: String) -> Problem {
        .folder(error, folder.isEmpty ? text : Self.join(text, folder), parameter: array.rawValue)
    }
}

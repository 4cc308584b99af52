/// A directory whose files are read, and whose folders are listed, by paths beneath it.
package protocol ReadableDirectory: Sendable {
    /// Opens a file for reading; errors name the file by its path beneath the directory.
    ///
    /// - Throws: ``FileError/system(operation:path:code:)``, with `ENODEV` for what is no regular file.
    func open(_ name: String) throws(FileError) -> InputFile

    /// Calls `body` with each entry of a folder, in the order that the file system has them in.
    ///
    /// - Parameters:
    ///   - name: The path of the folder beneath the directory; "." for the directory itself.
    /// - Throws: What `body` throws; ``FileError/system(operation:path:code:)`` if the folder cannot be read.
    func forEachEntry(of name: String, _ body: (DirectoryEntry) throws(FileError) -> Void) throws(FileError)
}

/// An entry of a directory.
package struct DirectoryEntry: Equatable, Sendable {
    package enum Kind: Sendable {
        case file
        case folder
        /// A symbolic link. What it leads to is found when it is opened.
        case link
        /// A device, a pipe or a socket.
        case other
    }

    package let name: String
    package let kind: Kind
}

/// A directory of the program's own user, who may have any file read.
package struct LocalDirectory: ReadableDirectory {
    private let path: String

    /// - Parameter path: The path of the directory; that it is there is found when it is read.
    package init(path: String) {
        self.path = path
    }

    package func open(_ name: String) throws(FileError) -> InputFile {
        try InputFile(path: full(name))
    }

    package func forEachEntry(
        of name: String, _ body: (DirectoryEntry) throws(FileError) -> Void
    ) throws(FileError) {
        try DirectoryReader.read(folderAt: full(name), body)
    }

    private func full(_ name: String) -> String {
        if name == "." { return path }
        return path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }
}

import Files
import Foundation
import Glibc
import Testing
import TestSupport

@Suite struct ReadableDirectoryTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path("a/b"), withIntermediateDirectories: true)
        try folder.write([1, 2, 3], "a/file")
        try FileManager.default.createSymbolicLink(atPath: folder.path("a/link"), withDestinationPath: "file")
        #expect(unsafe mkfifo(folder.path("a/pipe"), 0o600) == 0)
    }

    private func directories() throws -> [any ReadableDirectory] {
        [try ConfinedDirectory(path: folder.path), LocalDirectory(path: folder.path)]
    }

    private func entries(_ directory: any ReadableDirectory, _ name: String) throws -> [String: DirectoryEntry.Kind] {
        var entries: [String: DirectoryEntry.Kind] = [:]
        try directory.forEachEntry(of: name) { entries[$0.name] = $0.kind }
        return entries
    }

    @Test func tellsEntriesWithTheirKinds() throws {
        for directory in try directories() {
            #expect(try entries(directory, "a") == ["b": .folder, "file": .file, "link": .link, "pipe": .other])
            #expect(try entries(directory, ".") == ["a": .folder])
            #expect(try entries(directory, "a/b").isEmpty)
            #expect(try directory.open("a/link").byteCount == 3)
        }
    }

    @Test func saysWhyAFolderCannotBeRead() throws {
        for directory in try directories() {
            for (name, expected) in [("none", ENOENT), ("a/file", ENOTDIR)] {
                #expect {
                    try entries(directory, name)
                } throws: { error in
                    guard case .system(_, _, let code)? = error as? FileError else { return false }
                    return code == expected
                }
            }
        }
    }

    @Test func endsWithTheErrorOfTheBody() throws {
        for directory in try directories() {
            var count = 0
            #expect(throws: FileError.endOfFile(path: "x")) {
                try directory.forEachEntry(of: "a") { (_) throws(FileError) in
                    count += 1
                    throw .endOfFile(path: "x")
                }
            }
            #expect(count == 1)
        }
    }
}

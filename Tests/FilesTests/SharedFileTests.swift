import Foundation
import Testing
import TestSupport

@testable import Files
@testable import Memory

@Suite struct SharedFileTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func readsWhatOthersWriteAndWritesWhatTheyRead() throws {
        try folder.write([1, 2, 3, 4, 5, 6], "shared")
        let file = try SharedFile("shared", in: folder.path)
        #expect(try file.byteCount() == 6)
        try file.write(Buffer<UInt8>([9, 8, 7]), 1..<3, at: 2)
        #expect(try folder.bytes("shared") == [1, 2, 8, 7, 5, 6])
        var read: [UInt8] = []
        let buffer = try Buffer<UInt8>(zeroed: 2)
        try file.read(1..<6, through: buffer, or: { $0 }) { (bytes, _) throws(FileError) in
            for index in 0..<bytes.count { read.append(bytes[index]) }
        }
        #expect(read == [2, 8, 7, 5, 6])
    }

    @Test func seesThatTheFileShrinks() throws {
        try folder.write([1, 2, 3], "shared")
        let file = try SharedFile("shared", in: folder.path)
        #expect(truncate(folder.path("shared"), 1) == 0)
        #expect(try file.byteCount() == 1)
        let buffer = try Buffer<UInt8>(zeroed: 2)
        #expect(throws: FileError.endOfFile(path: folder.path("shared"))) {
            try file.read(0..<3, through: buffer, or: { $0 }) { (_, _) throws(FileError) in }
        }
    }

    @Test func opensRegularFilesOnly() throws {
        try folder.write([1], "file")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("link"), withDestinationPath: folder.path("file"))
        #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
        for (name, code) in [("missing", ENOENT), ("link", ELOOP), ("pipe", ENODEV), (".", EISDIR)] {
            let path = folder.path(name)
            let operation = name == "pipe" ? "read" : "open"
            #expect(throws: FileError.system(operation: operation, path: path, code: code)) {
                try SharedFile(name, in: folder.path)
            }
        }
    }
}

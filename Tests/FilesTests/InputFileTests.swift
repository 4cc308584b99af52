import Foundation
import Testing

@testable import Files
@testable import Memory

@Suite final class InputFileTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    }

    deinit {
        do {
            try FileManager.default.removeItem(at: folder)
        } catch {
            Issue.record(error)
        }
    }

    private func file(_ bytes: [UInt8]) throws -> String {
        let url = folder.appending(path: "file")
        try Data(bytes).write(to: url)
        return url.path
    }

    private func read(_ file: InputFile, _ range: Range<Int>, bufferSize: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var positions: [Int] = []
        let buffer = try Buffer<UInt8>(zeroed: bufferSize)
        try file.read(range, through: buffer, or: { $0 }) { (part, position) throws(FileError) in
            positions.append(position)
            for index in 0..<part.count { bytes.append(part[index]) }
        }
        #expect(positions == Array(stride(from: range.lowerBound, to: range.upperBound, by: bufferSize)))
        return bytes
    }

    @Test(arguments: [1, 7, 4096, 100_000]) func readsAnyPartThroughABufferOfAnySize(bufferSize: Int) throws {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let file = try InputFile(path: file(bytes))
        #expect(file.byteCount == bytes.count)
        for range in [0..<10_000, 0..<0, 17..<18, 4095..<8193, 9999..<10_000] {
            #expect(try read(file, range, bufferSize: bufferSize) == Array(bytes[range]))
        }
    }

    @Test func readsAFileThatWasRemoved() throws {
        let path = try file([1, 2, 3])
        let file = try InputFile(path: path)
        try FileManager.default.removeItem(atPath: path)
        #expect(try read(file, 0..<3, bufferSize: 8) == [1, 2, 3])
    }

    /// A mapped file that shrinks ends the process.
    @Test func reportsAFileThatHasShrunk() throws {
        let path = try file([UInt8](repeating: 1, count: 100_000))
        let file = try InputFile(path: path)
        #expect(truncate(path, 10) == 0)
        #expect(throws: FileError.endOfFile(path: path)) { try read(file, 0..<100_000, bufferSize: 4096) }
    }

    @Test func passesOnWhatTheReaderThrows() throws {
        let file = try InputFile(path: file([1, 2, 3]))
        let buffer = try Buffer<UInt8>(zeroed: 2)
        #expect(throws: FileError.memory(.outOfMemory(byteCount: 2))) {
            try file.read(0..<3, through: buffer, or: { $0 }) { (_, position) throws(FileError) in
                if position == 2 { throw .memory(.outOfMemory(byteCount: position)) }
            }
        }
    }

    @Test func reportsAMissingFile() {
        let path = folder.appending(path: "missing").path
        #expect(throws: FileError.system(operation: "open", path: path, code: ENOENT)) { try InputFile(path: path) }
    }

    @Test func reportsAFolder() {
        let path = folder.path
        #expect(throws: FileError.system(operation: "read", path: path, code: ENODEV)) { try InputFile(path: path) }
    }

    /// To open a pipe waits for a writer, unless it is told not to.
    @Test(.timeLimit(.minutes(1))) func reportsAPipeAtOnce() throws {
        let path = folder.appending(path: "pipe").path
        #expect(mkfifo(path, 0o600) == 0)
        #expect(throws: FileError.system(operation: "read", path: path, code: ENODEV)) { try InputFile(path: path) }
    }

    @Test func reportsAFileThatMayNotBeRead() throws {
        let path = try file([1])
        let file = try InputFile(owning: open(path, O_WRONLY), path: path)
        #expect(throws: FileError.system(operation: "read", path: path, code: EBADF)) {
            try read(file, 0..<1, bufferSize: 1)
        }
    }

    @Test func readsWhatWasSpooled() throws {
        let spool = try SpoolFile(directory: folder.path)
        let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try spool.append(bytes.span.extracting(0..<3000))
        try spool.append(bytes.span.extracting(3000..<5000))
        #expect(try read(try spool.reader(), 0..<5000, bufferSize: 512) == bytes)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }
}

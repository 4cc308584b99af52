import Foundation
import Tensors
import Testing

@Suite final class MappedFileTests {
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

    @Test(arguments: [1, 4095, 4096, 4097, 100_000]) func mapsTheWholeFile(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let file = try MappedFile(path: file(bytes))
        #expect(file.count == count)
        #expect(file.stableBytes.elementsEqual(bytes))
        #expect(file.span.indices.map { file.span[$0] } == bytes)
    }

    @Test func mapsAnEmptyFile() throws {
        let file = try MappedFile(path: file([]))
        #expect(file.count == 0)
        let isEmpty = file.span.isEmpty
        #expect(isEmpty)
        #expect(file.stableBytes.isEmpty)
    }

    @Test func keepsTheBytesOfAFileThatWasRemoved() throws {
        let path = try file([1, 2, 3])
        let file = try MappedFile(path: path)
        try FileManager.default.removeItem(atPath: path)
        #expect(file.stableBytes.elementsEqual([1, 2, 3]))
    }

    @Test func leavesTheDescriptorToItsOwner() throws {
        let path = try file([1, 2, 3])
        let descriptor = open(path, O_RDONLY)
        do {
            let file = try MappedFile(descriptor: descriptor, path: path)
            #expect(file.count == 3)
        }
        #expect(close(descriptor) == 0)
    }

    @Test func reportsAMissingFile() {
        let path = folder.appending(path: "missing").path
        #expect(throws: TensorError.system(operation: "open", path: path, code: ENOENT)) { try MappedFile(path: path) }
    }

    @Test func reportsAFolder() {
        let path = folder.path
        #expect(throws: TensorError.system(operation: "map", path: path, code: ENODEV)) { try MappedFile(path: path) }
    }

    /// To open a pipe waits for a writer, unless it is told not to.
    @Test(.timeLimit(.minutes(1))) func reportsAPipeAtOnce() throws {
        let path = folder.appending(path: "pipe").path
        #expect(mkfifo(path, 0o600) == 0)
        #expect(throws: TensorError.system(operation: "map", path: path, code: ENODEV)) { try MappedFile(path: path) }
    }

    @Test func reportsADescriptorThatIsNotOpen() {
        #expect(throws: TensorError.system(operation: "stat", path: "gone", code: EBADF)) {
            try MappedFile(descriptor: -1, path: "gone")
        }
    }

    @Test func reportsAFileThatMayNotBeRead() throws {
        let path = try file([1])
        let descriptor = open(path, O_WRONLY)
        defer { close(descriptor) }
        #expect(throws: TensorError.system(operation: "map", path: path, code: EACCES)) {
            try MappedFile(descriptor: descriptor, path: path)
        }
    }
}

import Files
import Foundation
import Memory
import Testing
import TestSupport

@Suite struct MappedFileTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path("file") }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func values<Element>(_ buffer: Buffer<Element>) -> [Element] { buffer.span.indices.map { buffer.span[$0] } }

    @Test func readsBackWhatWasWritten() throws {
        let (bytes, reals) = ((0..<5000).map { UInt8(truncatingIfNeeded: $0) }, [0.5, -.infinity, 0x1p-1074])
        let arrays: [any StableBytes] = [try Buffer(bytes), try Buffer(reals)]
        try ArrayFile.write(arrays, to: path)
        let (offsets, byteCount) = ArrayFile.offsets(of: [5000, 24])
        let file = try MappedFile(path: path, byteCount: byteCount)
        #expect(values(file.buffer(at: offsets[0], count: 5000)) == bytes)
        #expect(values(file.buffer(at: offsets[1], count: 3)) == reals)
        #expect(values(file.buffer(at: offsets[1] + 8, count: 1) as Buffer<Double>) == [-.infinity])
        #expect((file.buffer(at: byteCount, count: 0) as Buffer<Double>).count == 0)
    }

    @Test func readsTheBeginningOfALongerFile() throws {
        try folder.write([1, 2, 3, 4], "file")
        let file = try MappedFile(path: path, byteCount: 2)
        #expect(values(file.buffer(at: 0, count: 2) as Buffer<UInt8>) == [1, 2])
    }

    /// What is mapped of a file and not in it ends the process.
    @Test(arguments: [0, 1, 99]) func refusesAFileThatIsTooShort(byteCount: Int) throws {
        try folder.write([UInt8](repeating: 1, count: byteCount), "file")
        #expect(throws: FileError.endOfFile(path: path)) { try MappedFile(path: path, byteCount: 100) }
    }

    @Test func holdsZerosWhereTheFileBecameShorter() throws {
        let count = 64 << 10
        try folder.write([UInt8](repeating: 7, count: count), "file")
        try folder.write([UInt8](repeating: 9, count: count), "other")
        // Some that are gone, so that places are used again.
        for _ in 0..<300 { _ = try MappedFile(path: path, byteCount: count) }
        let (file, other) = (
            try MappedFile(path: path, byteCount: count), try MappedFile(path: folder.path("other"), byteCount: count)
        )
        let (bytes, others): (Buffer<UInt8>, Buffer<UInt8>) = (
            file.buffer(at: 0, count: count), other.buffer(at: 0, count: count)
        )
        let faults = MappedFile.faultCount
        #expect(truncate(path, 5000) == 0)
        #expect(values(bytes)[..<5000].allSatisfy { $0 == 7 })
        #expect(values(bytes)[8192...].allSatisfy { $0 == 0 })
        #expect(values(others).allSatisfy { $0 == 9 })
        #expect(MappedFile.faultCount > faults)
    }

    @Test func holdsManyAtOnce() throws {
        try folder.write([3], "file")
        let files = try (0..<3000).map { _ in try MappedFile(path: path, byteCount: 1) }
        #expect(files.allSatisfy { values($0.buffer(at: 0, count: 1) as Buffer<UInt8>) == [3] })
    }

    @Test func reportsAMissingFile() {
        #expect(throws: FileError.system(operation: "open", path: path, code: ENOENT)) {
            try MappedFile(path: path, byteCount: 1)
        }
    }

    @Test func keepsOutOfTheFileWhatIsWrittenToTheMemory() throws {
        try folder.write([1, 2, 3], "file")
        let (first, second) = (try MappedFile(path: path, byteCount: 3), try MappedFile(path: path, byteCount: 3))
        let buffer: Buffer<UInt8> = first.buffer(at: 0, count: 3)
        buffer.withMutableSpan { $0[1] = 9 }
        #expect(values(buffer) == [1, 9, 3])
        #expect(values(first.buffer(at: 1, count: 1) as Buffer<UInt8>) == [9])
        #expect(values(second.buffer(at: 0, count: 3) as Buffer<UInt8>) == [1, 2, 3])
        #expect(try folder.bytes("file") == [1, 2, 3])
    }

    @Test func livesAsLongAsItsLastBufferEvenWithoutAFile() throws {
        try folder.write([1, 2, 3, 4], "file")
        weak var mapping: MappedFile?
        var buffers: [Buffer<UInt16>] = []
        do {
            let file = try MappedFile(path: path, byteCount: 4)
            mapping = file
            buffers = [file.buffer(at: 0, count: 1), file.buffer(at: 2, count: 1)]
        }
        #expect(unlink(path) == 0)
        #expect(mapping != nil)
        #expect(buffers.map(values) == [[0x0201], [0x0403]])
        buffers.removeFirst()
        #expect(mapping != nil)
        #expect(values(buffers[0]) == [0x0403])
        buffers = []
        #expect(mapping == nil)
    }

    /// A descriptor each would end a server that keeps many results.
    @Test func holdsNoDescriptor() throws {
        try folder.write([1], "file")
        let files = try (0..<8).map { _ in try MappedFile(path: path, byteCount: 1) }
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        let targets = descriptors.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + $0)
        }
        #expect(!targets.contains(path) && files.count == 8)
    }
}

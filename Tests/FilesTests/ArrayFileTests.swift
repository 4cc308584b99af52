import Files
import Foundation
import Glibc
import Memory
import Testing
import TestSupport

@Suite struct ArrayFileTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: [
        ([], [], 0), ([0], [0], 0), ([1], [0], 1), ([64, 1], [0, 64], 65), ([65, 0, 63], [0, 128, 128], 191),
        ([1, 1, 1], [0, 64, 128], 129), ([0, 0, 5], [0, 0, 0], 5),
    ])
    func laysArraysAtMultiplesOf64(sizes: [Int], offsets: [Int], byteCount: Int) {
        let found = ArrayFile.offsets(of: sizes)
        #expect(found.offsets == offsets)
        #expect(found.byteCount == byteCount)
    }

    @Test func writesArraysOneBehindTheOther() throws {
        let (bytes, numbers) = (try Buffer<UInt8>([1, 2, 3]), try Buffer<UInt16>([0x0405, 0x0607]))
        let none = try Buffer<Double>([])
        try ArrayFile.write([bytes, none, numbers], to: folder.path("file"))
        #expect(try folder.bytes("file") == [1, 2, 3] + [UInt8](repeating: 0, count: 61) + [5, 4, 7, 6])
    }

    /// Whoever knows a job's id may read the job, and so nobody else's process reads its files.
    @Test func writesForNobodyElse() throws {
        let mask = umask(0)
        defer { umask(mask) }
        try ArrayFile.write([try Buffer<UInt8>([1])], to: folder.path("file"))
        var status = stat()
        #expect(stat(folder.path("file"), &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func refusesAPathWhereSomethingIs() throws {
        let path = folder.path("file")
        try folder.write([7, 8], "file")
        #expect(throws: FileError.system(operation: "create", path: path, code: EEXIST)) {
            try ArrayFile.write([try Buffer<UInt8>([1])], to: path)
        }
        #expect(try folder.bytes("file") == [7, 8])
    }

    @Test func reportsADirectoryThatIsNotThere() throws {
        let path = folder.path("missing/file")
        #expect(throws: FileError.system(operation: "create", path: path, code: ENOENT)) {
            try ArrayFile.write([try Buffer<UInt8>([1])], to: path)
        }
        #expect(throws: FileError.system(operation: "open", path: folder.path("missing"), code: ENOENT)) {
            try ArrayFile.syncDirectory(folder.path("missing"))
        }
        #expect(try folder.names() == [])
    }

    @Test func leavesNoFileWhereWritingFails() throws {
        let path = folder.path("file")
        let (first, unreadable) = (try Buffer<UInt8>([1, 2, 3]), try UnreadableBytes())
        #expect(throws: FileError.system(operation: "write to", path: path, code: EFAULT)) {
            try ArrayFile.write([first, unreadable], to: path)
        }
        #expect(try folder.names() == [])
    }

    @Test func provesWhatWasWritten() throws {
        let path = folder.path("file")
        // More than is read at once.
        let bytes = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let arrays: [any StableBytes] = [try Buffer(bytes), try Buffer<Double>([]), try Buffer<UInt16>([1, 2])]
        let (sizes, checksums) = ([600_000, 0, 4], try ArrayFile.write(arrays, to: path))
        try ArrayFile.check(path, sizes, checksums)
        try ArrayFile.check(path, [600_000], checksums)
        let file = try folder.bytes("file")
        for place in [0, 299_999, 599_999, 600_003] {
            var changed = file
            changed[place] ^= 1
            try folder.write(changed, "file")
            #expect(throws: FileError.damaged(path: path)) { try ArrayFile.check(path, sizes, checksums) }
        }
        try folder.write(Array(file.dropLast()), "file")
        #expect(throws: FileError.endOfFile(path: path)) { try ArrayFile.check(path, sizes, checksums) }
        try ArrayFile.check(path, [600_000], checksums)
        #expect(throws: FileError.damaged(path: path)) { try ArrayFile.check(path, sizes, []) }
    }

    /// The check value of CRC-64/XZ, by whose name this polynomial goes.
    @Test func computesTheChecksumThatItSays() throws {
        var checksum = Checksum()
        checksum.update(Array("1234".utf8).span)
        checksum.update(Array("56789".utf8).span)
        let text = String(decoding: try JSONEncoder().encode([checksum]), as: UTF8.self)
        #expect(text == "[\(Int64(bitPattern: 0x995d_c9bb_df19_39fa))]")
        #expect(try JSONDecoder().decode([Checksum].self, from: Data(text.utf8)) == [checksum])
    }

    @Test func cutsAFileOff() throws {
        try ArrayFile.write([try Buffer<UInt8>([1, 2, 3]), try Buffer<UInt8>([4])], to: folder.path("file"))
        try ArrayFile.truncate(folder.path("file"), to: 3)
        try ArrayFile.syncDirectory(folder.path)
        #expect(try folder.bytes("file") == [1, 2, 3])
        let missing = folder.path("missing")
        #expect(throws: FileError.system(operation: "truncate", path: missing, code: ENOENT)) {
            try ArrayFile.truncate(missing, to: 3)
        }
    }
}

/// A page that nobody may read, not even the system.
private final class UnreadableBytes: StableBytes {
    private static let byteCount = 4096
    private nonisolated(unsafe) let start: UnsafeMutableRawPointer

    init() throws {
        let memory = mmap(nil, Self.byteCount, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        start = try #require(memory == MAP_FAILED ? nil : memory)
    }

    deinit {
        munmap(start, Self.byteCount)
    }

    var stableBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: Self.byteCount) }
}

import Foundation
import Testing
import TestSupport

@testable import Files
@testable import Memory

/// Reads the memory of this process itself, which is at the other end of a pair of sockets.
@Suite struct ClientBytesTests {
    private let folder: TemporaryFolder
    private let process: ForeignProcess

    init() throws {
        folder = try TemporaryFolder()
        var pair: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        defer { pair.forEach { close($0) } }
        process = try ForeignProcess(connectedBy: pair[0])
    }

    private func read(_ file: InputFile, _ range: Range<Int>, bufferSize: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let buffer = try Buffer<UInt8>(zeroed: bufferSize)
        try file.read(range, through: buffer, or: { $0 }) { (read, _) throws(FileError) in
            for index in 0..<read.count { bytes.append(read[index]) }
        }
        return bytes
    }

    private func piece(of buffer: Buffer<UInt8>, _ range: Range<Int>) -> ClientPiece {
        let start = unsafe Int(bitPattern: buffer.stableBytes.baseAddress)
        return ClientPiece(.memory(address: start + range.lowerBound), byteCount: range.count)
    }

    @Test func piecesFollowOneAnother() throws {
        let memory = try Buffer<UInt8>(Array(0..<100))
        try folder.write(Array(100..<150), "file")
        let descriptor = open(folder.path("file"), O_RDONLY)
        defer { close(descriptor) }
        let inFile = ClientPiece(.file(descriptor, offset: 7), byteCount: 20)
        let pieces = [
            piece(of: memory, 10..<10), piece(of: memory, 40..<60), inFile, piece(of: memory, 0..<0), inFile,
            piece(of: memory, 99..<100),
        ]
        let expected = Array(40..<60) + Array(107..<127) + Array(107..<127) + [99] as [UInt8]
        let file = try InputFile(pieces, of: process)
        #expect(file.byteCount == expected.count)
        for bufferSize in [1, 7, 20, 100] {
            #expect(try read(file, 0..<expected.count, bufferSize: bufferSize) == expected)
        }
        for start in 0..<expected.count {
            #expect(try read(file, start..<expected.count, bufferSize: 3) == Array(expected[start...]))
        }
        #expect(throws: FileError.endOfFile(path: file.path)) { try read(file, 50..<62, bufferSize: 100) }
        #expect(throws: FileError.endOfFile(path: file.path)) {
            try read(InputFile([], of: process), 0..<1, bufferSize: 1)
        }
    }

    @Test func sumsOfGreatNumbersAreNoNumbersTooGreat() throws {
        let file = try InputFile([ClientPiece(.memory(address: 1 << 61), byteCount: 1 << 61)], of: process)
        #expect(throws: FileError.clientMemory(code: EFAULT)) { try read(file, (1 << 61) - 1..<1 << 61, bufferSize: 1) }
    }

    @Test func whatIsNotThereIsAnError() throws {
        let nothing = try InputFile([ClientPiece(.memory(address: 0), byteCount: 8)], of: process)
        #expect(throws: FileError.clientMemory(code: EFAULT)) { try read(nothing, 0..<8, bufferSize: 8) }
        #expect(throws: FileError.clientMemory(code: EBADF)) {
            try InputFile([ClientPiece(.file(999_999, offset: 0), byteCount: 1)], of: process)
        }
        #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
        let pipe = open(folder.path("pipe"), O_RDONLY | O_NONBLOCK)
        defer { close(pipe) }
        #expect(throws: FileError.clientMemory(code: ENODEV)) {
            try InputFile([ClientPiece(.file(pipe, offset: 0), byteCount: 1)], of: process)
        }
        let unreadable = open(folder.path("file"), O_WRONLY | O_CREAT, 0o600)
        defer { close(unreadable) }
        let file = try InputFile([ClientPiece(.file(unreadable, offset: 0), byteCount: 1)], of: process)
        #expect(throws: FileError.clientMemory(code: EBADF)) { try read(file, 0..<1, bufferSize: 1) }
    }

    @Test func whatIsNoUnixSocketLeadsToNobody() throws {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        for descriptor in [socket, -1] {
            #expect(throws: ForeignProcess.Refusal.self) { try ForeignProcess(connectedBy: descriptor) }
        }
    }
}

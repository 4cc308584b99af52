import Glibc
import Memory

/// Pieces of a client's memory, and of files that it has open, one behind the other.
final class ClientBytes: ByteSource {
    private enum Place {
        case memory(Int)
        case file(OpenFile, offset: Int)
    }

    /// The files that one array may lie in, so that nobody takes all descriptors.
    private static let fileLimit = 64

    private let process: ForeignProcess
    private let places: [Place]
    /// Where each piece begins, and at last where the bytes end.
    private let starts: [Int]
    var byteCount: Int { starts[places.count] }

    /// - Throws: ``FileError/clientMemory(code:)``, with `EMFILE` for too many files, and `ENODEV` for what is no regular
    ///   file.
    init(_ pieces: [ClientPiece], of process: ForeignProcess) throws(FileError) {
        self.process = process
        var (places, starts, files) = ([Place](), [0], [Int32: OpenFile]())
        for piece in pieces {
            switch piece.origin {
            case .memory(let address): places.append(.memory(address))
            case .file(let number, let offset):
                let file: OpenFile
                if let known = files[number] {
                    file = known
                } else {
                    guard files.count < Self.fileLimit else { throw .clientMemory(code: EMFILE) }
                    file = try Self.open(number, of: process)
                    files[number] = file
                }
                places.append(.file(file, offset: offset))
            }
            starts.append(starts[starts.count - 1] + piece.byteCount)
        }
        (self.places, self.starts) = (places, starts)
    }

    private static func open(_ number: Int32, of process: ForeignProcess) throws(FileError) -> OpenFile {
        let descriptor = try FileError.ofClient { () throws(ForeignProcess.Refusal) in try process.duplicate(number) }
        return try Self.ofClient { () throws(FileError) in
            try OpenFile(owning: descriptor, path: "descriptor \(number) of the client")
        }
    }

    /// Does what fails for a file that the client should not have named, as one that it may only write to.
    ///
    /// - Throws: ``FileError/clientMemory(code:)`` in place of ``FileError/system(operation:path:code:)``.
    private static func ofClient<Result>(_ body: () throws(FileError) -> Result) throws(FileError) -> Result {
        do throws(FileError) {
            return try body()
        } catch {
            guard case .system(_, _, let code) = error else { throw error }
            throw .clientMemory(code: code)
        }
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, from position: Int) throws(FileError) -> Int {
        guard position < byteCount else { return 0 }
        // The last piece that begins at the position or ahead of it: pieces without bytes are passed over.
        var (low, high) = (0, places.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            (low, high) = starts[middle] <= position ? (middle, high) : (low, middle - 1)
        }
        let count = min(bytes.count, starts[low + 1] - position)
        let wanted = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
        switch places[low] {
        case .file(let file, let offset):
            return try Self.ofClient { () throws(FileError) in
                try unsafe file.read(into: wanted, from: offset + position - starts[low])
            }
        case .memory(let address):
            let start = address + position - starts[low]
            return try FileError.ofClient { () throws(ForeignProcess.Refusal) in
                try unsafe process.read(at: start, into: wanted)
            }
        }
    }
}

/// Neighbouring bytes that a client has.
package struct ClientPiece: Equatable, Sendable {
    package enum Origin: Equatable, Sendable {
        /// Memory of the client.
        case memory(address: Int)
        /// A file that the client has open under a number.
        case file(Int32, offset: Int)
    }

    let origin: Origin
    package let byteCount: Int

    /// - Parameters:
    ///   - origin: Where the first byte is.
    ///   - byteCount: How many bytes there are. They end below 2^63.
    package init(_ origin: Origin, byteCount: Int) {
        self.origin = origin
        self.byteCount = byteCount
    }
}

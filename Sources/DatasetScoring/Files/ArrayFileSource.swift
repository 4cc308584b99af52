import HTTPTypes
import Scoring
import TensorCodecs
import Tensors
import WebService

/// A file that holds an array: an npy file, or a member of an npz.
struct ArrayFileSource {
    let file: InputFile

    /// The name of the member, with or without `.npy`; nil for an npy file.
    let member: String?

    /// Hands the array to a destination, from its first byte to its last.
    ///
    /// - Throws: What is wrong with the file or the array.
    func read(_ array: ScoringError.Array, into destination: any ArrayDestination) throws(Problem) {
        let intake = ArrayIntake(destination)
        guard let member else {
            try requireArray(array)
            var part = NpyPart(array, intake, byteLimit: .max)
            try file.read(0..<file.byteCount, of: array) { (bytes) throws(Problem) in try part.receive(bytes) }
            return try part.finish()
        }
        let picker = MemberPicker(member.hasSuffix(".npy") ? member : member + ".npy", array, intake)
        let decoder = NpzDecoder(receiver: picker, byteLimit: .max)
        do throws(Problem) {
            try file.read(0..<file.byteCount, of: array) { (bytes) throws(Problem) in try decoder.decode(bytes) }
            try decoder.finish()
        } catch {
            throw error.found(in: array)
        }
        guard picker.isFound else {
            throw Problem(
                .unprocessableContent, "file-unusable",
                "The file \(file.path) has no member \(member); it has \(memberNames).",
                parameter: array.rawValue, expected: "an npz file with that member", actual: file.path)
        }
    }

    /// - Throws: 422 where the file is an archive and no member of it is named.
    func requireArray(_ array: ScoringError.Array) throws(Problem) {
        guard member == nil, ZipMembers.isArchive(file) else { return }
        throw Problem(
            .unprocessableContent, "file-unusable",
            "The file \(file.path) is an archive: name one of its members, which are \(memberNames).",
            parameter: array.rawValue, expected: "\(file.path)#MEMBER", actual: file.path)
    }

    private var memberNames: String {
        let names = ZipMembers.names(in: file).map { $0.hasSuffix(".npy") ? String($0.dropLast(4)) : $0 }
        return names.isEmpty ? "none" : names.joined(separator: ", ")
    }
}

extension InputFile {
    /// Reads neighbouring bytes of the file of an array, piece by piece.
    ///
    /// - Throws: What `body` throws; 422 for a file that shrinks; 503 where memory is short.
    func read(
        _ range: Range<Int>, of array: ScoringError.Array,
        _ body: (borrowing Span<UInt8>) throws(Problem) -> Void
    ) throws(Problem) {
        let buffer: Buffer<UInt8>
        do throws(TensorError) {
            buffer = try Buffer(uninitialized: min(BandReader.bufferSize, max(range.count, 1)))
        } catch {
            throw Problem(error)
        }
        try read(range, through: buffer, or: { Problem($0).found(in: array) }) { (bytes, _) throws(Problem) in
            try body(bytes)
        }
    }
}

/// Reads one member of an archive, and passes over the others.
private final class MemberPicker: EntryReceiver {
    private let name: String
    private let array: ScoringError.Array
    private let intake: ArrayIntake
    private var part: NpyPart?
    private(set) var isFound = false

    init(_ name: String, _ array: ScoringError.Array, _ intake: ArrayIntake) {
        self.name = name
        self.array = array
        self.intake = intake
    }

    func begin(entry name: String) throws(Problem) {
        guard name == self.name else { return }
        isFound = true
        part = NpyPart(array, intake, byteLimit: .max)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try part?.receive(bytes)
    }

    func end(entry name: String) throws(Problem) {
        try part?.finish()
        part = nil
    }
}

import Codecs
import Scoring
import WebService

/// Decodes an npz file that holds one array of a request, as nnU-Net writes it. Every problem with the file names the
/// array.
struct NpzArrayDecoder {
    private let array: ScoringError.Array
    private let picker: EntryPicker
    private let decoder: NpzDecoder<EntryPicker>

    init(_ array: ScoringError.Array, of inputs: any RequestInputs, byteLimit: Int) {
        self.array = array
        picker = EntryPicker(array, inputs, byteLimit: byteLimit)
        decoder = NpzDecoder(receiver: picker, byteLimit: byteLimit)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try array.naming { () throws(Problem) in try decoder.decode(bytes) }
    }

    func finish() throws(Problem) {
        try array.naming { () throws(Problem) in try decoder.finish() }
        guard picker.isFound else {
            let names = picker.others.joined(separator: ", ")
            throw Problem(
                .missingArray, "The npz file that is \(array.rawValue) has no array of that name.",
                parameter: array.rawValue, expected: "an array called \(array.names.joined(separator: " or "))",
                actual: names.isEmpty ? "none" : names)
        }
    }

    /// Whether a file begins as npz files do.
    static func begins(_ beginning: [UInt8]) -> Bool { beginning.starts(with: Array("PK".utf8)) }
}

/// Picks the entry that is an array, and notes the others, which are ignored.
private final class EntryPicker: EntryReceiver {
    private let array: ScoringError.Array
    private let inputs: any RequestInputs
    private let byteLimit: Int
    private var decoder: NpyArrayDecoder?
    private(set) var isFound = false

    /// The names of the first of the other entries.
    private(set) var others: [String] = []

    /// How many names are kept.
    private static let nameLimit = 8

    init(_ array: ScoringError.Array, _ inputs: any RequestInputs, byteLimit: Int) {
        self.array = array
        self.inputs = inputs
        self.byteLimit = byteLimit
    }

    func begin(entry name: String) throws(Problem) {
        guard let entry = NpzBody.arrayName(name) else { return }
        guard array.isCalled(entry) else {
            if others.count < Self.nameLimit { others.append(entry) }
            return inputs.passOver(name)
        }
        guard !isFound else {
            throw Problem(
                .repeatedArray, "The npz file that is \(array.rawValue) has several arrays of its names.",
                parameter: array.rawValue, expected: "one", actual: entry)
        }
        isFound = true
        // What follows in the file is not known, nor whether parameters follow it.
        decoder = NpyArrayDecoder(array, of: inputs, byteLimit: byteLimit, bytesToEnd: nil)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try decoder?.receive(bytes)
    }

    func end(entry name: String) throws(Problem) {
        try decoder?.finish()
        decoder = nil
    }
}

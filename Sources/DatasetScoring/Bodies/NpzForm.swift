import Scoring
import TensorCodecs
import WebService

/// A body that is an npz file: one entry an array. What else is in the archive is passed over.
final class NpzForm: ArrayBody.Form {
    private let decoder: NpzDecoder<Entries>

    init(_ intake: ArrayIntake, byteLimit: Int) {
        decoder = NpzDecoder(receiver: Entries(intake, byteLimit: byteLimit), byteLimit: byteLimit)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try decoder.decode(bytes)
    }

    func finish() throws(Problem) {
        try decoder.finish()
    }

    func complete() throws(Problem) {}

    /// What an entry calls its array, in whatever folder of the archive it is; nil for a folder, and for what a Mac puts
    /// beside each file.
    static func arrayName(_ entry: String) -> String? {
        let parts = entry.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, !name.isEmpty, parts.first != "__MACOSX" else { return nil }
        return String(name.hasSuffix(".npy") ? name.dropLast(4) : name)
    }

    /// Sends each entry through a decoder of its own.
    private final class Entries: EntryReceiver {
        private let intake: ArrayIntake
        private let byteLimit: Int
        private var current: NpyPart?

        init(_ intake: ArrayIntake, byteLimit: Int) {
            self.intake = intake
            self.byteLimit = byteLimit
        }

        func begin(entry name: String) throws(Problem) {
            let array = NpzForm.arrayName(name)
            guard let array, intake.array(named: array) != nil else { return intake.destination.passOver(name) }
            current = NpyPart(try intake.open(array), intake, byteLimit: byteLimit)
        }

        func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
            try current?.receive(bytes)
        }

        func end(entry name: String) throws(Problem) {
            try current?.finish()
            current = nil
        }
    }
}

/// One npy file in a body.
struct NpyPart {
    private let array: ScoringError.Array
    private let port: ArrayPort
    private var decoder: NpyDecoder<ArrayPort>

    /// How many bytes of the file are sure to come, whatever they are.
    var certainBytes: Int { port.certainBytes }

    /// - Parameters:
    ///   - bytesToEnd: See ``ArrayPort/init(_:of:byteLimit:bytesToEnd:)``.
    init(_ array: ScoringError.Array, _ intake: ArrayIntake, byteLimit: Int, bytesToEnd: Int? = 0) {
        self.array = array
        port = ArrayPort(array, of: intake.destination, byteLimit: byteLimit, bytesToEnd: bytesToEnd)
        decoder = NpyDecoder(receiver: port, byteLimit: .max)
    }

    mutating func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        do throws(Problem) {
            try decoder.decode(bytes)
        } catch {
            throw error.found(in: array)
        }
    }

    func finish() throws(Problem) {
        do throws(Problem) {
            try decoder.finish()
        } catch {
            throw error.found(in: array)
        }
    }
}

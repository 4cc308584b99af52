import Codecs
import Scoring
import WebService

/// Decodes a body that is an npz file, each entry of which is an array, or the pixels of the images. Other entries are
/// ignored.
final class NpzBody: BodyDecoder {
    private let decoder: NpzDecoder<Entries>

    init(_ arrays: NamedArrays, byteLimit: Int) {
        decoder = NpzDecoder(receiver: Entries(arrays, byteLimit: byteLimit), byteLimit: byteLimit)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try decoder.decode(bytes)
    }

    func finish() throws(Problem) {
        try decoder.finish()
    }

    func complete() throws(Problem) {}

    /// The name that an entry gives its array, whichever folder of the archive the entry lies in; nil for a folder, and
    /// for the files that macOS adds beside each file.
    static func arrayName(_ entry: String) -> String? {
        let parts = entry.split(separator: "/", omittingEmptySubsequences: false)
        guard let name = parts.last, !name.isEmpty, parts.first != "__MACOSX" else { return nil }
        return String(name.hasSuffix(".npy") ? name.dropLast(4) : name)
    }

    /// Sends each entry through a decoder of its own.
    private final class Entries: EntryReceiver {
        private let arrays: NamedArrays
        private let byteLimit: Int
        private var current: NpyArrayDecoder?
        private var pictures: NpyDecoder<PictureArrayReceiver>?

        init(_ arrays: NamedArrays, byteLimit: Int) {
            self.arrays = arrays
            self.byteLimit = byteLimit
        }

        func begin(entry name: String) throws(Problem) {
            let array = NpzBody.arrayName(name)
            if array == Picture.parameter, let pictures = arrays.inputs.pictures {
                self.pictures = NpyDecoder(receiver: PictureArrayReceiver(pictures), byteLimit: byteLimit)
                return
            }
            guard let array, arrays.array(named: array) != nil else { return arrays.inputs.passOver(name) }
            current = NpyArrayDecoder(try arrays.open(array), of: arrays.inputs, byteLimit: byteLimit)
        }

        func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
            try current?.receive(bytes)
            try pictures?.decode(bytes)
        }

        func end(entry name: String) throws(Problem) {
            try current?.finish()
            try pictures?.finish()
            (current, pictures) = (nil, nil)
        }
    }
}

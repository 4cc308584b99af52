import Codecs

/// Decodes the entries of an archive as npy files, and holds its decoder to what it promises.
private final class EntryCollector: EntryReceiver {
    private(set) var arrays: [String: ArrayCollector] = [:]
    private var current: (name: String, decoder: NpyDecoder<ArrayCollector>)?

    func begin(entry name: String) throws(FuzzFailure) {
        precondition(current == nil && arrays[name] == nil)
        let array = ArrayCollector()
        arrays[name] = array
        current = (name, NpyDecoder(receiver: array, byteLimit: .max))
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(FuzzFailure) {
        precondition(current != nil && !bytes.isEmpty)
        try current?.decoder.decode(bytes)
    }

    func end(entry name: String) throws(FuzzFailure) {
        precondition(current?.name == name)
        try current?.decoder.finish()
        current = nil
    }
}

/// Decodes an npz file twice, whole and in pieces: either both fail, or the same arrays come out.
func fuzzNpz(_ input: [UInt8]) {
    precondition(decodedNpz(input, by: max(input.count, 1)) == decodedNpz(input, by: chunkSize(of: input)))
}

/// Nil where it fails. By which error is not compared: zlib finds its own sooner in smaller pieces.
private func decodedNpz(_ input: [UInt8], by size: Int) -> [String: ArrayCollector]? {
    let entries = EntryCollector()
    do throws(FuzzFailure) {
        let decoder = NpzDecoder(receiver: entries, byteLimit: byteLimit)
        try push(input, by: size) { (bytes) throws(FuzzFailure) in try decoder.decode(bytes) }
        try decoder.finish()
    } catch {
        return nil
    }
    precondition(entries.arrays.values.allSatisfy(\.hasEnded))
    precondition(entries.arrays.values.reduce(0) { $0 + $1.bytes.count } <= byteLimit)
    return entries.arrays
}

import Codecs
import Memory

/// The failure of the fuzzers' receivers.
struct FuzzFailure: CodecFailure, Equatable {
    let error: CodecError

    init(_ error: CodecError) {
        self.error = error
    }
}

/// The size that arrays may have here, in bytes: a forged header must not make anyone allocate more.
let byteLimit = 1 << 20

/// Keeps one array, and holds its decoder to what it promises.
final class ArrayCollector: ArrayReceiver, Equatable {
    private(set) var layout: TensorLayout?
    private(set) var bytes: [UInt8] = []
    private(set) var hasEnded = false

    func begin(_ layout: TensorLayout, at offset: Int) throws(FuzzFailure) {
        precondition(self.layout == nil && layout.byteCount >= 0)
        self.layout = layout
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(FuzzFailure) {
        guard let layout, !hasEnded else { preconditionFailure("elements out of turn") }
        precondition(bytes.count <= layout.byteCount - self.bytes.count)
        self.bytes.append(bytes)
    }

    func end() throws(FuzzFailure) {
        precondition(!hasEnded && bytes.count == layout?.byteCount)
        hasEnded = true
    }

    static func == (a: ArrayCollector, b: ArrayCollector) -> Bool {
        a.layout == b.layout && a.bytes == b.bytes && a.hasEnded == b.hasEnded
    }
}

/// Decodes an npy file twice, whole and in pieces: what comes out must be the same.
func fuzzNpy(_ input: [UInt8]) {
    precondition(decodedNpy(input, by: max(input.count, 1)) == decodedNpy(input, by: chunkSize(of: input)))
}

private func decodedNpy(_ input: [UInt8], by size: Int) -> Result<ArrayCollector, FuzzFailure> {
    Result { () throws(FuzzFailure) in
        let array = ArrayCollector()
        var decoder = NpyDecoder(receiver: array, byteLimit: byteLimit)
        try push(input, by: size) { (bytes) throws(FuzzFailure) in try decoder.decode(bytes) }
        try decoder.finish()
        precondition(array.hasEnded && array.bytes.count <= byteLimit)
        return array
    }
}

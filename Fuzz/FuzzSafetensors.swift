import Codecs

/// Decodes all tensors of a file that arrays can be, and passes over those whose names begin with an x.
private final class TensorCollector: TensorReceiver {
    private(set) var arrays: [String: ArrayCollector] = [:]
    private var hasBegun = false

    func begin(_ names: [String]) throws(FuzzFailure) -> [String: any ArrayReceiver<FuzzFailure>] {
        precondition(!hasBegun && Set(names).count == names.count)
        hasBegun = true
        for name in names where !name.hasPrefix("x") { arrays[name] = ArrayCollector() }
        return arrays
    }
}

/// Decodes a safetensors file twice, whole and in pieces: the same arrays must come out, or the same error.
func fuzzSafetensors(_ input: [UInt8]) {
    let whole = decodedTensors(input, by: max(input.count, 1))
    precondition(whole == decodedTensors(input, by: chunkSize(of: input)))
    if case .success = whole {
        precondition(
            SafetensorsHeaderReader.begins(Array(input.prefix(SafetensorsHeaderReader.beginningByteCount))))
    }
}

private func decodedTensors(_ input: [UInt8], by size: Int) -> Result<[String: ArrayCollector], FuzzFailure> {
    Result { () throws(FuzzFailure) in
        let tensors = TensorCollector()
        var decoder = SafetensorsDecoder(receiver: tensors, byteLimit: byteLimit)
        try push(input, by: size) { (bytes) throws(FuzzFailure) in try decoder.decode(bytes) }
        try decoder.finish()
        precondition(tensors.arrays.values.allSatisfy(\.hasEnded))
        precondition(tensors.arrays.values.reduce(0) { $0 + $1.bytes.count } <= byteLimit)
        return tensors.arrays
    }
}

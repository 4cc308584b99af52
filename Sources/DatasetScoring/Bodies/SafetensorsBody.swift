import Codecs
import WebService

/// Decodes a body that is a safetensors file, whose tensors are arrays. Tensors of other names are ignored.
final class SafetensorsBody: BodyDecoder {
    private var decoder: SafetensorsDecoder<Tensors>

    init(_ arrays: NamedArrays, byteLimit: Int) {
        decoder = SafetensorsDecoder(receiver: Tensors(arrays, byteLimit: byteLimit), byteLimit: byteLimit)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try decoder.decode(bytes)
    }

    func finish() throws(Problem) {
        try decoder.finish()
    }

    func complete() throws(Problem) {}

    private final class Tensors: TensorReceiver {
        private let arrays: NamedArrays
        private let byteLimit: Int

        init(_ arrays: NamedArrays, byteLimit: Int) {
            self.arrays = arrays
            self.byteLimit = byteLimit
        }

        func begin(_ names: [String]) throws(Problem) -> [String: any ArrayReceiver<Problem>] {
            var receivers: [String: any ArrayReceiver<Problem>] = [:]
            for name in names {
                guard arrays.array(named: name) != nil else {
                    arrays.inputs.passOver(name)
                    continue
                }
                receivers[name] = InputReceiver(try arrays.open(name), of: arrays.inputs, byteLimit: byteLimit)
            }
            return receivers
        }
    }
}

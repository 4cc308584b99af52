import Codecs
import Scoring
import WebService

/// Decodes a safetensors file that holds one array of a request. Every problem with the file names the array.
struct SafetensorsArrayDecoder {
    private let array: ScoringError.Array
    private let receiver: InputReceiver
    private var decoder: SafetensorsDecoder<TensorPicker>

    /// How many bytes of the file are certain to follow, whatever they contain.
    var certainBytes: Int { receiver.certainBytes }

    /// - Parameters:
    ///   - bytesToEnd: See ``InputReceiver/init(_:of:byteLimit:bytesToEnd:)``.
    init(_ array: ScoringError.Array, of inputs: any RequestInputs, byteLimit: Int, bytesToEnd: Int?) {
        self.array = array
        receiver = InputReceiver(array, of: inputs, byteLimit: byteLimit, bytesToEnd: bytesToEnd)
        decoder = SafetensorsDecoder(receiver: TensorPicker(array, receiver, inputs), byteLimit: .max)
    }

    mutating func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try array.naming { () throws(Problem) in try decoder.decode(bytes) }
    }

    func finish() throws(Problem) {
        try array.naming { () throws(Problem) in try decoder.finish() }
    }
}

/// Picks the tensor that is an array, and notes the others, which are ignored.
private final class TensorPicker: TensorReceiver {
    private let array: ScoringError.Array
    private let receiver: InputReceiver
    private let inputs: any RequestInputs

    init(_ array: ScoringError.Array, _ receiver: InputReceiver, _ inputs: any RequestInputs) {
        self.array = array
        self.receiver = receiver
        self.inputs = inputs
    }

    func begin(_ names: [String]) throws(Problem) -> [String: any ArrayReceiver<Problem>] {
        guard let picked = array.tensor(among: names) else {
            throw Problem(
                .missingArray, "The safetensors file that is \(array.rawValue) has no tensor of that name.",
                parameter: array.rawValue, expected: "one tensor, or one of that name",
                actual: names.isEmpty ? "none" : names.joined(separator: ", "))
        }
        for name in names where name != picked { inputs.passOver(name) }
        return [picked: receiver]
    }
}

extension ScoringError.Array {
    /// The tensor that is this array in a file that stands for it: the one that has its name, or the only one.
    func tensor(among names: [String]) -> String? {
        names.first(where: isCalled) ?? (names.count == 1 ? names[0] : nil)
    }
}

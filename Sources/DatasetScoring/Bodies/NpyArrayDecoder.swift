import Codecs
import Scoring
import WebService

/// Decodes an npy file that holds one array of a request. Every problem with the file names the array.
struct NpyArrayDecoder {
    private let array: ScoringError.Array
    private let receiver: InputReceiver
    private var decoder: NpyDecoder<InputReceiver>

    /// How many bytes of the file are certain to follow, whatever they contain.
    var certainBytes: Int { receiver.certainBytes }

    /// - Parameters:
    ///   - bytesToEnd: See ``InputReceiver/init(_:of:byteLimit:bytesToEnd:)``.
    init(_ array: ScoringError.Array, of inputs: any RequestInputs, byteLimit: Int = .max, bytesToEnd: Int? = 0) {
        self.array = array
        receiver = InputReceiver(array, of: inputs, byteLimit: byteLimit, bytesToEnd: bytesToEnd)
        decoder = NpyDecoder(receiver: receiver, byteLimit: .max)
    }

    mutating func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try array.naming { () throws(Problem) in try decoder.decode(bytes) }
    }

    func finish() throws(Problem) {
        try array.naming { () throws(Problem) in try decoder.finish() }
    }
}

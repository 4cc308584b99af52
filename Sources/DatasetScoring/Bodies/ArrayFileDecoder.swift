import Codecs
import Scoring
import WebService

/// Decodes a file that holds one array of a request: an npy file, an npz file, or a safetensors file. Its first bytes
/// tell which.
struct ArrayFileDecoder {
    private enum Format {
        /// Too few bytes have come.
        case unknown(beginning: [UInt8])
        case npy(NpyArrayDecoder)
        case npz(NpzArrayDecoder)
        case safetensors(SafetensorsArrayDecoder)
    }

    private let array: ScoringError.Array
    private let inputs: any RequestInputs
    private let byteLimit: Int
    private let bytesToEnd: Int?
    private var format = Format.unknown(beginning: [])

    /// How many bytes of the file are certain to follow, whatever they contain.
    var certainBytes: Int {
        switch format {
        case .unknown, .npz: 0
        case .npy(let decoder): decoder.certainBytes
        case .safetensors(let decoder): decoder.certainBytes
        }
    }

    /// - Parameters:
    ///   - bytesToEnd: See ``InputReceiver/init(_:of:byteLimit:bytesToEnd:)``.
    init(_ array: ScoringError.Array, of inputs: any RequestInputs, byteLimit: Int, bytesToEnd: Int?) {
        self.array = array
        self.inputs = inputs
        self.byteLimit = byteLimit
        self.bytesToEnd = bytesToEnd
    }

    mutating func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        // While a decoder gathers a header, nobody else may hold it: the header would be copied.
        switch takeFormat() {
        case .unknown(var beginning):
            let count = min(SafetensorsHeaderReader.beginningByteCount - beginning.count, bytes.count)
            for index in 0..<count { beginning.append(bytes[index]) }
            format = .unknown(beginning: beginning)
            guard beginning.count == SafetensorsHeaderReader.beginningByteCount else { return }
            try choose(beginning)
            if count < bytes.count { try receive(bytes.extracting(count..<bytes.count)) }
        case .npy(var decoder):
            try decoder.receive(bytes)
            format = .npy(decoder)
        case .npz(let decoder):
            format = .npz(decoder)
            try decoder.receive(bytes)
        case .safetensors(var decoder):
            try decoder.receive(bytes)
            format = .safetensors(decoder)
        }
    }

    mutating func finish() throws(Problem) {
        if case .unknown(let beginning) = format { try choose(beginning) }
        switch format {
        case .unknown: preconditionFailure("the format was chosen")
        case .npy(let decoder): try decoder.finish()
        case .npz(let decoder): try decoder.finish()
        case .safetensors(let decoder): try decoder.finish()
        }
    }

    private mutating func takeFormat() -> Format {
        defer { format = .unknown(beginning: []) }
        return format
    }

    /// Chooses the format by the first bytes, and hands these on.
    private mutating func choose(_ beginning: [UInt8]) throws(Problem) {
        if SafetensorsHeaderReader.begins(beginning) {
            format = .safetensors(
                SafetensorsArrayDecoder(array, of: inputs, byteLimit: byteLimit, bytesToEnd: bytesToEnd))
        } else if NpzArrayDecoder.begins(beginning) {
            format = .npz(NpzArrayDecoder(array, of: inputs, byteLimit: byteLimit))
        } else {
            format = .npy(NpyArrayDecoder(array, of: inputs, byteLimit: byteLimit, bytesToEnd: bytesToEnd))
        }
        try receive(beginning.span)
    }
}

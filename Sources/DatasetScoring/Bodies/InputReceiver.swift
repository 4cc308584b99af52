import Codecs
package import Memory
package import Scoring
package import WebService

/// Takes one array from a decoder, and passes its elements on to the inputs of the request.
package final class InputReceiver: ArrayReceiver {
    private let array: ScoringError.Array
    private let inputs: any RequestInputs
    private let byteLimit: Int
    private let bytesToEnd: Int?
    private var accumulator: (any ArrayAccumulator)?

    /// How many bytes of the array are still to come, if the array is known to fill the rest of the body; otherwise 0.
    private(set) var certainBytes = 0

    /// - Parameters:
    ///   - array: The array that arrives.
    ///   - inputs: The inputs that take its elements.
    ///   - byteLimit: The greatest size of the array, in bytes.
    ///   - bytesToEnd: The size of the body's content from the start of the array's file on, in bytes. 0 if no
    ///     parameter can follow the array; nil if the size is not known.
    package init(
        _ array: ScoringError.Array, of inputs: any RequestInputs, byteLimit: Int = .max, bytesToEnd: Int? = 0
    ) {
        self.array = array
        self.inputs = inputs
        self.byteLimit = byteLimit
        self.bytesToEnd = bytesToEnd
    }

    package func begin(_ layout: TensorLayout, at offset: Int) throws(Problem) {
        // The subtraction cannot overflow: the sizes of an array and of a header are far from the limits of Int.
        let isLast = bytesToEnd.map { $0 - offset <= layout.byteCount } ?? false
        // The inputs are asked first, because a client learns more from the number of pixels than from the number of
        // bytes.
        accumulator = try inputs.begin(array, layout, parametersAreKnown: isLast)
        guard layout.byteCount <= byteLimit else { throw .bodyTooLarge(limit: byteLimit).found(in: array) }
        if let bytesToEnd, bytesToEnd - offset == layout.byteCount { certainBytes = layout.byteCount }
    }

    package func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        do throws(ScoringError) {
            try accumulator?.receive(bytes)
        } catch {
            throw Problem(array == .labels ? error : error.naming(array))
        }
        certainBytes = max(certainBytes - bytes.count, 0)
    }

    package func end() throws(Problem) {
        accumulator = nil
        try inputs.end(array)
    }
}

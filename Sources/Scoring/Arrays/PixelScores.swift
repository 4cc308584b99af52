package import Memory

/// One score a pixel, in the type that the probabilities came in: float32 for float16, bfloat16 and float32, float64
/// for float64.
package enum PixelScores: Sendable {
    case float32(Buffer<Float>)
    case float64(Buffer<Double>)

    /// Makes scores that have to be written before any is read.
    ///
    /// - Parameters:
    ///   - scalar: The type of the array that the scores are taken from.
    ///   - array: The array that errors name.
    /// - Throws: ``ScoringError/elementType(_:_:)`` for types that are not floats, or ``ScoringError/memory(_:)``.
    init(count: Int, for scalar: ElementType.Scalar, of array: ScoringError.Array) throws(ScoringError) {
        switch scalar {
        case .float16, .bfloat16, .float32: self = .float32(try allocate(count, isZeroed: false))
        case .float64: self = .float64(try allocate(count, isZeroed: false))
        case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
            throw .elementType(array, scalar)
        }
    }

    /// The memory that holds the scores.
    package var storage: any StableBytes {
        switch self {
        case .float32(let scores): scores
        case .float64(let scores): scores
        }
    }

    package var elementType: ElementType {
        switch self {
        case .float32: ElementType(.float32)
        case .float64: ElementType(.float64)
        }
    }

    package var count: Int {
        switch self {
        case .float32(let scores): scores.count
        case .float64(let scores): scores.count
        }
    }

    subscript(index: Int) -> Double {
        switch self {
        case .float32(let scores): Double(scores.span[index])
        case .float64(let scores): scores.span[index]
        }
    }

    /// Whether all scores are numbers from 0 to 1.
    var areProbabilities: Bool {
        switch self {
        case .float32(let scores):
            let span = scores.span
            return span.indices.allSatisfy { (0...1).contains(span[$0]) }
        case .float64(let scores):
            let span = scores.span
            return span.indices.allSatisfy { (0...1).contains(span[$0]) }
        }
    }

    /// The memory that the scores take.
    package var byteCount: Int { count * elementType.scalar.byteCount }
}

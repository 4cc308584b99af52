package import Files
package import Memory

/// Why arrays that could be read cannot be scored. The cases hold facts only; their sentences are written where people
/// read them.
package enum ScoringError: Error, Equatable {
    /// The array that an error speaks of, by its name on the wire.
    package enum Array: String, Sendable {
        case labels
        case predictedProbabilities = "pred_probs"
        case imageScores = "image_scores"
        case pixelScores = "pixel_scores"
    }

    /// The place of a pixel, by indices from zero.
    package struct Position: Equatable, Sendable {
        package let image: Int
        package let row: Int
        package let column: Int
    }

    case rank(Array, expected: Int, shape: [Int])
    case emptyArray(Array, shape: [Int])
    case shapeMismatch(Array, expected: [Int], actual: [Int])
    /// An image has another height and width than those before it.
    case imageSize(expected: [Int], actual: [Int])
    case tooManyPixels(Array, count: Int, limit: Int)
    case tooManyClasses(Int, limit: Int)
    case elementType(Array, ElementType.Scalar)
    /// The array is in Fortran order, and is taken only in C order.
    case fortranOrder(Array)
    /// The block size does not divide H and W.
    case downsample(Int, height: Int, width: Int)
    case labelOutOfRange(LabelValue, at: Position, classCount: Int)
    case probabilityOutOfRange(Double, at: Position, classIndex: Int, Lookalike)
    case memory(MemoryError)
    /// A file that probabilities wait in cannot be written.
    case file(FileError)
}

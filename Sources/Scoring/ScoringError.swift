package import Files
package import Memory

/// Why arrays that could be read cannot be scored. The cases hold facts only; their sentences are written where people
/// read them.
package enum ScoringError: Error, Equatable {
    /// The array that an error speaks of, by its name on the wire.
    package enum Array: String, Sendable {
        case labels
        case predictedProbabilities = "pred_probs"
        /// What stands in place of `pred_probs` if the model's outputs are sent as they are.
        case logits
        /// The probability that each pixel gives to its own label. This and the next two stand together in place of
        /// `pred_probs`.
        case own
        /// Each pixel's largest probability.
        case largest
        /// The class of each pixel's largest probability.
        case predicted
        case imageScores = "image_scores"
        case pixelScores = "pixel_scores"
    }

    /// The place of a pixel, by indices from zero.
    package struct Position: Equatable, Sendable {
        /// The index of the image; nil if labels have no axis of images.
        package let image: Int?
        /// The indices in the image, one for each axis of its space.
        package let place: [Int]

        package init(image: Int?, place: [Int]) {
            self.image = image
            self.place = place
        }

        /// A pixel of an image of two dimensions.
        package init(image: Int, row: Int, column: Int) {
            self.init(image: image, place: [row, column])
        }
    }

    /// What one-hot labels have at a pixel that they may not.
    package enum OneHotFault: Equatable, Sendable {
        /// A value that is neither 0 nor 1.
        case value(LabelValue)
        /// Ones of several classes.
        case several
        /// No one at all.
        case none
    }

    case rank(Array, expected: Int, shape: [Int])
    /// An array has fewer dimensions than it can be read with, or more than ``AxisReading/rankLimit``.
    case dimensions(Array, shape: [Int])
    case emptyArray(Array, shape: [Int])
    case shapeMismatch(Array, expected: [Int], actual: [Int])
    /// The part of an image that is no padding is larger than the image. Both are `(h, w)`.
    case validExtents(Array, valid: [Int], actual: [Int])
    /// Labels and an array of predictions have numbers of dimensions that do not go together.
    case ranks(Array, labels: [Int], shape: [Int])
    /// Labels with as many dimensions as an array of predictions, which are one-hot, have other extents.
    case oneHotMismatch(Array, labels: [Int], shape: [Int])
    /// One-hot labels are of one class.
    case singleClass(labels: [Int], axis: Int)
    /// An image has another height and width than those before it.
    case imageSize(expected: [Int], actual: [Int])
    case tooManyPixels(Array, count: Int, limit: Int)
    case tooManyClasses(Int, limit: Int)
    case elementType(Array, ElementType.Scalar)
    /// The array is in Fortran order, and is taken only in C order.
    case fortranOrder(Array)
    /// The block size does not divide H and W.
    case downsample(Int, height: Int, width: Int)
    /// Blocks are cut from images of two dimensions alone.
    case downsampleOfSpace(Int, space: [Int])
    case oneHot(OneHotFault, at: Position)
    case labelOutOfRange(LabelValue, at: Position, classCount: Int)
    /// The class that a rule has made of a label is none of K.
    case mappedLabelOutOfRange(LabelValue, at: Position, classCount: Int)
    /// The first of `pixelCount` labels of which a rule makes neither a class nor a pixel that takes no part.
    case labelUnnamed(LabelValue, at: Position, pixelCount: Int, LabelRuleKind)
    /// No label is 0 and some are 255, as in masks whose zero has been reduced before.
    case labelsReducedBefore
    case probabilityOutOfRange(Double, at: Position, classIndex: Int, Lookalike)
    /// A value that the activation cannot take: a logit that is NaN or infinite, or a weight that is negative or not
    /// finite.
    case activationInput(Array, Double, at: Position, classIndex: Int, Activation)
    /// A value of `own` or `largest` that is no probability.
    case reducedOutOfRange(Array, Double, at: Position)
    /// A value of `predicted` that is none of K classes.
    case predictedOutOfRange(LabelValue, at: Position, classCount: Int)
    /// A pixel's own probability is larger than its largest, or is another one although its label is predicted.
    case reducedMismatch(own: Double, largest: Double, isPredicted: Bool, at: Position)
    /// `own` and `largest` are kept in two types.
    case reducedTypes(own: ElementType.Scalar, largest: ElementType.Scalar)
    /// The values of a pixel cannot be divided by their sum.
    case noProbabilities(Array, at: Position, Activation)
    /// Logits that are probabilities already.
    case probabilitiesAsLogits(Array)
    case memory(MemoryError)
    /// A file that probabilities wait in cannot be written.
    case file(FileError)
}

extension ScoringError {
    /// The same error of predicted probabilities, which the client has sent under the name of another array.
    package func naming(_ array: Array) -> ScoringError {
        switch self {
        case .rank(.predictedProbabilities, let expected, let shape): .rank(array, expected: expected, shape: shape)
        case .dimensions(.predictedProbabilities, let shape): .dimensions(array, shape: shape)
        case .emptyArray(.predictedProbabilities, let shape): .emptyArray(array, shape: shape)
        case .shapeMismatch(.predictedProbabilities, let expected, let actual):
            .shapeMismatch(array, expected: expected, actual: actual)
        case .validExtents(_, let valid, let actual): .validExtents(array, valid: valid, actual: actual)
        case .ranks(_, let labels, let shape): .ranks(array, labels: labels, shape: shape)
        case .oneHotMismatch(_, let labels, let shape): .oneHotMismatch(array, labels: labels, shape: shape)
        case .tooManyPixels(.predictedProbabilities, let count, let limit):
            .tooManyPixels(array, count: count, limit: limit)
        case .elementType(.predictedProbabilities, let scalar): .elementType(array, scalar)
        case .fortranOrder(.predictedProbabilities): .fortranOrder(array)
        case .activationInput(_, let value, let position, let classIndex, let activation):
            .activationInput(array, value, at: position, classIndex: classIndex, activation)
        case .noProbabilities(_, let position, let activation): .noProbabilities(array, at: position, activation)
        case .probabilitiesAsLogits: .probabilitiesAsLogits(array)
        default: self
        }
    }
}

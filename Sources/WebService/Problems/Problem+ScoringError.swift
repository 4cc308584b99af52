import Foundation
import HTTPTypes
package import Memory
package import Scoring

/// Faults in arrays, and shortage of memory for them.
extension Problem {
    /// Does what the engine may refuse.
    ///
    /// - Throws: The problem that the engine's error is to a client.
    package static func scoring<Result>(_ body: () throws(ScoringError) -> Result) throws(Problem) -> Result {
        do throws(ScoringError) {
            return try body()
        } catch {
            throw Problem(error)
        }
    }

    /// The problem that an error of the engine is to a client.
    package init(_ error: ScoringError) {
        self =
            switch error {
            case .rank(let array, let expected, let shape):
                .shape(
                    array, "\(array.rawValue) must have \(expected) dimensions", expected: array.shapeInWords,
                    actual: shape)
            case .dimensions(let array, let shape):
                .shape(
                    array, "\(array.rawValue) must have \(array.dimensionLimits) dimensions",
                    expected: "an array such as " + array.shapeInWords, actual: shape)
            case .ranks(let array, let labels, let shape): .ranks(array, labels: labels, shape)
            case .oneHotMismatch(let array, let labels, let shape):
                .oneHotMismatch(array, labels: labels, shape)
            case .singleClass(let labels, let axis):
                .shape(
                    .labels,
                    "labels have as many dimensions as pred_probs, or one more than own, so they would be one-hot, of a "
                        + "single class",
                    expected: "one of several", actual: labels
                ).explained(
                    "Labels that are classes have one dimension fewer: send labels[\(axis == 0 ? "0" : ":, 0")].")
            case .emptyArray(let array, let shape):
                Problem(
                    .emptyArray, "\(array.rawValue) is empty.", parameter: array.rawValue,
                    expected: "extents of at least 1", actual: shape.inWords)
            case .shapeMismatch(let array, let expected, let actual): .shapeMismatch(array, expected, actual)
            case .validExtents(let array, let valid, let actual):
                Problem(
                    .invalidParameter,
                    "valid says that \(valid[0]) rows of \(valid[1]) pixels are no padding, and \(array.rawValue) have fewer.",
                    parameter: "valid", expected: "at most \(actual[0]),\(actual[1])",
                    actual: "\(valid[0]),\(valid[1])")
            case .imageSize(let expected, let actual):
                Problem(
                    .shapeMismatch,
                    "The image has \(actual[0]) rows of \(actual[1]) pixels, and those before it have \(expected[0]) rows of "
                        + "\(expected[1]). Send images of another size in a batch of their own.",
                    parameter: ScoringError.Array.labels.rawValue, expected: expected.inWords, actual: actual.inWords)
            case .tooManyPixels(let array, let count, let limit):
                Problem(
                    .tooManyPixels, "\(array.rawValue) has more pixels than are taken at once.",
                    parameter: array.rawValue, expected: "at most \(limit)", actual: "\(count)", limit: limit)
            case .tooManyClasses(let count, let limit):
                Problem(
                    .tooManyClasses, "pred_probs has more classes than labels can name.",
                    parameter: ScoringError.Array.predictedProbabilities.rawValue, expected: "at most \(limit)",
                    actual: "\(count)", limit: limit)
            case .elementType(let array, let scalar):
                Problem.elementType(
                    "\(array.rawValue) must hold floating-point numbers.", scalar.rawValue,
                    expected: "float16, bfloat16, float32 or float64"
                ).found(in: array)
            case .fortranOrder(let array):
                Problem(
                    .unsupportedOrder, "\(array.rawValue) must be in C order where it is taken in this way.",
                    parameter: array.rawValue, expected: "C order, which np.ascontiguousarray makes",
                    actual: "Fortran order")
            case .downsample(let downsample, let height, let width):
                Problem(
                    .downsampleDoesNotDivide,
                    "Images of height H = \(height) and width W = \(width) cannot be cut into blocks of "
                        + "\(downsample) × \(downsample) pixels.",
                    parameter: "downsample",
                    expected: height % downsample == 0 && width % downsample == 0
                        ? "at most \(ScoringShape.blockSideLimit)" : "a divisor of H = \(height) and W = \(width)",
                    actual: "\(downsample)")
            case .downsampleOfSpace(let downsample, let space):
                Problem(
                    .downsampleDoesNotDivide,
                    "Blocks are cut from images of two dimensions, and these have the extents \(space.inWords).",
                    parameter: "downsample", expected: "1 for images of other dimensions", actual: "\(downsample)")
            case .labelOutOfRange(let value, let position, let classCount):
                Problem(
                    .labelOutOfRange, "labels\(position.index()) is \(value), which is no class and not ignore_label.",
                    parameter: ScoringError.Array.labels.rawValue,
                    expected: "a whole number from 0 to \(classCount - 1), or ignore_label", actual: value.description)
            case .oneHot(let fault, let position):
                Problem(
                    .labelOutOfRange,
                    "labels\(position.index(":")) has \(fault.inWords).",
                    parameter: ScoringError.Array.labels.rawValue,
                    expected: "labels (N, H, W), or one-hot (N, K, H, W)"
                ).explained(
                    "Labels with as many dimensions as pred_probs, or one more than own, are taken as one-hot. One image alone has its axis "
                        + "of images too, if it is a volume: labels[np.newaxis], and so the predictions.")
            case .mappedLabelOutOfRange(let value, let position, let classCount):
                Problem(
                    .labelOutOfRange,
                    "labels\(position.index()) becomes class \(value), and there are \(classCount) classes.",
                    parameter: ScoringError.Array.labels.rawValue,
                    expected: "classes from 0 to \(classCount - 1) after labels are mapped", actual: value.description)
            case .labelUnnamed(let value, let position, let pixelCount, let rule):
                Problem(
                    .labelOutOfRange,
                    "labels\(position.index()) is \(value), \(rule.fault(pixelCount)).",
                    parameter: ScoringError.Array.labels.rawValue, expected: rule.expected, actual: value.description)
            case .labelsReducedBefore:
                Problem(
                    .labelOutOfRange,
                    "No label is 0 and some are 255, as in masks whose zero has been reduced already: then send "
                        + "ignore_label=255 in place of reduce_zero_label. If it has not, ignore_label=0,255 with "
                        + "label_offset=-1 reduces it.",
                    parameter: ScoringError.Array.labels.rawValue, expected: "labels as they were before", actual: "255"
                )
            case .probabilityOutOfRange(let value, let position, let classIndex, let lookalike):
                Problem(
                    .probabilityOutOfRange,
                    "pred_probs\(position.index(classIndex)) is \(value), which is no probability\(lookalike.question)",
                    parameter: ScoringError.Array.predictedProbabilities.rawValue, expected: "a number from 0 to 1",
                    actual: value.description)
            case .activationInput(let array, let value, let position, let classIndex, let activation):
                Problem(
                    .probabilityOutOfRange,
                    "\(array.rawValue)\(position.index(classIndex)) is \(value), which \(activation.inWords) cannot "
                        + "take.",
                    parameter: array.rawValue, expected: activation.inputs, actual: value.description)
            case .reducedOutOfRange(let array, let value, let position):
                Problem(
                    .probabilityOutOfRange,
                    "\(array.rawValue)\(position.index()) is \(value), which is no probability: a model's outputs go "
                        + "through their softmax or sigmoid before they are reduced.",
                    parameter: array.rawValue, expected: "a number from 0 to 1", actual: value.description)
            case .predictedOutOfRange(let value, let position, let classCount):
                Problem(
                    .labelOutOfRange,
                    "predicted\(position.index()) is \(value), and there are \(classCount) classes.",
                    parameter: ScoringError.Array.predicted.rawValue,
                    expected: "a whole number from 0 to \(classCount - 1)", actual: value.description)
            case .reducedMismatch(let own, let largest, let isPredicted, let position):
                Problem(
                    .probabilityOutOfRange,
                    isPredicted
                        ? "own\(position.index()) is \(own) and largest there \(largest), and the class predicted there "
                            + "is the label, whose probability both are. Are they of the same labels and model?"
                        : "own\(position.index()) is \(own), which is more than largest there, \(largest). Are they of "
                            + "the same labels and model?",
                    parameter: ScoringError.Array.own.rawValue,
                    expected: isPredicted ? "\(largest)" : "at most \(largest)", actual: own.description)
            case .reducedTypes(let own, let largest):
                Problem(
                    .unsupportedElementType,
                    "own is kept as \(own.rawValue) and largest as \(largest.rawValue): send both as float64, or neither.",
                    parameter: ScoringError.Array.largest.rawValue,
                    expected: own == .float64 ? "float64" : "float16, bfloat16 or float32", actual: largest.rawValue)
            case .noProbabilities(let array, let position, let activation):
                Problem(
                    .probabilityOutOfRange,
                    "The pixel \(position.index()) has no probabilities: its values "
                        + (activation.function == .softmax ? "are all minus infinity." : "add to 0 or to infinity."),
                    parameter: array.rawValue, expected: activation.inputs)
            case .probabilitiesAsLogits(let array):
                Problem(
                    .probabilityOutOfRange,
                    "The values of the first pixels lie in [0, 1] and add to 1: are these probabilities? Send them as "
                        + "pred_probs, without an activation.",
                    parameter: array.rawValue, expected: "logits, on which no softmax was applied")
            case .memory(let error): Problem(error)
            case .file(let error): Problem(error)
            }
    }

    /// The problem that an error of shapes or memory is to a client.
    package init(_ error: MemoryError) {
        self =
            switch error {
            case .negativeExtent(let shape):
                .malformedBody("An extent is negative.", expected: "extents of at least 0", actual: shape.inWords)
            case .tooLarge(let shape):
                Problem(
                    .tooManyPixels, "No memory can hold an array of this shape.",
                    expected: "fewer elements", actual: shape.inWords, limit: .max)
            case .outOfMemory(let byteCount):
                Problem(.outOfMemory, "There is no memory for \(byteCount) bytes more at the moment.")
            }
    }

}

extension [Int] {
    /// The numbers as NumPy writes a shape.
    package var inWords: String {
        "(" + map(String.init).joined(separator: ", ") + (count == 1 ? ",)" : ")")
    }
}

extension ScoringError.Array {
    /// Does something with the array, of which a problem names the array unless it names a parameter already.
    package func naming<Value>(_ body: () throws(Problem) -> Value) throws(Problem) -> Value {
        do throws(Problem) {
            return try body()
        } catch {
            throw error.found(in: self)
        }
    }
}

extension Problem {
    /// The same problem, naming the array in which it was found unless it names a parameter already.
    package func found(in array: ScoringError.Array) -> Problem {
        var copy = self
        copy.parameter = parameter ?? array.rawValue
        return copy
    }
}

import Foundation
import HTTPTypes
package import Memory
package import Scoring

/// Faults in arrays, and shortage of memory for them.
extension Problem {
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
            case .shapeMismatch(let array, let expected, let actual)
            where array.hasClasses && ScoringError.haveClassesLast(expected, actual):
                .classesLast(array, expected, actual)
            case .shapeMismatch(let array, let expected, let actual)
            where array.hasClasses && expected.count == 4 && actual.count == 4
                && Array(actual[..<2]) == Array(expected[..<2]) && actual[2...] != [expected[3], expected[2]]:
                .shape(
                    array, "The images of \(array.rawValue) have another size than those of labels",
                    expected: expected.inWords, actual: actual, parameter: "resize"
                ).explained("If they show the same, resize=bilinear or resize=nearest brings them to that size.")
            case .validExtents(let array, let valid, let actual):
                Problem(
                    .invalidParameter,
                    "valid says that \(valid[0]) rows of \(valid[1]) pixels are no padding, and \(array.rawValue) have fewer.",
                    parameter: "valid", expected: "at most \(actual[0]),\(actual[1])",
                    actual: "\(valid[0]),\(valid[1])")
            case .shapeMismatch(let array, let expected, let actual):
                .shape(
                    array, "The shape of \(array.rawValue) does not match that of \(array.partner.rawValue)",
                    expected: expected.inWords, actual: actual)
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

    /// The problem of numbers of dimensions that do not go together.
    private static func ranks(_ array: ScoringError.Array, labels: [Int], _ shape: [Int]) -> Problem {
        let problem = Problem(
            .shapeMismatch,
            "labels \(labels.inWords) and \(array.rawValue) \(shape.inWords) have \(labels.count) and \(shape.count) "
                + "dimensions: labels have one fewer than \(array.rawValue), or as many if they are one-hot.",
            parameter: array.rawValue,
            expected: "labels (N, H, W) with \(array.rawValue) (N, K, H, W), or (H, W) with (K, H, W)",
            actual: "\(labels.inWords) and \(shape.inWords)")
        if shape.count == labels.count + 2, shape[0] == 1 {
            return problem.explained("Give labels an axis of images too: labels[np.newaxis].")
        }
        if shape.count < labels.count, labels[0] == 1 {
            return problem.explained("Give \(array.rawValue) an axis of images too: \(array.rawValue)[np.newaxis].")
        }
        return problem
    }

    /// The problem of labels with the dimensions of predictions and other extents.
    private static func oneHotMismatch(_ array: ScoringError.Array, labels: [Int], _ shape: [Int]) -> Problem {
        Problem(
            .shapeMismatch,
            "labels \(labels.inWords) have as many dimensions as \(array.rawValue) \(shape.inWords), so they would be "
                + "one-hot, and have other extents. Labels of classes have one dimension fewer: (N, H, W) with "
                + "\(array.rawValue) (N, K, H, W), or (H, W) with (K, H, W).",
            parameter: array.rawValue,
            expected: "(N, K, H, W) with labels (N, H, W), or (K, H, W) with (H, W)", actual: shape.inWords)
    }

    /// The problem of predictions whose last axis is that of classes.
    private static func classesLast(_ array: ScoringError.Array, _ expected: [Int], _ actual: [Int]) -> Problem {
        let axis = ScoringError.classAxis(expected)
        var wanted = actual
        wanted.insert(wanted.removeLast(), at: axis)
        let isOfImages = actual.count == (axis == 1 ? 4 : 3)
        let names =
            switch (isOfImages, axis) {
            case (true, 1): ["(N, K, H, W)", "(N, H, W, K)"]
            case (true, _): ["(K, H, W)", "(H, W, K)"]
            default: ["(…, K, …)", "(…, K)"]
            }
        let advice =
            isOfImages
            ? "Then say so: layout=NHWC."
            : "Then np.moveaxis(\(array.rawValue), -1, \(axis)) brings the classes to the front."
        return .shape(
            array, "The shape of \(array.rawValue) is not \(names[0])", expected: wanted.inWords, actual: actual,
            parameter: isOfImages ? "layout" : nil
        ).explained("Is it \(names[1])? \(advice)")
    }

    /// - Parameter parameter: The parameter that may mend it; the array itself if nil.
    private static func shape(
        _ array: ScoringError.Array, _ detail: String, expected: String, actual: [Int], parameter: String? = nil
    ) -> Problem {
        Problem(
            .shapeMismatch, "\(detail): it is \(actual.inWords), not \(expected).",
            parameter: parameter ?? array.rawValue, expected: expected, actual: actual.inWords)
    }
}

extension ScoringError.Array {
    fileprivate var shapeInWords: String {
        switch self {
        case .labels, .pixelScores, .own, .largest, .predicted: "(N, H, W)"
        case .predictedProbabilities, .logits: "(N, K, H, W)"
        case .imageScores: "(N,)"
        }
    }

    /// Whether the array has an axis of classes.
    fileprivate var hasClasses: Bool { self == .predictedProbabilities || self == .logits }

    /// The least and the most dimensions of the array.
    fileprivate var dimensionLimits: String {
        switch self {
        case .labels: "1 to \(AxisReading.rankLimit)"
        case .pixelScores, .imageScores, .own, .largest, .predicted: "1 to \(AxisReading.rankLimit - 1)"
        case .predictedProbabilities, .logits: "2 to \(AxisReading.rankLimit)"
        }
    }

    /// The array that comes together with this one and has to match its shape.
    fileprivate var partner: ScoringError.Array {
        switch self {
        case .labels: .predictedProbabilities
        case .predictedProbabilities, .logits, .own, .largest, .predicted: .labels
        case .imageScores: .pixelScores
        case .pixelScores: .imageScores
        }
    }
}

extension Activation {
    /// What the client asked for.
    fileprivate var inWords: String {
        switch function {
        case .softmax: "a softmax"
        case .sigmoid: "a sigmoid"
        case .identity: "normalize=sum"
        }
    }

    /// The values that can be taken.
    fileprivate var inputs: String {
        switch function {
        case .softmax: "finite numbers, or minus infinity for some of the classes"
        case .sigmoid: "numbers"
        case .identity: "finite numbers of at least 0, not all 0"
        }
    }
}

extension ScoringError.OneHotFault {
    fileprivate var inWords: String {
        switch self {
        case .value(let value): "a \(value), and one-hot labels are 0 or 1"
        case .several: "ones of several classes, and one-hot labels have a single 1 at each pixel"
        case .none: "a 0 for every class, and one-hot labels have a single 1 at each pixel"
        }
    }
}

extension LabelRuleKind {
    /// What is wrong with labels of which the rule makes nothing, and what to do.
    fileprivate func fault(_ pixelCount: Int) -> String {
        let extent = pixelCount == 1 ? "" : "; there are \(pixelCount) such pixels"
        return switch self {
        case .identity: "which is no class and not ignore_label\(extent)"
        case .map: "which label_map leaves out\(extent): give it a class there, or null if it takes no part"
        case .offset: "which label_offset makes no class\(extent): name it in ignore_label if it takes no part"
        case .reduceZero:
            "of which reduce_zero_label makes no class\(extent): name it in ignore_label if it takes no part"
        }
    }

    fileprivate var expected: String {
        switch self {
        case .identity: "a whole number from 0, or a value of ignore_label"
        case .map: "a value that label_map or ignore_label names"
        case .offset, .reduceZero: "a label that becomes a class, or a value of ignore_label"
        }
    }
}

extension ScoringError.Lookalike {
    /// A question that guesses what the values are, with advice for that case.
    fileprivate var question: String {
        let softmax = "Send them as logits, or with activation=softmax."
        return switch self {
        case .roundedProbabilities:
            "; is this rounding? Clip to [0, 1] first: only what is within \(Self.rounding) of it is clipped here."
        case .percentages: "; are these percent? Divide by 100 first."
        case .logits: "; are these logits? \(softmax)"
        case .percentagesOrLogits: "; are these logits? \(softmax) Or percent? Divide by 100 first."
        case .nothing: "."
        }
    }
}

extension ScoringError.Position {
    /// The index as NumPy writes it.
    fileprivate func index(_ classIndex: Int) -> String { index("\(classIndex)") }

    /// The index as NumPy writes it.
    ///
    /// - Parameter classIndex: The index, or the slice, in the axis of classes; nil for an array without one.
    fileprivate func index(_ classIndex: String? = nil) -> String {
        let indices = [image.map { "\($0)" }, classIndex].compactMap(\.self) + place.map { "\($0)" }
        return "[" + indices.joined(separator: ", ") + "]"
    }
}

extension ScoringError {
    /// Whether predictions have the shape that they should have, but for classes that are on the last axis.
    ///
    /// - Parameters:
    ///   - expected: The shape that would match the labels, with as many classes as the array seems to have.
    fileprivate static func haveClassesLast(_ expected: [Int], _ actual: [Int]) -> Bool {
        guard expected.count == actual.count, actual.count >= 3 else { return false }
        var labels = expected
        labels.remove(at: classAxis(expected))
        return labels == actual.dropLast()
    }

    /// The axis on which classes are expected, as ``AxisReading`` prefers it.
    fileprivate static func classAxis(_ expected: [Int]) -> Int { expected.count > 3 ? 1 : 0 }
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

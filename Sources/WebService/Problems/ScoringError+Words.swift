import Memory
import Scoring

extension ScoringError.Array {
    var shapeInWords: String {
        switch self {
        case .labels, .pixelScores, .own, .largest, .predicted: "(N, H, W)"
        case .predictedProbabilities, .logits: "(N, K, H, W)"
        case .imageScores: "(N,)"
        }
    }

    /// Whether the array has an axis of classes.
    var hasClasses: Bool { self == .predictedProbabilities || self == .logits }

    /// The least and the most dimensions of the array.
    var dimensionLimits: String {
        switch self {
        case .labels: "1 to \(AxisReading.rankLimit)"
        case .pixelScores, .imageScores, .own, .largest, .predicted: "1 to \(AxisReading.rankLimit - 1)"
        case .predictedProbabilities, .logits: "2 to \(AxisReading.rankLimit)"
        }
    }

    /// The array that comes together with this one and has to match its shape.
    var partner: ScoringError.Array {
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
    var inWords: String {
        switch function {
        case .softmax: "a softmax"
        case .sigmoid: "a sigmoid"
        case .identity: "normalize=sum"
        }
    }

    /// The values that can be taken.
    var inputs: String {
        switch function {
        case .softmax: "finite numbers, or minus infinity for some of the classes"
        case .sigmoid: "numbers"
        case .identity: "finite numbers of at least 0, not all 0"
        }
    }
}

extension ScoringError.OneHotFault {
    var inWords: String {
        switch self {
        case .value(let value): "a \(value), and one-hot labels are 0 or 1"
        case .several: "ones of several classes, and one-hot labels have a single 1 at each pixel"
        case .none: "a 0 for every class, and one-hot labels have a single 1 at each pixel"
        }
    }
}

extension LabelRuleKind {
    /// What is wrong with labels of which the rule makes nothing, and what to do.
    func fault(_ pixelCount: Int) -> String {
        let extent = pixelCount == 1 ? "" : "; there are \(pixelCount) such pixels"
        return switch self {
        case .identity: "which is no class and not ignore_label\(extent)"
        case .map: "which label_map leaves out\(extent): give it a class there, or null if it takes no part"
        case .offset: "which label_offset makes no class\(extent): name it in ignore_label if it takes no part"
        case .reduceZero:
            "of which reduce_zero_label makes no class\(extent): name it in ignore_label if it takes no part"
        }
    }

    var expected: String {
        switch self {
        case .identity: "a whole number from 0, or a value of ignore_label"
        case .map: "a value that label_map or ignore_label names"
        case .offset, .reduceZero: "a label that becomes a class, or a value of ignore_label"
        }
    }
}

extension ScoringError.Lookalike {
    /// A question that guesses what the values are, with advice for that case.
    var question: String {
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
    func index(_ classIndex: Int) -> String { index("\(classIndex)") }

    /// The index as NumPy writes it.
    ///
    /// - Parameter classIndex: The index, or the slice, in the axis of classes; nil for an array without one.
    func index(_ classIndex: String? = nil) -> String {
        let indices = [image.map { "\($0)" }, classIndex].compactMap(\.self) + place.map { "\($0)" }
        return "[" + indices.joined(separator: ", ") + "]"
    }
}

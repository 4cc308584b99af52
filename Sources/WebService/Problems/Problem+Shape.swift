import Memory
import Scoring

/// Arrays whose shapes are not what they should be.
extension Problem {
    /// The problem of an array whose shape does not match that of another.
    static func shapeMismatch(_ array: ScoringError.Array, _ expected: [Int], _ actual: [Int]) -> Problem {
        if array.hasClasses, ScoringError.haveClassesLast(expected, actual) {
            return classesLast(array, expected, actual)
        }
        let isOfAnotherSize =
            expected.count == 4 && actual.count == 4 && Array(actual[..<2]) == Array(expected[..<2])
            && actual[2...] != [expected[3], expected[2]]
        if array.hasClasses, isOfAnotherSize {
            return shape(
                array, "The images of \(array.rawValue) have another size than those of labels",
                expected: expected.inWords, actual: actual, parameter: "resize"
            ).explained("If they show the same, resize=bilinear or resize=nearest brings them to that size.")
        }
        return shape(
            array, "The shape of \(array.rawValue) does not match that of \(array.partner.rawValue)",
            expected: expected.inWords, actual: actual)
    }

    /// The problem of numbers of dimensions that do not go together.
    static func ranks(_ array: ScoringError.Array, labels: [Int], _ shape: [Int]) -> Problem {
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
    static func oneHotMismatch(_ array: ScoringError.Array, labels: [Int], _ shape: [Int]) -> Problem {
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

    /// The problem of a shape.
    ///
    /// - Parameter parameter: The parameter that may mend it; the array itself if nil.
    static func shape(
        _ array: ScoringError.Array, _ detail: String, expected: String, actual: [Int], parameter: String? = nil
    ) -> Problem {
        Problem(
            .shapeMismatch, "\(detail): it is \(actual.inWords), not \(expected).",
            parameter: parameter ?? array.rawValue, expected: expected, actual: actual.inWords)
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
    fileprivate static func classAxis(_ expected: [Int]) -> Int {
        AxisReading.hasImageAxis(ofRank: expected.count - 1) ? 1 : 0
    }
}

import HTTPTypes
package import Scoring
package import WebService

/// Finds the arrays of a request by the names that a body gives them, and ensures that no array comes twice.
final class NamedArrays {
    let inputs: any RequestInputs
    private var seen: [ScoringError.Array: String] = [:]
    /// The number of images of labels that have come; 0 if labels come as one array.
    private var imageCount = 0
    /// Whether another array has come since the last image of labels.
    private var areImagesComplete = false

    init(of inputs: any RequestInputs) {
        self.inputs = inputs
    }

    /// The array that a name stands for; nil if the request takes no array of this name.
    func array(named name: String) -> ScoringError.Array? {
        inputs.arrays.first { $0.isCalled(name) }
    }

    /// Notes that an array comes.
    ///
    /// - Parameters:
    ///   - name: The name of the array in the body.
    /// - Throws: A 400 problem if the request takes no such array, or if the array came before.
    func open(_ name: String) throws(Problem) -> ScoringError.Array {
        guard let array = array(named: name) else {
            let expected = inputs.arrays.map(\.rawValue).joined(separator: ", ")
            throw Problem(
                .unexpectedArray, "There is no array \"\(name)\" here.",
                parameter: name, expected: expected)
        }
        if let earlier = seen.updateValue(name, forKey: array) { throw .repeated(array, earlier, name) }
        areImagesComplete = imageCount > 0
        return array
    }

    /// Notes that the next image of labels comes.
    ///
    /// - Returns: The index of the image.
    /// - Throws: A 400 problem if labels have come as an array, or if another array has come since the last image.
    func openLabelImage() throws(Problem) -> Int {
        let name = ScoringError.Array.labels.rawValue
        if imageCount == 0 {
            _ = try open(name)
        } else if areImagesComplete {
            throw Problem(
                .repeatedArray, "labels come on behind another array: all images of labels follow one another.",
                parameter: name, expected: "one image of labels behind the other, then pred_probs")
        }
        imageCount += 1
        return imageCount - 1
    }
}

extension ScoringError.Array {
    /// Further names of the array: those in nnU-Net's exports.
    private var otherNames: [String] { self == .predictedProbabilities ? ["probabilities", "softmax"] : [] }

    /// All names of the array.
    package var names: [String] { [rawValue] + otherNames }

    /// Whether a name stands for the array.
    package func isCalled(_ name: String) -> Bool { rawValue == name || otherNames.contains(name) }
}

extension Problem {
    /// The problem of an array that comes twice, perhaps under two of its names.
    fileprivate static func repeated(_ array: ScoringError.Array, _ first: String, _ second: String) -> Problem {
        guard first != second else { return repeated(array.rawValue) }
        return Problem(
            .repeatedArray, "\(first) and \(second) are names of one array, \(array.rawValue).",
            parameter: array.rawValue, expected: "once", actual: "\(first), \(second)")
    }

    /// The problem of two arrays that tell the same.
    static func twice(_ first: ScoringError.Array, _ second: ScoringError.Array) -> Problem {
        Problem(
            .repeatedArray, "\(first.rawValue) and \(second.rawValue) both tell of the predicted probabilities.",
            parameter: second.rawValue, expected: "one of them", actual: "both")
    }

    /// The problem of an array that did not come.
    ///
    /// - Parameters:
    ///   - names: The names of what was ignored. The client may have meant one of them.
    package static func missing(_ array: ScoringError.Array, beside names: [String] = []) -> Problem {
        Problem(
            .missingArray, "The body has no array \"\(array.rawValue)\".", parameter: array.rawValue,
            expected: "one array of that name", actual: names.isEmpty ? nil : names.joined(separator: ", "))
    }
}

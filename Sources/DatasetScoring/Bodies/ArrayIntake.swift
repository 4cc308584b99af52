import HTTPTypes
import Scoring
import WebService

/// Finds the destination of a named array, and sees to it that none comes twice.
final class ArrayIntake {
    let destination: any ArrayDestination
    private var seen: [ScoringError.Array: String] = [:]

    init(_ destination: any ArrayDestination) {
        self.destination = destination
    }

    /// The array that a name means; nil where it means none that is wanted.
    func array(named name: String) -> ScoringError.Array? {
        destination.arrays.first { $0.isCalled(name) }
    }

    /// An array that begins.
    ///
    /// - Parameters:
    ///   - name: As the body has it.
    /// - Throws: 400 for an array that is not wanted or came already.
    func open(_ name: String) throws(Problem) -> ScoringError.Array {
        guard let array = array(named: name) else {
            let expected = destination.arrays.map(\.rawValue).joined(separator: ", ")
            throw Problem(
                .badRequest, "unexpected-array", "There is no array \"\(name)\" here.",
                parameter: name, expected: expected)
        }
        if let earlier = seen.updateValue(name, forKey: array) { throw .repeated(array, earlier, name) }
        return array
    }
}

extension ScoringError.Array {
    /// What else it is called: nnU-Net's exports have these names.
    private var otherNames: [String] { self == .predictedProbabilities ? ["probabilities", "softmax"] : [] }

    /// Whether a name means the array.
    func isCalled(_ name: String) -> Bool { rawValue == name || otherNames.contains(name) }
}

extension Problem {
    /// An array that came twice, maybe by two of its names.
    fileprivate static func repeated(_ array: ScoringError.Array, _ first: String, _ second: String) -> Problem {
        guard first != second else { return repeated(array.rawValue) }
        return Problem(
            .badRequest, "repeated-array", "\(first) and \(second) are names of one array, \(array.rawValue).",
            parameter: array.rawValue, expected: "once", actual: "\(first), \(second)")
    }
}

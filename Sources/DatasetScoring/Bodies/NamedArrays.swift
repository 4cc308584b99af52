import HTTPTypes
package import Scoring
package import WebService

/// Finds the arrays of a request by the names that a body gives them, and ensures that no array comes twice.
final class NamedArrays {
    let inputs: any RequestInputs
    private var seen: [ScoringError.Array: String] = [:]

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
        return array
    }
}

extension ScoringError.Array {
    /// Further names of the array: those in nnU-Net's exports.
    private var otherNames: [String] { self == .predictedProbabilities ? ["probabilities", "softmax"] : [] }

    /// Whether a name stands for the array.
    func isCalled(_ name: String) -> Bool { rawValue == name || otherNames.contains(name) }
}

extension Problem {
    /// The problem of an array that comes twice, perhaps under two of its names.
    fileprivate static func repeated(_ array: ScoringError.Array, _ first: String, _ second: String) -> Problem {
        guard first != second else { return repeated(array.rawValue) }
        return Problem(
            .repeatedArray, "\(first) and \(second) are names of one array, \(array.rawValue).",
            parameter: array.rawValue, expected: "once", actual: "\(first), \(second)")
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

import HTTPTypes
import Scoring

/// Finds the destination of a named array, and sees to it that none comes twice.
final class ArrayIntake {
    let destination: any ArrayDestination
    private var seen: [ScoringError.Array] = []

    init(_ destination: any ArrayDestination) {
        self.destination = destination
    }

    /// An array that begins.
    ///
    /// - Parameters:
    ///   - name: As the body has it.
    /// - Throws: 400 for an array that is not wanted or came already.
    func open(_ name: String) throws(Problem) -> ScoringError.Array {
        guard let array = destination.arrays.first(where: { $0.rawValue == name }) else {
            let expected = destination.arrays.map(\.rawValue).joined(separator: ", ")
            throw Problem(
                .badRequest, "unexpected-array", "There is no array \"\(name)\" here.",
                parameter: name, expected: expected)
        }
        guard !seen.contains(array) else {
            throw .repeated(name)
        }
        seen.append(array)
        return array
    }
}

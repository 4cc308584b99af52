package import Scoring
package import Tensors
package import WebService

/// What a request wants of its body: which arrays, which parameters, and what becomes of them.
///
/// The decoders of all body forms find arrays and parameters, and bring them here.
package protocol RequestInputs: AnyObject {
    /// The arrays that the request takes.
    var arrays: [ScoringError.Array] { get }

    /// The names of the parameters that the request takes.
    var parameterNames: [String] { get }

    /// An array begins, whose header has been read. Each array begins at most once.
    ///
    /// - Parameters:
    ///   - parametersAreKnown: Whether all parameters have been set; if not, some may stand behind the array.
    /// - Returns: What takes the array's elements.
    /// - Throws: The problem of an array that is of no use here.
    func begin(
        _ array: ScoringError.Array, _ layout: TensorLayout, parametersAreKnown: Bool
    ) throws(Problem) -> any ArrayAccumulator

    /// All elements of an array have come.
    func end(_ array: ScoringError.Array) throws(Problem)

    /// Something stands beside the arrays and is of no use here.
    ///
    /// - Parameters:
    ///   - name: The name that it has in the body.
    func passOver(_ name: String)

    /// A file stands for an array.
    ///
    /// - Parameters:
    ///   - file: The file's path, as the body has it.
    func refer(_ array: ScoringError.Array, to file: String) throws(Problem)

    /// A parameter stands in the body.
    func set(_ parameter: String, _ value: String) throws(Problem)
}

extension RequestInputs {
    package func refer(_ array: ScoringError.Array, to file: String) throws(Problem) {
        throw .invalidParameter(array.rawValue, expected: "an array, for which no file can stand here", actual: file)
    }
}

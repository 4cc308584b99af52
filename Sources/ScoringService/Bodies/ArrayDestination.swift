import Scoring
import TensorCodecs
import Tensors

/// What a request does with the arrays and parameters of its body, in whatever form these come.
protocol ArrayDestination: AnyObject {
    /// The arrays that it takes.
    var arrays: [ScoringError.Array] { get }

    /// The header of an array is in; each array begins at most once.
    func begin(_ array: ScoringError.Array, _ layout: TensorLayout) throws(Problem)

    /// The next bytes of an array's elements.
    func receive(_ bytes: borrowing Span<UInt8>, of array: ScoringError.Array) throws(Problem)

    /// An array is complete.
    func end(_ array: ScoringError.Array) throws(Problem)

    /// A parameter stood in the body.
    func set(_ parameter: String, _ value: String) throws(Problem)
}

/// Passes one array on to the destination.
final class ArrayPort: TensorReceiver {
    private let array: ScoringError.Array
    private let destination: any ArrayDestination
    private let byteLimit: Int

    init(_ array: ScoringError.Array, of destination: any ArrayDestination, byteLimit: Int = .max) {
        self.array = array
        self.destination = destination
        self.byteLimit = byteLimit
    }

    func begin(_ layout: TensorLayout) throws(Problem) {
        // The destination first: that there are too many pixels says more than that there are too many bytes.
        try destination.begin(array, layout)
        guard layout.byteCount <= byteLimit else { throw .bodyTooLarge(limit: byteLimit).found(in: array) }
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try destination.receive(bytes, of: array)
    }

    func end() throws(Problem) {
        try destination.end(array)
    }
}

extension Problem {
    /// The same problem, naming the array it was found in unless it names something already.
    func found(in array: ScoringError.Array) -> Problem {
        var copy = self
        copy.parameter = parameter ?? array.rawValue
        return copy
    }
}

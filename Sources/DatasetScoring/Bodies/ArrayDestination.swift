package import Scoring
import TensorCodecs
package import Tensors
package import WebService

/// What a request does with the arrays and parameters of its body, in whatever form these come.
package protocol ArrayDestination: AnyObject {
    /// The arrays that it takes.
    var arrays: [ScoringError.Array] { get }

    /// The names of the parameters that it takes.
    var parameterNames: [String] { get }

    /// The header of an array is in; each array begins at most once.
    ///
    /// - Parameters:
    ///   - parametersAreKnown: Whether all parameters have been set, or one may stand behind the array.
    func begin(_ array: ScoringError.Array, _ layout: TensorLayout, parametersAreKnown: Bool) throws(Problem)

    /// The next bytes of an array's elements.
    func receive(_ bytes: borrowing Span<UInt8>, of array: ScoringError.Array) throws(Problem)

    /// An array is complete.
    func end(_ array: ScoringError.Array) throws(Problem)

    /// Something stood beside the arrays and is of no use here.
    ///
    /// - Parameters:
    ///   - name: As the body has it.
    func passOver(_ name: String)

    /// A file stands for an array.
    ///
    /// - Parameters:
    ///   - file: Its path, as the body has it.
    func refer(_ array: ScoringError.Array, to file: String) throws(Problem)

    /// A parameter stood in the body.
    func set(_ parameter: String, _ value: String) throws(Problem)
}

extension ArrayDestination {
    package func refer(_ array: ScoringError.Array, to file: String) throws(Problem) {
        throw .invalidParameter(array.rawValue, expected: "an array, for which no file can stand here", actual: file)
    }
}

/// Passes one array on to the destination.
final class ArrayPort: TensorReceiver {
    private let array: ScoringError.Array
    private let destination: any ArrayDestination
    private let byteLimit: Int
    private let bytesToEnd: Int?

    /// How many bytes of the array are still to come, where it is known to fill the body.
    private(set) var certainBytes = 0

    /// - Parameters:
    ///   - bytesToEnd: What is left of the body's content from the start of the array's file on; 0 where no parameter
    ///     can follow, nil where that cannot be known.
    init(
        _ array: ScoringError.Array, of destination: any ArrayDestination, byteLimit: Int = .max, bytesToEnd: Int? = 0
    ) {
        self.array = array
        self.destination = destination
        self.byteLimit = byteLimit
        self.bytesToEnd = bytesToEnd
    }

    func begin(_ layout: TensorLayout, at offset: Int) throws(Problem) {
        // A whole array's size and a header's are far from overflow.
        let isLast = bytesToEnd.map { $0 - offset <= layout.byteCount } ?? false
        // The destination first: that there are too many pixels says more than that there are too many bytes.
        try destination.begin(array, layout, parametersAreKnown: isLast)
        guard layout.byteCount <= byteLimit else { throw .bodyTooLarge(limit: byteLimit).found(in: array) }
        if let bytesToEnd, bytesToEnd - offset == layout.byteCount { certainBytes = layout.byteCount }
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try destination.receive(bytes, of: array)
        certainBytes = max(certainBytes - bytes.count, 0)
    }

    func end() throws(Problem) {
        try destination.end(array)
    }
}

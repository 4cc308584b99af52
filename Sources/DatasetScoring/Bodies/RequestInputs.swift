package import Codecs
package import Memory
package import Scoring
package import ServiceInterface
package import WebService

/// The arrays and parameters that a request takes from its body.
///
/// The decoders of all formats bring here what they find.
package protocol RequestInputs: AnyObject {
    /// The arrays that the request takes.
    var arrays: [ScoringError.Array] { get }

    /// The names of the parameters that the request takes.
    var parameterNames: [String] { get }

    /// Tells the inputs that an array begins, whose header has been read. Each array begins at most once.
    ///
    /// - Parameters:
    ///   - array: The array.
    ///   - layout: The shape, element type and order of the array.
    ///   - parametersAreKnown: Whether all parameters have been set. If not, some may follow the array.
    /// - Returns: The accumulator that takes the elements of the array.
    /// - Throws: A problem if the array cannot be used.
    func begin(
        _ array: ScoringError.Array, _ layout: TensorLayout, parametersAreKnown: Bool
    ) throws(Problem) -> any ArrayAccumulator

    /// Tells the inputs that all elements of an array have come.
    ///
    /// - Throws: A problem if the elements cannot be used.
    func end(_ array: ScoringError.Array) throws(Problem)

    /// The classes of the colours in images of labels; nil if images of colours are not taken.
    ///
    /// - Throws: A 400 problem if a parameter has a value that is not allowed.
    var colours: ColourClasses? { get throws(Problem) }

    /// Tells the inputs that labels come as single images, and that the next of these begins, whose head has been read.
    /// The array ``ScoringError/Array/labels`` does not begin besides.
    ///
    /// - Parameters:
    ///   - layout: `(1, H, W)`.
    /// - Returns: The accumulator that takes the image.
    /// - Throws: A problem if the image cannot be used.
    func beginLabelImage(_ layout: TensorLayout) throws(Problem) -> any ArrayAccumulator

    /// Tells the inputs that all labels of the image have come.
    func endLabelImage()

    /// What takes the pictures that come beside the arrays; nil if none are taken.
    var pictures: ArrivingPictures? { get }

    /// Tells the inputs that the body contains something besides arrays and parameters, which is ignored.
    ///
    /// - Parameters:
    ///   - name: The name that it has in the body.
    func passOver(_ name: String)

    /// Tells the inputs that a file stands for an array.
    ///
    /// - Parameters:
    ///   - array: The array.
    ///   - file: The path of the file, as the body has it.
    /// - Throws: A problem if the file cannot be opened, or if no file may stand for the array.
    func refer(_ array: ScoringError.Array, to file: String) throws(Problem)

    /// Tells the inputs that an array lies in the memory of the client, or in files that it has open.
    ///
    /// - Parameters:
    ///   - array: The array.
    ///   - text: Where it lies, as the body has it: see ``ClientPiece/list(_:of:)``.
    ///   - client: The client; nil if it is no process on this machine.
    /// - Throws: A problem if it cannot be read there, or if nothing may stand for the array.
    func refer(
        _ array: ScoringError.Array, toMemory text: String, of client: IncomingRequest.Process?
    ) throws(Problem)

    /// Tells the inputs that the files of a folder stand for an array, each for one image of it.
    ///
    /// - Parameters:
    ///   - array: The array.
    ///   - folder: The path of the folder, as the body has it.
    /// - Throws: A problem if no folder may stand for the array.
    func refer(_ array: ScoringError.Array, toFolder folder: String) throws(Problem)

    /// Tells the inputs the value of a parameter.
    ///
    /// - Throws: A 400 problem if there is no such parameter, or if the value is not allowed.
    func set(_ parameter: String, _ value: String) throws(Problem)
}

extension RequestInputs {
    package var colours: ColourClasses? { nil }

    package func beginLabelImage(_ layout: TensorLayout) throws(Problem) -> any ArrayAccumulator {
        throw Problem(.unexpectedArray, "There are no labels here.", parameter: ScoringError.Array.labels.rawValue)
    }

    package func endLabelImage() {}

    package var pictures: ArrivingPictures? { nil }

    package func refer(_ array: ScoringError.Array, to file: String) throws(Problem) {
        throw .invalidParameter(array.rawValue, expected: "an array, for which no file can stand here", actual: file)
    }

    package func refer(
        _ array: ScoringError.Array, toMemory text: String, of client: IncomingRequest.Process?
    ) throws(Problem) {
        throw .invalidParameter(array.rawValue, expected: "an array, for which no memory can stand here", actual: text)
    }

    package func refer(_ array: ScoringError.Array, toFolder folder: String) throws(Problem) {
        throw .invalidParameter(
            array.rawValue, expected: "an array, for which no folder can stand here", actual: folder)
    }
}

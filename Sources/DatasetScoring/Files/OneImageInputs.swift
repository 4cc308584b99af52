import Codecs
import HTTPTypes
import Memory
import Scoring
import WebService

/// Passes arrays on as those of one image, whether they have an axis of images or not.
final class OneImageInputs: RequestInputs {
    private let inputs: any RequestInputs
    private let labels: [Int]?

    /// - Parameter labels: The shape of the image's labels; nil if they are not known.
    init(_ inputs: any RequestInputs, labels: [Int]?) {
        self.inputs = inputs
        self.labels = labels
    }

    var arrays: [ScoringError.Array] { inputs.arrays }
    var parameterNames: [String] { inputs.parameterNames }
    var colours: ColourClasses? { get throws(Problem) { try inputs.colours } }

    func begin(
        _ array: ScoringError.Array, _ layout: TensorLayout, parametersAreKnown: Bool
    ) throws(Problem) -> any ArrayAccumulator {
        try inputs.begin(array, try layout.ofOneImage(array, labels: labels), parametersAreKnown: parametersAreKnown)
    }

    func end(_ array: ScoringError.Array) throws(Problem) { try inputs.end(array) }
    func beginLabelImage(_ layout: TensorLayout) throws(Problem) -> any ArrayAccumulator {
        try inputs.beginLabelImage(layout)
    }
    func endLabelImage() { inputs.endLabelImage() }
    func passOver(_ name: String) { inputs.passOver(name) }
    func set(_ parameter: String, _ value: String) throws(Problem) { try inputs.set(parameter, value) }
}

extension TensorLayout {
    /// The layout of an array of one image with its axis of images: (H, W) is (1, H, W), (K, H, W) is (1, K, H, W).
    ///
    /// Labels of three dimensions are one-hot, or those of a volume, unless the first is 1. Those of a volume tell that
    /// predictions of four are (K, D, H, W).
    ///
    /// - Parameter labels: The shape of the image's labels with its axis of images; nil if they are not known.
    /// - Throws: A 422 problem for several images.
    func ofOneImage(_ array: ScoringError.Array, labels: [Int]?) throws(Problem) -> TensorLayout {
        let dimensions = array == .labels || array.isReduced ? 2 : 3
        let isVolume =
            if array == .labels {
                shape.count == 3
            } else if array.isReduced {
                shape.count > 2 && shape[...] == labels?.dropFirst()
            } else {
                shape.count > 3 && shape.count == labels?.count && shape.dropFirst() == labels?.dropFirst()
            }
        guard shape.count == dimensions || (isVolume && shape[0] != 1) else {
            guard shape.count < 4 || shape[0] == 1 else {
                throw Problem(
                    .shapeMismatch, "A file of a folder holds one image, and this one holds \(shape[0]).",
                    parameter: array.rawValue,
                    expected: array == .labels ? "(H, W) or (1, H, W)" : "(K, H, W) or (1, K, H, W)",
                    actual: "(\(shape.map(String.init).joined(separator: ", ")))")
            }
            return self
        }
        do throws(MemoryError) {
            return try TensorLayout(elementType: elementType, shape: [1] + shape, order: order)
        } catch {
            throw Problem(error)
        }
    }
}

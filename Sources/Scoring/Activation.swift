/// What turns the values that a model gives into probabilities.
package struct Activation: Equatable, Sendable {
    /// A function of the values of a pixel.
    package enum Function: Equatable, Sendable {
        /// The values are probabilities as they are.
        case identity
        /// exp(x) divided by the sum of exp(x) over the classes.
        case softmax
        /// 1 / (1 + exp(-x)) for each class by itself.
        case sigmoid
    }

    package let function: Function

    /// Whether the values of the function are divided by their sum over the classes. Those of a softmax add to 1
    /// anyway.
    package let dividesBySum: Bool

    /// Whether an array of one channel tells of two classes: its values are those of the second class, and the
    /// probabilities of the first are what is left to 1.
    package let isOfTwoClasses: Bool

    /// - Parameters:
    ///   - dividesBySum: See ``dividesBySum``.
    ///   - isOfTwoClasses: See ``isOfTwoClasses``. The two probabilities add to 1, so that nothing is divided.
    package init(_ function: Function, dividesBySum: Bool = false, isOfTwoClasses: Bool = false) {
        precondition(!isOfTwoClasses || function != .softmax, "the softmax of one value is 1")
        self.function = function
        self.dividesBySum = dividesBySum && function != .softmax && !isOfTwoClasses
        self.isOfTwoClasses = isOfTwoClasses
    }

    /// The values are probabilities as they are.
    package static let identity = Activation(.identity)

    /// Whether a probability depends on the values of all classes, so that no probability of a pixel is known before
    /// its last value has come.
    package var needsAllClasses: Bool { function == .softmax || dividesBySum }

    /// The shape `(N, K, H, W)` of the probabilities.
    ///
    /// - Parameter shape: The shape of the array that came, which may be anything.
    package func probabilitiesShape(_ shape: [Int]) -> [Int] {
        guard isOfTwoClasses, shape.count == 4, shape[1] == 1 else { return shape }
        return [shape[0], 2, shape[2], shape[3]]
    }
}

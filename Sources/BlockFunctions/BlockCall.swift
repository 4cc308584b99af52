import Memory
import Scoring
import WebService

/// What a function is called with: arrays of a block, which is some images of a data set, and parameters.
struct BlockCall {
    private let arrays: [LentArray]

    /// The query of the call, from its question mark on.
    let query: String

    init(arrays: [LentArray], query: String) {
        (self.arrays, self.query) = (arrays, query)
    }

    /// An array by its name.
    ///
    /// - Throws: A 400 problem if there is none.
    func array(_ name: String) throws(Problem) -> LentArray {
        guard let array = optionalArray(name) else {
            throw Problem(
                .missingArray, "There is no array \"\(name)\".", parameter: name, expected: "one of that name")
        }
        return array
    }

    func optionalArray(_ name: String) -> LentArray? { arrays.first { $0.name == name } }

    /// The shape that some arrays have in common: that of labels.
    ///
    /// - Throws: A 400 problem if they have different shapes, or are of no images.
    func shape(of names: String...) throws(Problem) -> LabelShape {
        let shape = try array(names[0]).layout.shape
        for name in names {
            let other = try array(name).layout.shape
            guard other == shape else {
                throw .invalidParameter(name, expected: "the shape \(shape)", actual: "\(other)")
            }
        }
        guard (2..<AxisReading.rankLimit + 1).contains(shape.count), !shape.contains(0) else {
            throw .invalidParameter(names[0], expected: "(N, H, W), none of which is 0", actual: "\(shape)")
        }
        return LabelShape(shape)
    }

    /// Classes of labels, and the predicted ones in codes as wide.
    ///
    /// - Throws: A 400 problem if they are of two types.
    func classes(_ labels: String, _ predicted: String) throws(Problem) -> (labels: ClassCodes, predicted: ClassCodes) {
        let (first, second) = (try array(labels).classes(), try array(predicted).classes())
        guard first.isWide == second.isWide else {
            throw .invalidParameter(
                predicted, expected: "the type of \(labels)", actual: second.isWide ? "uint16" : "uint8")
        }
        return (first, second)
    }

    /// The parameters, all of which the function knows.
    ///
    /// - Throws: A 400 problem for a name that is unknown.
    func parameters(_ names: String...) throws(Problem) -> Parameters { try Parameters(target: query, known: names) }
}

extension Parameters {
    /// A whole number that is there.
    ///
    /// - Throws: A 400 problem if it is not, or is none of the range.
    func required<Value: FixedWidthInteger>(_ name: String, in range: ClosedRange<Value>) throws(Problem) -> Value {
        guard let value = try integer(name, in: range) else {
            throw .invalidParameter(name, expected: "a whole number", actual: "none")
        }
        return value
    }

    /// A number from 0 to 1 that is there.
    ///
    /// - Throws: A 400 problem if it is not, or is another.
    func requiredScore(_ name: String) throws(Problem) -> Double {
        guard let value = try number(name, expected: "a number from 0 to 1", where: { (0...1).contains($0) }) else {
            throw .invalidParameter(name, expected: "a number from 0 to 1", actual: "none")
        }
        return value
    }
}

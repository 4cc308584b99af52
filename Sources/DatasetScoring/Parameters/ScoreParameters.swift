import Codecs
import Foundation
import HTTPTypes
import Memory
package import Scoring
package import WebService

/// The parameters of a scoring, each with a value that is allowed.
package struct ScoreParameters: Equatable, Sendable {
    /// The arrays that an answer can hold, in the order in which it holds them.
    package enum Array: String, CaseIterable, Sendable {
        case imageScores = "image_scores"
        case pixelScores = "pixel_scores"
        case issues
        case labelIssues = "label_issues"
    }

    /// The part of `pred_probs` in a file that is read.
    package enum Reading: String, CaseIterable {
        /// The probabilities that pixels give to their own label, if the method needs no others.
        case labelled
        /// Every probability.
        case all
    }

    /// A function that turns a model's outputs into probabilities.
    package enum Activation: String, CaseIterable {
        case softmax
        case sigmoid

        var function: Scoring.Activation.Function {
            switch self {
            case .softmax: .softmax
            case .sigmoid: .sigmoid
            }
        }
    }

    /// A way to make the probabilities of a pixel add to 1.
    package enum Normalization: String, CaseIterable {
        /// Each value is divided by the sum over the classes.
        case sum
    }

    /// The names of the parameters on the wire.
    package static let names =
        [
            "method", "temperature", "downsample", "threshold", "ignore_label", "label_map", "label_offset",
            "reduce_zero_label", "include", "output", "images", "read", "classes", "colors", "activation", "normalize",
        ] + SamplingParameters.names + NameParameters.names

    /// The names that are known in requests which choose the arrays of their answer in another way.
    package static let namesWithoutAnswer = names.filter { $0 != "include" }

    /// The names of those that say what the arrays are, and not what is made of them.
    package static let namesOfArrays = names.filter {
        !["method", "temperature", "downsample", "threshold", "include", "output", "images", "read"].contains($0)
            && !NameParameters.names.contains($0)
    }

    /// The names of those that are lists of numbers in JSON, and of those that are objects.
    static let listNames: Set = ["ignore_label", "valid"]
    static let objectNames: Set = ["label_map", "colors"]

    /// The names of those that can be lists of any texts.
    static let textListNames = Set(NameParameters.names + [PicturePlace.name])

    /// The method by which images are scored.
    package let method: Method
    /// T of the softmin over the pixels of an image, in score units; above 0.
    package let temperature: Double
    /// The side of the blocks in which label issues are looked for, in pixels; 1 for single pixels.
    package let downsample: Int
    /// The score below which a pixel is an issue, in `[0, 1]`; nil if the client names none.
    package let threshold: Double?
    /// What the values of labels stand for.
    package let labels: LabelParameters

    /// The arrays that the client wants in its answer; nil if it names none.
    let include: [Array]?

    /// The directory to which results are written too, as a path in a ``DataDirectories``.
    package let output: String?

    /// Where the pictures lie that the labels are of. They are for people.
    package let images: PicturePlace?

    /// The choice of the client; nil if it makes none, which has the effect of ``Reading/labelled``.
    package let reading: Reading?

    /// K, if the client names it. It has to do so if its `pred_probs` hold labelled classes alone.
    package let classCount: Int?

    /// The classes of the colours in images of labels; nil if images of colours are not taken.
    let colours: ColourClasses?

    /// ``colours`` as the client wrote them.
    package let coloursText: String?

    /// The function that the values go through first; nil if the client names none.
    package let activation: Activation?

    /// What is done to probabilities that do not add to 1; nil if they are taken as they are.
    package let normalization: Normalization?

    /// How the values lie in their array, and what brings them to the pixels of the labels.
    package let sampling: SamplingParameters

    /// What classes and images are called.
    package private(set) var names: NameParameters

    /// Reads the parameters.
    ///
    /// - Throws: A 400 problem for a value that is not allowed.
    package init(_ parameters: Parameters) throws(Problem) {
        method = try parameters.choice("method") ?? .softmin
        temperature =
            try parameters.number("temperature", expected: "a finite number above 0") { $0 > 0 } ?? 0.1
        downsample = try parameters.integer("downsample", in: 1...Int(Int32.max)) ?? 1
        threshold = try parameters.threshold()
        labels = try LabelParameters(parameters)
        output = parameters.string("output")
        images = try PicturePlace(parameters)
        reading = try parameters.choice("read")
        classCount = try parameters.integer("classes", in: 1...ScoringShape.classLimit)
        coloursText = parameters.string("colors")
        colours = try coloursText.map { (text) throws(Problem) in try ColourClasses(parameter: text) }
        activation = try parameters.choice("activation")
        normalization = try parameters.choice("normalize")
        sampling = try SamplingParameters(parameters)
        names = try NameParameters(parameters)
        include = try parameters.string("include").map { (text) throws(Problem) in try Self.arrays(text) }
    }

    /// Gives names to images that have none.
    ///
    /// - Parameter names: One for each image, each of which can be one.
    /// - Throws: A 503 problem if memory is short.
    mutating func nameImages(_ names: [String]) throws(Problem) {
        if self.names.images == nil { self.names = try self.names.naming(images: names) }
    }

    /// The parameters as texts, by their names on the wire.
    package var values: [String: String] {
        var values = ["method": method.rawValue, "temperature": "\(temperature)", "downsample": "\(downsample)"]
        values["threshold"] = threshold.map { "\($0)" }
        values.merge(labels.values) { $1 }
        values["output"] = output
        values["images"] = images?.text
        values["read"] = reading?.rawValue
        values["classes"] = classCount.map { "\($0)" }
        values["colors"] = coloursText
        values["activation"] = activation?.rawValue
        values["normalize"] = normalization?.rawValue
        values.merge(sampling.values) { $1 }
        values.merge(names.values) { $1 }
        values["include"] = include.map { $0.map(\.rawValue).joined(separator: ",") }
        return values
    }

    /// The parameters as texts that can be parsed again.
    package var named: Parameters { Parameters(known: Self.names, values: values) }

    /// The side of the blocks that are scored, in pixels; 1 if single pixels are scored.
    var blockSide: Int { method.type.blockSide(self) }

    /// Proves that the parameters go together. To be called once all of them have come.
    ///
    /// - Throws: 400 for a parameter or an array that belongs to another method.
    package func check() throws(Problem) {
        try method.type.check(self)
        try sampling.check()
        for array in include ?? [] where !method.finds(array) {
            let finders = Method.allCases.filter { $0.finds(array) }.map(\.rawValue).joined(separator: " or ")
            throw Problem(
                .invalidParameter, "include names \(array.rawValue), which only \(finders) finds.",
                parameter: "include", expected: "method=\(finders) with it", actual: array.rawValue)
        }
    }

    /// Proves that the parameters go together with images.
    ///
    /// - Throws: 400 unless there is a name for each class and each image, and a file for each image, if there are any.
    package func check(_ shape: ScoringShape) throws(Problem) {
        try names.check(classCount: shape.classCount)
        try names.check(imageCount: shape.imageCount)
        try images?.check(imageCount: shape.imageCount)
    }

    /// The arrays that an answer in some format holds.
    ///
    /// - Throws: A 400 problem if the arrays that the client names do not fit the format, or if one of them does not
    ///   exist.
    package func included(in format: MediaType) throws(Problem) -> [Array] {
        let included = include ?? (format == .json ? [.imageScores] : format == .npy ? [] : available)
        if included.contains(.issues) && threshold == nil {
            throw Problem(
                .invalidParameter, "include names issues, which need a threshold.",
                parameter: "include", expected: "a threshold with it", actual: "issues")
        }
        if format == .npy && included.count != 1 {
            throw Problem(
                .invalidParameter, "An npy answer holds one array: include must name exactly one.",
                parameter: "include", expected: "one of " + available.map(\.rawValue).joined(separator: ", "),
                actual: included.isEmpty ? "none" : included.map(\.rawValue).joined(separator: ","))
        }
        return Array.allCases.filter(included.contains)
    }

    /// The arrays that an answer can hold, given these parameters.
    package var available: [Array] {
        Array.allCases.filter { array in
            method.finds(array) && (array != .issues || threshold != nil)
        }
    }

    /// The arrays that are written to ``output``.
    package var written: [Array] { available.filter { include?.contains($0) ?? true } }

    private static func arrays(_ text: String) throws(Problem) -> [Array] {
        var result: [Array] = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let array = Array(rawValue: name.trimmingCharacters(in: .whitespaces)), !result.contains(array) else {
                throw .invalidParameter(
                    "include",
                    expected: "names of arrays, each once: "
                        + Array.allCases.map(\.rawValue).joined(separator: ", "), actual: text)
            }
            result.append(array)
        }
        return result
    }
}

extension Parameters {
    /// The parameters of a scoring, by their names.
    ///
    /// - Throws: A 400 problem for a name that is unknown.
    package init(scoring values: [String: String]) throws(Problem) {
        try self.init(values, known: ScoreParameters.names)
    }
}

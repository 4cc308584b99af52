import Foundation
import HTTPTypes
import Scoring
package import WebService

/// The parameters of a scoring, checked.
package struct ScoreParameters: Equatable, Sendable {
    /// How images are scored; the names are the wire's.
    package enum Method: String, CaseIterable {
        case softmin
        case numPixelIssues = "num_pixel_issues"
    }

    /// The arrays that an answer can hold, in the order that it holds them.
    package enum Array: String, CaseIterable {
        case imageScores = "image_scores"
        case pixelScores = "pixel_scores"
        case issues
        case labelIssues = "label_issues"
    }

    /// What is read of `pred_probs` in a file.
    package enum Reading: String, CaseIterable {
        /// The probabilities that pixels give to their own label, where the method needs no others.
        case labelled
        case all
    }

    package static let names = [
        "method", "temperature", "downsample", "threshold", "ignore_label", "include", "output", "read",
        "classes",
    ]

    /// Those of requests that say elsewhere what they want to be answered.
    package static let namesWithoutAnswer = names.filter { $0 != "include" }

    package let method: Method
    package let temperature: Double
    package let downsample: Int
    package let threshold: Double?
    package let ignoredLabel: Int64?

    /// What the client named, if it named anything.
    let include: [Array]?

    /// Where the results are written besides: a path in a ``DataDirectories``.
    package let output: String?

    /// Nil where the client named none, which is as ``Reading/labelled``.
    package let reading: Reading?

    /// K, where the client says so, as it has to where `pred_probs` are those of labelled classes alone.
    package let classCount: Int?

    /// - Throws: 400 for a value that is not allowed.
    package init(_ parameters: Parameters) throws(Problem) {
        method = try parameters.choice("method") ?? .softmin
        temperature =
            try parameters.number("temperature", expected: "a finite number above 0") { $0 > 0 } ?? 0.1
        downsample = try parameters.integer("downsample", in: 1...Int(Int32.max)) ?? 1
        threshold = try parameters.threshold()
        ignoredLabel = try parameters.integer("ignore_label", in: Int64.min...Int64.max)
        output = parameters.string("output")
        reading = try parameters.choice("read")
        classCount = try parameters.integer("classes", in: 1...ScoringShape.classLimit)
        include = try parameters.string("include").map { (text) throws(Problem) in try Self.arrays(text) }
    }

    /// The same parameters by their names on the wire, as texts.
    package var values: [String: String] {
        var values = ["method": method.rawValue, "temperature": "\(temperature)", "downsample": "\(downsample)"]
        values["threshold"] = threshold.map { "\($0)" }
        values["ignore_label"] = ignoredLabel.map { "\($0)" }
        values["output"] = output
        values["read"] = reading?.rawValue
        values["classes"] = classCount.map { "\($0)" }
        values["include"] = include.map { $0.map(\.rawValue).joined(separator: ",") }
        return values
    }

    /// The same parameters, as they may be read again.
    package var named: Parameters { Parameters(known: Self.names, values: values) }

    /// The extent of the blocks that are looked at, in pixels; 1 for pixels.
    var blockSide: Int { method == .numPixelIssues ? downsample : 1 }

    /// Proves what can be said only of all parameters together, once all of them are there.
    ///
    /// - Throws: 400 for a parameter that another method has.
    package func check() throws(Problem) {
        guard method == .softmin else { return }
        if downsample != 1 {
            throw Problem(
                .badRequest, "invalid-parameter", "downsample is for the method num_pixel_issues; softmin takes none.",
                parameter: "downsample", expected: "1, or method=num_pixel_issues", actual: String(downsample))
        }
        if include?.contains(.labelIssues) == true {
            throw Problem(
                .badRequest, "invalid-parameter", "include names label_issues, which only num_pixel_issues finds.",
                parameter: "include", expected: "method=num_pixel_issues with it", actual: Array.labelIssues.rawValue)
        }
    }

    /// What an answer of a media type holds.
    ///
    /// - Throws: 400 where what was asked for does not fit the form, or is not there.
    package func included(in form: MediaType) throws(Problem) -> [Array] {
        let included = include ?? (form == .json ? [.imageScores] : form == .npy ? [] : available)
        if included.contains(.issues) && threshold == nil {
            throw Problem(
                .badRequest, "invalid-parameter", "include names issues, which need a threshold.",
                parameter: "include", expected: "a threshold with it", actual: "issues")
        }
        if form == .npy && included.count != 1 {
            throw Problem(
                .badRequest, "invalid-parameter", "An npy answer holds one array: include must name exactly one.",
                parameter: "include", expected: "one of " + available.map(\.rawValue).joined(separator: ", "),
                actual: included.isEmpty ? "none" : included.map(\.rawValue).joined(separator: ","))
        }
        return Array.allCases.filter(included.contains)
    }

    /// The arrays that there are.
    package var available: [Array] {
        Array.allCases.filter { array in
            switch array {
            case .imageScores, .pixelScores: true
            case .issues: threshold != nil
            case .labelIssues: method == .numPixelIssues
            }
        }
    }

    /// What is written to ``output``.
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
    /// Parameters of a scoring, by their names.
    ///
    /// - Throws: 400 for a name that is unknown.
    package init(scoring values: [String: String]) throws(Problem) {
        try self.init(values, known: ScoreParameters.names)
    }
}

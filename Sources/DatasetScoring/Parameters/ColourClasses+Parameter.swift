import Codecs
import Foundation
import Scoring
import WebService

extension ColourClasses {
    /// Reads the parameter `colors`.
    ///
    /// - Parameter text: `#000000,#ff0000`, a JSON list of such texts or of `[red, green, blue]`, each in the order of
    ///   the classes, or a JSON object of such texts and their classes.
    /// - Throws: A 400 problem for any other text, and for a colour that comes twice.
    init(parameter text: String) throws(Problem) {
        var classes: [Colour: UInt16] = [:]
        for (colour, label) in try Self.pairs(text) {
            guard let colour, let label = UInt16(exactly: label), label < .max else { throw Self.invalid(text) }
            guard classes.updateValue(label, forKey: colour) == nil else {
                throw Problem(
                    .invalidParameter, "colors names \(colour) twice.", parameter: "colors",
                    expected: "each colour once", actual: "\(colour)")
            }
        }
        guard !classes.isEmpty else { throw Self.invalid(text) }
        self.init(classes)
    }

    /// The colours with their classes; nil in the place of a colour that cannot be read.
    private static func pairs(_ text: String) throws(Problem) -> [(Colour?, Int)] {
        let data = Data(text.utf8)
        let decoder = JSONDecoder()
        switch text.first(where: { !$0.isWhitespace }) {
        case "{":
            guard let object = try? decoder.decode([String: Int].self, from: data) else { throw invalid(text) }
            return object.map { (Colour(hexadecimal: $0.key), $0.value) }
        case "[":
            if let triples = try? decoder.decode([[UInt8]].self, from: data) {
                return triples.map(colour).enumerated().map { ($1, $0) }
            }
            guard let texts = try? decoder.decode([String].self, from: data) else { throw invalid(text) }
            return texts.map { Colour(hexadecimal: $0) }.enumerated().map { ($1, $0) }
        default:
            let texts = text.split(separator: ",", omittingEmptySubsequences: false)
            return texts.map { Colour(hexadecimal: $0.trimmingCharacters(in: .whitespaces)) }.enumerated()
                .map { ($1, $0) }
        }
    }

    private static func colour(_ samples: [UInt8]) -> Colour? {
        samples.count == 3 ? Colour(red: samples[0], green: samples[1], blue: samples[2]) : nil
    }

    private static func invalid(_ text: String) -> Problem {
        .invalidParameter(
            "colors",
            expected: "#rrggbb,#rrggbb,… in the order of the classes, [[r, g, b], …], or {\"#rrggbb\": class, …}",
            actual: text)
    }
}

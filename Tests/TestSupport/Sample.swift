import Codecs
import Foundation
package import HTTPTypes
package import Memory

/// The body of a request, with the fields that describe it.
package struct Body {
    package var bytes: [UInt8]
    package var fields: HTTPFields

    package init(bytes: [UInt8], fields: HTTPFields = [:]) {
        self.bytes = bytes
        self.fields = fields
    }
}

/// A small data set, whose probabilities are the same numbers in every float type and in JSON.
package struct Sample {
    package var images = 2
    package var classes = 3
    package var height = 2
    package var width = 3
    package var labels: [Int]
    package var probabilities: [Float]

    package init(images: Int = 2, classes: Int = 3, height: Int = 2, width: Int = 3) {
        self.images = images
        self.classes = classes
        self.height = height
        self.width = width
        labels = (0..<images * height * width).map { $0 * 7 % classes }
        probabilities = (0..<images * classes * height * width).map { Float($0 * 29 % 64) / 64 }
    }

    package var plane: Int { height * width }

    /// The probability of each pixel's own label; 1 if the pixel is ignored.
    package func pixelScores(ignoring label: Int? = nil) -> [Float] {
        (0..<images * plane).map { pixel in
            if labels[pixel] == label { return 1 }
            let (image, place) = (pixel / plane, pixel % plane)
            return probabilities[(image * classes + labels[pixel]) * plane + place]
        }
    }

    /// Σ wᵢ·sᵢ / Σ wᵢ with wᵢ = exp((min s − sᵢ) / T), over the pixels that take part.
    package func imageScores(temperature: Double = 0.1, ignoring label: Int? = nil) -> [Double] {
        let scores = pixelScores(ignoring: label)
        return (0..<images).map { image in
            let pixels = (image * plane..<(image + 1) * plane).filter { labels[$0] != label }
            let values = pixels.map { Double(scores[$0]) }
            guard let least = values.min() else { return 1 }
            let weights = values.map { exp((least - $0) / temperature) }
            return zip(weights, values).map(*).reduce(0, +) / weights.reduce(0, +)
        }
    }

    package var labelsFile: [UInt8] { npy(labels.map(Int64.init), .int64, [images, height, width]) }
    package var probabilitiesFile: [UInt8] { npy(probabilities, .float32, [images, classes, height, width]) }

    // MARK: Bodies

    /// The names and files of the arrays, in the order in which they are sent.
    private func files(labelsFirst: Bool) -> [(String, [UInt8])] {
        let files = [("labels", labelsFile), ("pred_probs", probabilitiesFile)]
        return labelsFirst ? files : files.reversed()
    }

    package func npz(labelsFirst: Bool = true) throws -> Body {
        try archive(files(labelsFirst: labelsFirst))
    }

    package func multipart(
        labelsFirst: Bool = true, before: [(String, String)] = [], after: [(String, String)] = []
    ) -> Body {
        let files = files(labelsFirst: labelsFirst).map { SentPart($0.0, $0.1, isFile: true) }
        return form(
            before.map { SentPart($0.0, Array($0.1.utf8)) } + files + after.map { SentPart($0.0, Array($0.1.utf8)) })
    }

    package func json(labelsFirst: Bool = true, before: String = "", after: String = "") -> Body {
        let arrays = [
            "\"labels\": \(nested(labels, [images, height, width]))",
            "\"pred_probs\": \(nested(probabilities, [images, classes, height, width]))",
        ]
        let text = (labelsFirst ? arrays : arrays.reversed()).joined(separator: ", ")
        return Body(
            bytes: Array("{\(before)\(text)\(after)}".utf8), fields: [.contentType: "application/json"])
    }

    /// The same data in each format.
    package func body(_ format: BodyFormat, labelsFirst: Bool = true) throws -> Body {
        switch format {
        case .npz: try npz(labelsFirst: labelsFirst)
        case .multipart: multipart(labelsFirst: labelsFirst)
        case .json: json(labelsFirst: labelsFirst)
        }
    }
}

/// The formats in which a request may send its arrays.
package enum BodyFormat: CaseIterable {
    case npz, multipart, json
}

/// A part of a form.
package struct SentPart {
    package let name: String
    package let bytes: [UInt8]
    package let isFile: Bool

    package init(_ name: String, _ bytes: [UInt8], isFile: Bool = false) {
        self.name = name
        self.bytes = bytes
        self.isFile = isFile
    }
}

/// A form.
package func form(_ parts: [SentPart]) -> Body {
    var bytes: [UInt8] = []
    for part in parts {
        let file = part.isFile ? "; filename=\"\(part.name).npy\"" : ""
        bytes += "--frontier\r\nContent-Disposition: form-data; name=\"\(part.name)\"\(file)\r\n\r\n".utf8
        bytes += part.bytes + Array("\r\n".utf8)
    }
    bytes += "--frontier--\r\n".utf8
    return Body(bytes: bytes, fields: [.contentType: "multipart/form-data; boundary=frontier"])
}

/// A stored archive of npy files.
package func archive(_ files: [(name: String, file: [UInt8])]) throws -> Body {
    let entries = try files.map { name, file in
        // The header is the part of a file that the encoder writes itself.
        let header = Int(file[8]) + Int(file[9]) << 8 + 10
        let dict = String(decoding: file[10..<header], as: UTF8.self)
        let layout = try layout(dict)
        let content = try Buffer(Array(file[header...]))
        return NpzEntry(name: name, layout: layout, owner: content, range: 0..<content.count)
    }
    var bytes: [UInt8] = []
    for piece in try NpzEncoder.archive(of: entries) { bytes += piece.owner.stableBytes[piece.range] }
    return Body(bytes: bytes)
}

private func layout(_ dict: String) throws -> TensorLayout {
    let quoted = dict.split(separator: "'", omittingEmptySubsequences: false)
    let scalars: [String: ElementType.Scalar] = [
        "<i8": .int64, "<f4": .float32, "<f8": .float64, "|b1": .bool, "|u1": .uint8,
    ]
    guard quoted.count > 3, let scalar = scalars[String(quoted[3])], let open = dict.firstIndex(of: "("),
        let close = dict.firstIndex(of: ")")
    else { throw Unexpected(description: dict) }
    let shape = dict[dict.index(after: open)..<close].split(separator: ",").compactMap {
        Int($0.trimmingCharacters(in: .whitespaces))
    }
    return try TensorLayout(elementType: ElementType(scalar), shape: shape)
}

/// An npy file.
package func npy<Element: BitwiseCopyable>(
    _ elements: [Element], _ scalar: ElementType.Scalar, _ shape: [Int], order: TensorLayout.Order = .c
) -> [UInt8] {
    guard let layout = try? TensorLayout(elementType: ElementType(scalar), shape: shape, order: order) else {
        return []
    }
    return NpyEncoder.header(for: layout) + elements.withUnsafeBytes { Array($0) }
}

/// The elements as nested lists in JSON.
package func nested(_ elements: [some CustomStringConvertible], _ shape: [Int]) -> String {
    guard let extent = shape.first else { return elements.first.map(\.description) ?? "" }
    let step = elements.count / max(extent, 1)
    let parts = (0..<extent).map { index in
        nested(Array(elements[index * step..<(index + 1) * step]), Array(shape.dropFirst()))
    }
    return "[" + parts.joined(separator: ",") + "]"
}

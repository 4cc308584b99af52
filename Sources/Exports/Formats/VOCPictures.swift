import Codecs

/// CVAT's "Segmentation mask 1.1": Pascal VOC's pictures of classes, and of instances for regions.
///
/// Black stands for pixels that take no part, and is called `background`, since CVAT refuses a colour that its list of
/// labels does not have. A class of that name is the background itself. Instances are left out of an image that has more
/// of them than readers know colours for. Classes beyond 255 have colours too, but datumaro fails on some pictures of
/// such: it takes the size of its numbers from how many colours a picture has.
enum VOCPictures {
    private static let background = "background"

    static func parts(_ content: ExportContent, _ classes: ExportClasses) -> [ExportPart] {
        let names = classes.labelMapNames
        let isBackground = names.map { $0.lowercased() == background }
        // More than one class may be called so in letters of another case; only the first is the background.
        let own = isBackground.firstIndex(of: true)
        let codes = names.indices.map { $0 == own ? 0 : classes.code($0) }
        var map = "# label:color_rgb:parts:actions\n"
        map += line(own.map { names[$0] } ?? background, .voc(0))
        for (number, name) in names.enumerated() where number != own { map += line(name, classes.colour(number)) }
        var parts: [ExportPart] = [
            .text(path: "labelmap.txt", map),
            // CVAT fails on a list whose name has an underscore.
            .document(path: "ImageSets/Segmentation/default.txt", [VOCList()]),
            .files(.masks) { (image) throws(ExportError) in
                let picture = try CodePicture(image, content, code: codes)
                return ExportFile(
                    path: "SegmentationClass/\(stem(image)).png",
                    bytes: try picture.coloured(count: classes.count + 1))
            },
        ]
        if content == .regions {
            parts.append(
                .files(.masks) { (image) throws(ExportError) in
                    guard let picture = try CodePicture(instancesOf: image, classes) else { return nil }
                    return ExportFile(
                        path: "SegmentationObject/\(stem(image)).png", bytes: try picture.coloured(count: 256))
                })
        }
        parts.append(
            .files(.picture) { image in
                guard let picture = image.picture, let bytes = picture.bytes else { return nil }
                return ExportFile(path: "JPEGImages/\(stem(image))\(picture.suffix)", bytes: bytes)
            })
        return parts
    }

    /// The name of an image as the list can hold it: a line that begins with `#` is a comment there, and blanks around a
    /// line are not read.
    static func stem(_ image: ExportedImage) -> String {
        var scalars = image.name.unicodeScalars
        let isKept = { (scalar: Unicode.Scalar) in !scalar.properties.isWhitespace && scalar != "#" }
        guard let first = scalars.first, let last = scalars.last, !(isKept(first) && isKept(last)) else {
            return image.name
        }
        if !isKept(first) {
            scalars.replaceSubrange(scalars.startIndex..<scalars.index(after: scalars.startIndex), with: ["_"])
        }
        if !isKept(last) { scalars.replaceSubrange(scalars.index(before: scalars.endIndex)..., with: ["_"]) }
        return String(scalars)
    }

    private static func line(_ name: String, _ colour: ColourClasses.Colour) -> String {
        "\(name):\(colour.red),\(colour.green),\(colour.blue)::\n"
    }
}

/// The list of the images' names.
private struct VOCList: MaskText {
    let cut: MaskCut? = nil

    func begin(_ image: ExportedImage, _ text: inout [UInt8]) {
        text += "\(VOCPictures.stem(image))\n".utf8
    }

    func add(_ mask: ExportedMask, of image: ExportedImage, _ text: inout [UInt8]) {}

    func end(_ image: ExportedImage, _ text: inout [UInt8]) {}
}

import WebService

/// Label Studio's tasks, each with the masks of an image as a prediction.
///
/// All pixels of a class are one brush, because each takes a text as long as one of the whole image. The score of a
/// prediction is the least mean score of its regions, so that tasks can be sorted by it.
struct LabelStudioText: MaskText {
    /// The folder of the pictures in the archive.
    static let pictureFolder = "images/"

    private let classes: ExportClasses
    private let options: ExportOptions
    private var images = Separator()
    private var masks = Separator()
    private var count = 0
    private var score: Double?

    let cut: MaskCut? = .classes

    init(_ classes: ExportClasses, _ options: ExportOptions) {
        (self.classes, self.options) = (classes, options)
    }

    /// The labelling configuration of a project that shows the tasks. Without it Label Studio shows no masks.
    static func configuration(_ classes: ExportClasses) -> String {
        var text = "<View>\n  <Image name=\"image\" value=\"$image\" zoom=\"true\"/>\n"
        text += "  <BrushLabels name=\"mask\" toName=\"image\">\n"
        for (number, name) in classes.names.enumerated() {
            text += "    <Label value=\"\(XMLText.escaped(name))\" background=\"\(classes.colour(number))\"/>\n"
        }
        return text + "  </BrushLabels>\n</View>\n"
    }

    func begin(_ text: inout [UInt8]) {
        text += "[".utf8
    }

    mutating func begin(_ image: ExportedImage, _ text: inout [UInt8]) {
        images.write(to: &text)
        (masks, count, score) = (Separator(), 0, nil)
        var writer = JSONWriter()
        let path = options.pictureBase + URLText.escaped(path: Self.pictureFolder + image.fileName)
        writer.object { $0.string("image", path) }
        text += "\n{\"data\":".utf8
        text += writer.text
        text += ",\"predictions\":[{\"model_version\":\"segscore\",\"result\":[".utf8
    }

    mutating func add(_ mask: ExportedMask, of image: ExportedImage, _ text: inout [UInt8]) {
        masks.write(to: &text)
        count += 1
        if let region = mask.region { score = min(score ?? region.meanOwn, region.meanOwn) }
        var writer = JSONWriter()
        writer.object { members in
            members.string("id", "\(image.index)_\(count)")
            members.string("type", "brushlabels")
            members.string("from_name", "mask")
            members.string("to_name", "image")
            members.integer("original_width", image.width)
            members.integer("original_height", image.height)
            members.integer("image_rotation", 0)
            members.object("value") { members in
                members.string("format", "rle")
                members.raw("rle") { $0 += BrushRuns(mask, width: image.width, height: image.height).text }
                members.strings("brushlabels", [classes.name(mask.label)])
            }
            if let region = mask.region {
                members.number("score", region.meanOwn)
                members.object("meta") { $0.strings("text", [RegionAttributes(region, classes).sentence]) }
            }
        }
        text += writer.text
    }

    func end(_ image: ExportedImage, _ text: inout [UInt8]) {
        text += "]".utf8
        if let score, score.isFinite { text += ",\"score\":\(score)".utf8 }
        text += "}]}".utf8
    }

    func end(_ text: inout [UInt8]) {
        text += "\n]\n".utf8
    }
}

import Codecs
import Memory
import Scoring
import WebService

/// A file of LabelMe, which reads it with the picture that lies beside it.
struct LabelMeText: MaskText {
    private let classes: ExportClasses
    private var masks = Separator()

    let cut: MaskCut? = .pieces

    init(_ classes: ExportClasses) {
        self.classes = classes
    }

    mutating func begin(_ image: ExportedImage, _ text: inout [UInt8]) {
        masks = Separator()
        let name = image.fileName.split(separator: "/").last.map(String.init)
        var writer = JSONWriter()
        writer.object { members in
            members.string("version", "5.5.0")
            members.object("flags") { _ in }
            members.string("imagePath", name)
            members.string("imageData", nil)
            members.integer("imageHeight", image.height)
            members.integer("imageWidth", image.width)
        }
        // The object goes on.
        text += writer.text.dropLast()
        text += ",\"shapes\":[".utf8
    }

    mutating func add(_ mask: ExportedMask, of image: ExportedImage, _ text: inout [UInt8]) throws(ExportError) {
        masks.write(to: &text)
        let box = mask.mask
        let picture: Buffer<UInt8>
        do throws(CodecError) {
            picture = try PNGEncoder.encodeGrey(box.mask.span, width: box.width, height: box.height)
        } catch {
            throw .codec(error)
        }
        var writer = JSONWriter()
        writer.object { members in
            members.string("label", classes.name(mask.label))
            members.raw("points") { text in
                text += "[[\(box.left),\(box.top)],".utf8
                text += "[\(box.left + box.width - 1),\(box.top + box.height - 1)]]".utf8
            }
            members.string("shape_type", "mask")
            members.raw("mask") { Base64.append(picture, to: &$0) }
            members.integer("group_id", nil)
            members.object("flags") { _ in }
            members.string("description", mask.region.map { RegionAttributes($0, classes).sentence } ?? "")
            if let region = mask.region {
                // LabelMe keeps members that it does not know.
                members.object("segscore") { RegionAttributes(region, classes).write(to: &$0) }
            }
        }
        text += writer.text
    }

    func end(_ image: ExportedImage, _ text: inout [UInt8]) {
        text += "]}\n".utf8
    }
}

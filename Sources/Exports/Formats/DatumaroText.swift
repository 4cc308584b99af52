import WebService

/// Datumaro's `default.json`.
struct DatumaroText: MaskText {
    private let classes: ExportClasses
    private var images = Separator()
    private var masks = Separator()
    private var count = 0

    let cut: MaskCut? = .pieces

    init(_ classes: ExportClasses) {
        self.classes = classes
    }

    func begin(_ text: inout [UInt8]) {
        var writer = JSONWriter()
        writer.array(of: classes.names) { members, name in
            members.string("name", name)
            members.string("parent", "")
            members.strings("attributes", [])
        }
        text += "{\"dm_format_version\":\"1.0\",\"media_type\":2,\"infos\":{},".utf8
        text += "\"categories\":{\"label\":{\"labels\":".utf8
        text += writer.text
        text += ",\"attributes\":[]}},\"items\":[".utf8
    }

    mutating func begin(_ image: ExportedImage, _ text: inout [UInt8]) {
        images.write(to: &text)
        masks = Separator()
        var writer = JSONWriter()
        writer.object { $0.string("id", image.name) }
        // The object goes on.
        text += writer.text.dropLast()
        text += ",\"annotations\":[".utf8
    }

    mutating func add(_ mask: ExportedMask, of image: ExportedImage, _ text: inout [UInt8]) {
        masks.write(to: &text)
        var writer = JSONWriter()
        writer.object { members in
            members.integer("id", count)
            members.string("type", "mask")
            members.integer("label_id", mask.label)
            members.integer("group", 0)
            members.object("attributes") { members in
                if let region = mask.region { RegionAttributes(region, classes).write(to: &members) }
            }
            members.object("rle") { members in
                members.string("counts", mask.letters(in: image))
                members.integers("size", [image.height, image.width])
            }
            members.integer("z_order", 0)
        }
        count += 1
        text += writer.text
    }

    func end(_ image: ExportedImage, _ text: inout [UInt8]) {
        var writer = JSONWriter()
        writer.object { members in
            members.object("image") { members in
                members.string("path", image.fileName)
                members.integers("size", [image.height, image.width])
            }
        }
        text += "],".utf8
        text += writer.text.dropFirst()
    }

    func end(_ text: inout [UInt8]) {
        text += "]}".utf8
    }
}

import Scoring
import WebService

/// The first part of COCO's file: categories and annotations.
///
/// `iscrowd` is 0 of runs too: tools take them, and some treat crowds apart.
struct COCOAnnotations: MaskText {
    private let classes: ExportClasses
    private let polygons: Bool
    private var separator = Separator()
    private var count = 0

    let cut: MaskCut? = .pieces

    init(_ classes: ExportClasses, polygons: Bool) {
        (self.classes, self.polygons) = (classes, polygons)
    }

    func begin(_ text: inout [UInt8]) {
        var writer = JSONWriter()
        writer.array(of: classes.names.enumerated()) { members, element in
            members.integer("id", classes.code(element.offset))
            members.string("name", element.element)
            members.string("supercategory", "")
        }
        text += "{\"info\":{\"description\":\"Exported by segscore\"},\"licenses\":[],\"categories\":".utf8
        text += writer.text
        text += ",\"annotations\":[".utf8
    }

    func begin(_ image: ExportedImage, _ text: inout [UInt8]) {}

    mutating func add(_ mask: ExportedMask, of image: ExportedImage, _ text: inout [UInt8]) throws(ExportError) {
        separator.write(to: &text)
        count += 1
        let rings = polygons ? try Polygons.rings(of: mask) : []
        let box = mask.mask
        var writer = JSONWriter()
        writer.object { members in
            members.integer("id", count)
            members.integer("image_id", image.index + 1)
            members.integer("category_id", classes.code(mask.label))
            members.integer("iscrowd", 0)
            members.integer("area", mask.area)
            members.integers("bbox", [box.left, box.top, box.width, box.height])
            if polygons {
                members.raw("segmentation") { $0 += rings.description.utf8 }
            } else {
                members.object("segmentation") { members in
                    members.integers("size", [image.height, image.width])
                    members.string("counts", mask.letters(in: image))
                }
            }
            if let region = mask.region {
                members.object("attributes") { RegionAttributes(region, classes).write(to: &$0) }
            }
        }
        text += writer.text
    }

    func end(_ image: ExportedImage, _ text: inout [UInt8]) {}

    func end(_ text: inout [UInt8]) {
        text += "]".utf8
    }
}

/// The rest of COCO's file: the images.
struct COCOImages: MaskText {
    private var separator = Separator()

    let cut: MaskCut? = nil

    func begin(_ text: inout [UInt8]) {
        text += ",\"images\":[".utf8
    }

    mutating func begin(_ image: ExportedImage, _ text: inout [UInt8]) {
        separator.write(to: &text)
        var writer = JSONWriter()
        writer.object { members in
            members.integer("id", image.index + 1)
            members.string("file_name", image.fileName)
            members.integer("width", image.width)
            members.integer("height", image.height)
        }
        text += writer.text
    }

    func add(_ mask: ExportedMask, of image: ExportedImage, _ text: inout [UInt8]) {}

    func end(_ image: ExportedImage, _ text: inout [UInt8]) {}

    func end(_ text: inout [UInt8]) {
        text += "]}".utf8
    }
}

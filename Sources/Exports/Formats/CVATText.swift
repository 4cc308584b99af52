import Scoring

/// CVAT's `annotations.xml`.
struct CVATText: MaskText {
    private let classes: ExportClasses
    private let content: ExportContent

    let cut: MaskCut? = .pieces

    init(_ classes: ExportClasses, _ content: ExportContent) {
        (self.classes, self.content) = (classes, content)
    }

    func begin(_ text: inout [UInt8]) {
        text += "\(XMLText.declaration)<annotations>\n<version>1.1</version>\n<meta><task><name>segscore</name>".utf8
        text += "<labels>\n".utf8
        let attributes = content == .regions ? RegionAttributes.names.map(Self.declaration).joined() : ""
        for (number, name) in classes.names.enumerated() {
            text += "<label><name>\(XMLText.escaped(name))</name><color>\(classes.colour(number))</color>".utf8
            text += "<type>mask</type><attributes>\(attributes)</attributes></label>\n".utf8
        }
        text += "</labels></task></meta>\n".utf8
    }

    private static func declaration(ofAttribute name: String) -> String {
        "<attribute><name>\(name)</name><mutable>False</mutable><input_type>text</input_type>"
            + "<default_value></default_value><values></values></attribute>"
    }

    func begin(_ image: ExportedImage, _ text: inout [UInt8]) {
        text += "<image id=\"\(image.index)\" name=\"\(XMLText.escaped(image.fileName))\" ".utf8
        text += "width=\"\(image.width)\" height=\"\(image.height)\">\n".utf8
    }

    func add(_ mask: ExportedMask, of image: ExportedImage, _ text: inout [UInt8]) {
        let box = mask.mask
        // CVAT's runs are of the box, a row after another, and have to fill it.
        let runs = RunLengths.rows(of: box).description.dropFirst().dropLast()
        text += "<mask label=\"\(XMLText.escaped(classes.name(mask.label)))\" source=\"manual\" occluded=\"0\" ".utf8
        text += "rle=\"\(runs)\" left=\"\(box.left)\" top=\"\(box.top)\" width=\"\(box.width)\" ".utf8
        text += "height=\"\(box.height)\" z_order=\"0\">".utf8
        if let region = mask.region {
            for (name, value) in RegionAttributes(region, classes).all {
                text += "<attribute name=\"\(name)\">\(XMLText.escaped(value))</attribute>".utf8
            }
        }
        text += "</mask>\n".utf8
    }

    func end(_ image: ExportedImage, _ text: inout [UInt8]) {
        text += "</image>\n".utf8
    }

    func end(_ text: inout [UInt8]) {
        text += "</annotations>\n".utf8
    }
}

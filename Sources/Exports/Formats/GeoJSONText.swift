import Codecs
import Scoring
import WebService

/// A file of GeoJSON as QuPath reads it: a feature for each mask, whose coordinates are pixels and whose y grows
/// downwards.
struct GeoJSONText: MaskText {
    private let classes: ExportClasses
    private var masks = Separator()

    let cut: MaskCut? = .pieces

    init(_ classes: ExportClasses) {
        self.classes = classes
    }

    mutating func begin(_ image: ExportedImage, _ text: inout [UInt8]) {
        masks = Separator()
        text += "{\"type\":\"FeatureCollection\",\"features\":[".utf8
    }

    mutating func add(_ mask: ExportedMask, of image: ExportedImage, _ text: inout [UInt8]) throws(ExportError) {
        masks.write(to: &text)
        let geometry: [UInt8]
        do throws(ScoringError) {
            geometry = try Polygons.geometry(of: mask.mask, row: mask.mask.top)
        } catch {
            throw ExportError(error)
        }
        let colour = classes.colour(mask.label)
        let samples = [colour.red, colour.green, colour.blue].map(Int.init)
        let name = classes.name(mask.label)
        var writer = JSONWriter()
        writer.object { members in
            members.string("type", "Feature")
            members.raw("geometry") { $0 += geometry }
            members.object("properties") { members in
                members.string("objectType", "annotation")
                members.string("name", mask.region?.id ?? name)
                members.integers("color", samples)
                members.object("classification") { members in
                    members.string("name", name)
                    members.integers("color", samples)
                }
                if let region = mask.region {
                    let attributes = RegionAttributes(region, classes)
                    members.object("measurements") { members in
                        for (name, value) in attributes.numbers { members.number(name, value) }
                    }
                    // QuPath keeps texts here.
                    members.object("metadata") { members in
                        for (name, value) in attributes.texts { members.string(name, value) }
                    }
                }
            }
        }
        text += writer.text
    }

    func end(_ image: ExportedImage, _ text: inout [UInt8]) {
        text += "]}\n".utf8
    }
}

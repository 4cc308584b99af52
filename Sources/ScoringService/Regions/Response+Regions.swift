import Codecs
import DatasetScoring
import HTTPTypes
import JobStorage
import Memory
import Scoring
import ServiceInterface
import WebService

extension Response {
    /// One region, with its pixels in one of several forms.
    ///
    /// - Parameters:
    ///   - decision: The last word on the region.
    ///   - shape: The shape of the labels that have the image.
    /// - Throws: A 503 problem if memory is short.
    static func region(
        _ document: RegionDocument, _ decision: Decision?, _ mask: RegionMask, in shape: LabelShape,
        as format: MediaType
    ) throws(Problem) -> Response {
        let row = mask.top % shape.sliceHeight
        switch format {
        case .npy: return try .npy(.mask(mask.mask, height: mask.height, width: mask.width))
        case .png: return try .png(.mask(mask.mask, height: mask.height, width: mask.width))
        case .geoJSON:
            let geometry = try RegionOutline.geometry(of: mask, row: row)
            var response = try json { writer in
                writer.object { members in
                    members.string("type", "Feature")
                    members.string("id", document.id)
                    members.raw("geometry") { $0 += geometry }
                    members.object("properties") { members in
                        document.write(to: &members)
                        members.write(decision)
                    }
                }
            }
            response.head.headerFields[.contentType] = MediaType.geoJSON.rawValue
            return response
        default:
            let counts = mask.runLengths(pictureHeight: shape.sliceHeight, pictureWidth: shape.width, row: row)
            return try json { writer in
                writer.object { members in
                    document.write(to: &members)
                    members.write(decision)
                    members.object("rle") { members in
                        members.integers("size", [shape.sliceHeight, shape.width])
                        members.string("counts", RegionMask.text(of: counts))
                    }
                }
            }
        }
    }
}

extension JSONWriter.Members {
    /// Writes the last word on a region; null if nobody has decided about it.
    mutating func write(_ decision: Decision?) {
        string("verdict", decision?.verdict.rawValue)
        integer("label", decision?.label)
        string("reviewer", decision.flatMap { $0.reviewer.isEmpty ? nil : $0.reviewer })
    }
}

extension RegionMask {
    /// Run lengths in the letters in which COCO writes them: each, from the fourth on less the one before the last, in
    /// groups of five bits, the lowest first.
    fileprivate static func text(of counts: [Int]) -> String {
        var text: [UInt8] = []
        for (index, count) in counts.enumerated() {
            var rest = index > 2 ? count - counts[index - 2] : count
            while true {
                let group = rest & 0x1f
                rest >>= 5
                let isLast = group & 0x10 == 0 ? rest == 0 : rest == -1
                text.append(UInt8(48 + group + (isLast ? 0 : 0x20)))
                if isLast { break }
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension RegionOutline {
    /// The outline of a region as GeoJSON: a polygon, or several that touch at corners.
    ///
    /// - Throws: A 503 problem if memory is short.
    fileprivate static func geometry(of mask: RegionMask, row: Int) throws(Problem) -> [UInt8] {
        let polygons: [[Ring]]
        do throws(ScoringError) {
            polygons = try RegionOutline(mask, row: row).polygons
        } catch {
            throw Problem(error)
        }
        let isOne = polygons.count == 1
        var text = Array("{\"type\":\"\(isOne ? "Polygon" : "MultiPolygon")\",\"coordinates\":".utf8)
        let written = polygons.map { rings in list(rings.map { ring in list((ring + ring.prefix(1)).map(\.text)) }) }
        text += isOne ? written[0] : list(written)
        return text + "}".utf8
    }

    private static func list(_ elements: [[UInt8]]) -> [UInt8] {
        Array("[".utf8) + elements.joined(separator: ",".utf8) + "]".utf8
    }
}

extension RegionOutline.Corner {
    fileprivate var text: [UInt8] { Array("[\(x),\(y)]".utf8) }
}

import Codecs
import DatasetScoring
import Exports
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
            let geometry: [UInt8]
            do throws(ScoringError) {
                geometry = try Polygons.geometry(of: mask, row: row)
            } catch {
                throw Problem(error)
            }
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
                        members.string("counts", RunLengths.letters(of: counts))
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

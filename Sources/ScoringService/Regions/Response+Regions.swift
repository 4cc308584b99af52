import Codecs
import DatasetScoring
import HTTPTypes
import Memory
import Scoring
import ServiceInterface
import Synchronization
import WebService

extension Response {
    /// All regions that are asked for, a line each, written while they are sent.
    ///
    /// - Parameters:
    ///   - places: The places of the regions in their order.
    ///   - line: Writes a region.
    /// - Throws: A 503 problem if memory is short.
    static func csv(
        _ regions: Regions, _ places: Buffer<UInt32>, _ query: RegionQuery,
        _ line: @escaping @Sendable (Region) -> String
    ) throws(Problem) -> Response {
        let next = Mutex(0)
        let reservation = try Problem.reserve(2 * bytesOfAPiece)
        let stream = ByteStream(pieces: { () -> [UInt8]? in
            withExtendedLifetime(reservation) {
                next.withLock { next in
                    var text = next == 0 ? Array((RegionDocument.header + "\r\n").utf8) : []
                    // The first piece has the header, even of a table without regions.
                    var place = max(next - 1, 0)
                    while place < places.count, text.count < bytesOfAPiece {
                        let region = regions.all.span[Int(places.span[place])]
                        if query.includes(region) { text += line(region).utf8 }
                        place += 1
                    }
                    next = place + 1
                    return text.isEmpty ? nil : text
                }
            }
        })
        return Response(.ok, .csv, ResponseBody(stream: stream))
    }

    /// About how long the pieces are in which a table is sent, in bytes.
    private static let bytesOfAPiece = 64 << 10

    /// One region, with its pixels in one of several forms.
    ///
    /// - Parameters:
    ///   - shape: The shape of the labels that have the image.
    /// - Throws: A 503 problem if memory is short.
    static func region(
        _ document: RegionDocument, _ mask: RegionMask, in shape: LabelShape, as format: MediaType
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
                    members.object("properties") { document.write(to: &$0) }
                }
            }
            response.head.headerFields[.contentType] = MediaType.geoJSON.rawValue
            return response
        default:
            let counts = mask.runLengths(pictureHeight: shape.sliceHeight, pictureWidth: shape.width, row: row)
            return try json { writer in
                writer.object { members in
                    document.write(to: &members)
                    members.object("rle") { members in
                        members.integers("size", [shape.sliceHeight, shape.width])
                        members.string("counts", RegionMask.text(of: counts))
                    }
                }
            }
        }
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

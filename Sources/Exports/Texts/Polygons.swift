package import Scoring

/// Outlines of masks as formats write them: along the edges of pixels, in the coordinates of the picture.
package enum Polygons {
    /// The outline as GeoJSON's geometry: a polygon, or several that touch at corners.
    ///
    /// - Parameter row: The row of the box's first row in the picture.
    /// - Throws: ``ScoringError/memory(_:)``.
    package static func geometry(of mask: RegionMask, row: Int) throws(ScoringError) -> [UInt8] {
        let polygons = try RegionOutline(mask, row: row).polygons
        let isOne = polygons.count == 1
        var text = Array("{\"type\":\"\(isOne ? "Polygon" : "MultiPolygon")\",\"coordinates\":".utf8)
        if isOne {
            write(polygons[0], to: &text)
        } else {
            list(polygons, to: &text, write)
        }
        return text + "}".utf8
    }

    private static func write(_ rings: [RegionOutline.Ring], to text: inout [UInt8]) {
        list(rings, to: &text) { ring, text in
            list(ring + ring.prefix(1), to: &text) { corner, text in text += "[\(corner.x),\(corner.y)]".utf8 }
        }
    }

    private static func list<Element>(
        _ elements: [Element], to text: inout [UInt8], _ write: (Element, inout [UInt8]) -> Void
    ) {
        text.append(UInt8(ascii: "["))
        var separator = Separator()
        for element in elements {
            separator.write(to: &text)
            write(element, &text)
        }
        text.append(UInt8(ascii: "]"))
    }

    /// Rings that together cover the mask, and no other pixel, for formats without holes: x and y of each corner in
    /// turn. A mask that has holes is cut into parts that have none.
    ///
    /// - Throws: ``ExportError/memory(_:)``.
    static func rings(of mask: ExportedMask) throws(ExportError) -> [[Int]] {
        let polygons: [[RegionOutline.Ring]]
        do throws(ScoringError) {
            polygons = try RegionOutline(mask.mask, row: mask.mask.top).polygons
        } catch {
            throw ExportError(error)
        }
        guard polygons.allSatisfy({ $0.count == 1 }) else {
            var cut = PolygonCut()
            mask.forEachRun { cut.add($0, $1) }
            return cut.rings
        }
        return polygons.map { $0[0].flatMap { [$0.x, $0.y] } }
    }
}

extension ExportError {
    /// - Parameter error: What drawing an outline throws, which is for want of memory alone.
    init(_ error: ScoringError) {
        guard case .memory(let error) = error else { preconditionFailure("an outline needs memory and nothing else") }
        self = .memory(error)
    }
}

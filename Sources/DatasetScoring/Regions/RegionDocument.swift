package import Scoring
package import WebService

/// What is told of a region: members of a JSON object, or a line of CSV.
package struct RegionDocument: Sendable {
    /// The header of the CSV.
    package static let header =
        "id,image,name,slice,given,suggested,x,y,width,height,area,thickness,mean_own,mean_largest,mass,touches_border"

    private let region: Region
    private let name: String?
    /// The number of the slice along each axis ahead of the last two; empty of an image of two dimensions.
    private let slice: [Int]
    /// The first row of the box, and the row behind its last, in its slice.
    private let rows: Range<Int>
    private let touchesBorder: Bool

    /// A text that names the region among those of its job: the image, and the place of its first pixel.
    package let id: String

    package init(_ region: Region, in scores: DatasetScores, _ names: NameList?) {
        self.init(region, in: scores.locate(Int(region.image)).part.shape.labels, names)
    }

    /// - Parameter shape: The shape of the labels that have the image.
    package init(_ region: Region, in shape: LabelShape, _ names: NameList?) {
        self.region = region
        name = names?[Int(region.image)]
        id = Self.id(image: Int(region.image), firstPixel: region.firstPixel, in: shape)
        slice = shape.place(ofPixel: region.firstPixel).dropLast(2)
        let top = region.firstPixel / shape.width % shape.sliceHeight
        rows = top..<top + Int(region.bottom) - region.firstPixel / shape.width
        touchesBorder =
            rows.lowerBound == 0 || rows.upperBound == shape.sliceHeight || region.left == 0
            || Int(region.right) == shape.width
    }

    package func write(to members: inout JSONWriter.Members) {
        members.string("id", id)
        members.integer("image", Int(region.image))
        if let name { members.string("name", name) }
        if !slice.isEmpty { members.integers("slice", slice) }
        members.integer("given", Int(region.given))
        members.integer("suggested", Int(region.suggested))
        members.integers("bbox", [Int(region.left), rows.lowerBound, Int(region.right - region.left), rows.count])
        members.integer("area", region.area)
        members.integer("thickness", region.thickness)
        members.number("mean_own", meanOwn)
        members.number("mean_largest", meanLargest)
        members.number("mass", region.mass)
        members.boolean("touches_border", touchesBorder)
    }

    /// The line, with its end.
    package var line: String {
        CSV.line([
            id, String(region.image), name ?? "", slice.map(String.init).joined(separator: " "),
            String(region.given), String(region.suggested), String(region.left), String(rows.lowerBound),
            String(region.right - region.left), String(rows.count), String(region.area), String(region.thickness),
            meanOwn.description, meanLargest.description, region.mass.description, String(touchesBorder),
        ])
    }

    /// The whole numbers of the columns: `image`, `given`, `suggested`, `x`, `y`, `width`, `height`, `area`, `thickness`,
    /// `touches_border` as 1 or 0, and of a volume the place of the slice along each axis.
    package var wholeNumbers: [Int] {
        [
            Int(region.image), Int(region.given), Int(region.suggested), Int(region.left), rows.lowerBound,
            Int(region.right - region.left), rows.count, region.area, region.thickness, touchesBorder ? 1 : 0,
        ] + slice
    }

    /// The other numbers: `mean_own`, `mean_largest` and `mass`.
    package var numbers: [Double] { [meanOwn, meanLargest, region.mass] }

    private var meanOwn: Double { region.own / Double(region.area) }

    private var meanLargest: Double { region.largest / Double(region.area) }

    /// The id of a region.
    ///
    /// - Parameters:
    ///   - image: The index of the image.
    ///   - firstPixel: The index of the region's first pixel in it.
    ///   - shape: The shape of the labels that have the image.
    package static func id(image: Int, firstPixel: Int, in shape: LabelShape) -> String {
        ([image] + shape.place(ofPixel: firstPixel)).map(String.init).joined(separator: "-")
    }
}

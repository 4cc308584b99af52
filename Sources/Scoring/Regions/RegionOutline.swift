import Memory

/// The outline of a region along the edges of its pixels, as polygons whose corners are whole numbers: the pixel (x, y)
/// has the corners (x, y) and (x + 1, y + 1).
///
/// Pixels that touch at a corner alone are in polygons of their own, and a ring that comes to a corner again is cut there,
/// so that no ring meets itself: the polygons are what OGC's Simple Features call valid.
package struct RegionOutline: Sendable {
    package struct Corner: Equatable, Sendable {
        package let x: Int
        package let y: Int
    }

    /// A closed ring, without its first corner at the end again. It turns so that its pixels are on the right as one
    /// looks at a picture, whose y grows downwards.
    package typealias Ring = [Corner]

    /// The outer ring of each polygon, in the order of first pixels, and the rings of its holes.
    package private(set) var polygons: [[Ring]] = []

    /// The memory of the corners.
    private let reservation: ByteReservation

    /// - Parameters:
    ///   - row: The row of the box's first row where the corners are counted from.
    /// - Throws: ``ScoringError/memory(_:)``.
    /// - Complexity: O(box) time; memory of ten bytes a pixel of the box, and of 64 an edge.
    package init(_ region: RegionMask, row: Int) throws(ScoringError) {
        let polygonOf = try Self.polygons(region)
        var edges = try Edges(of: region)
        reservation = try reserve(edges.count * 4 * MemoryLayout<Corner>.stride)
        while let start = edges.next() {
            let pixel = edges.pixel(beside: start)
            let polygon = Int(polygonOf.span[pixel.y * region.width + pixel.x]) - 1
            // The first edge of a polygon to be met is the topmost of its outer ring.
            if polygon == polygons.count { polygons.append([]) }
            for corners in edges.takeRings(from: start) {
                let ring = corners.map { Corner(x: $0.x + region.left, y: $0.y + row) }
                polygons[polygon].insert(ring, at: Self.isOuter(ring) ? 0 : polygons[polygon].count)
            }
        }
    }

    /// Whether the pixels are within the ring, by the sign of its area.
    private static func isOuter(_ ring: Ring) -> Bool {
        zip(ring, ring.dropFirst() + ring.prefix(1)).reduce(0) { $0 + $1.0.x * $1.1.y - $1.1.x * $1.0.y } > 0
    }

    /// The number of each pixel's polygon, from 1 on in the order of first pixels: pixels are in one that are joined by
    /// edges.
    private static func polygons(_ region: RegionMask) throws(ScoringError) -> Buffer<UInt32> {
        let (height, width, mask) = (region.height, region.width, region.mask.span)
        let numbers: Buffer<UInt32> = try allocate(height * width)
        let waiting: Buffer<UInt32> = try allocate(height * width, isZeroed: false)
        numbers.withMutableSpan { numbers in
            waiting.withMutableSpan { waiting in
                var count: UInt32 = 0
                for first in 0..<height * width where mask[first] == 1 && numbers[first] == 0 {
                    count += 1
                    numbers[first] = count
                    waiting[0] = UInt32(first)
                    var (next, end) = (0, 1)
                    while next < end {
                        let place = Int(waiting[next])
                        let column = place % width
                        let neighbours: InlineArray<4, Int> = [
                            column > 0 ? place - 1 : -1, column + 1 < width ? place + 1 : -1, place - width,
                            place + width < height * width ? place + width : -1,
                        ]
                        for index in neighbours.indices {
                            let other = neighbours[index]
                            guard other >= 0, mask[other] == 1, numbers[other] == 0 else { continue }
                            numbers[other] = count
                            waiting[end] = UInt32(other)
                            end += 1
                        }
                        next += 1
                    }
                }
            }
        }
        return numbers
    }
}

/// The edges between pixels inside and outside, which are walked along with the inside on the right.
private struct Edges {
    /// Where an edge begins, and where it goes: 0 to the right, 1 down, 2 to the left, 3 up.
    struct Edge: Equatable {
        var x: Int
        var y: Int
        var direction: Int
    }

    private static let steps = [(x: 1, y: 0), (x: 0, y: 1), (x: -1, y: 0), (x: 0, y: -1)]

    /// To the right first, which stays at the same pixel where two touch at a corner; then ahead, then to the left.
    private static let turns = [1, 0, 3]

    /// How many columns of corners there are.
    private let width: Int
    /// For each corner a bit for each direction in which an edge leaves it.
    private let leaving: Buffer<UInt8>
    private(set) var count = 0
    /// The corners ahead of it have no edges any more.
    private var place = 0

    init(of region: RegionMask) throws(ScoringError) {
        let (height, width, mask) = (region.height, region.width, region.mask.span)
        self.width = width + 1
        let leaving: Buffer<UInt8> = try allocate((height + 1) * (width + 1), isZeroed: false)
        var count = 0
        leaving.withMutableSpan { leaving in
            for y in 0...height {
                var (upLeft, left) = (false, false)
                for x in 0...width {
                    let up = y > 0 && x < width && mask[(y - 1) * width + x] == 1
                    let here = y < height && x < width && mask[y * width + x] == 1
                    var bits: UInt8 = 0
                    if here && !up { bits |= 1 }
                    if left && !here { bits |= 2 }
                    if upLeft && !left { bits |= 4 }
                    if up && !upLeft { bits |= 8 }
                    leaving[y * (width + 1) + x] = bits
                    count += bits.nonzeroBitCount
                    (upLeft, left) = (up, here)
                }
            }
        }
        (self.leaving, self.count) = (leaving, count)
    }

    /// The next edge that no ring has taken.
    mutating func next() -> Edge? {
        while place < leaving.count, leaving.span[place] == 0 { place += 1 }
        guard place < leaving.count else { return nil }
        return Edge(x: place % width, y: place / width, direction: leaving.span[place].trailingZeroBitCount)
    }

    /// The pixel on the right of an edge.
    func pixel(beside edge: Edge) -> (x: Int, y: Int) {
        switch edge.direction {
        case 0: (edge.x, edge.y)
        case 1: (edge.x - 1, edge.y)
        case 2: (edge.x - 1, edge.y - 1)
        default: (edge.x, edge.y - 1)
        }
    }

    /// Takes the edges of a ring, and returns the corners at which it turns: those of several rings if it meets itself.
    mutating func takeRings(from start: Edge) -> [[(x: Int, y: Int)]] {
        var rings: [[(x: Int, y: Int)]] = []
        var corners: [(x: Int, y: Int)] = []
        /// Where in `corners` those are that have been met.
        var met: [Int: Int] = [:]
        var (edge, last) = (start, -1)
        repeat {
            if edge.direction != last {
                let corner = edge.y * width + edge.x
                if let first = met[corner] {
                    for (x, y) in corners[(first + 1)...] { met[y * width + x] = nil }
                    rings.append(Array(corners[first...]))
                    corners.removeSubrange((first + 1)...)
                } else {
                    met[corner] = corners.count
                    corners.append((edge.x, edge.y))
                }
            }
            // The first edge stays until the ring is closed, since another ring may leave from the same corner.
            if edge != start { take(edge) }
            last = edge.direction
            edge.x += Self.steps[last].x
            edge.y += Self.steps[last].y
            let bits = leaving.span[edge.y * width + edge.x]
            guard let turn = Self.turns.first(where: { bits & (1 << UInt8((last + $0) % 4)) != 0 }) else { break }
            edge.direction = (last + turn) % 4
        } while edge != start
        take(start)
        return rings + [corners]
    }

    private func take(_ edge: Edge) {
        leaving.withMutableSpan { $0[edge.y * width + edge.x] &= ~(1 << UInt8(edge.direction)) }
    }
}

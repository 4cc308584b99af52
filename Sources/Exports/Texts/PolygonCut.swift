/// Cuts a mask into parts of which each has one run in every row that it reaches: such parts have no holes.
///
/// A run goes on with the part of the run above it if the two overlap each other and no other.
///
/// - Complexity: O(runs) time and memory.
struct PolygonCut {
    /// The corners on either side of a part from its top down: x and y in turn.
    private struct Part {
        var left: [Int] = []
        var right: [Int] = []

        mutating func add(_ row: Int, _ columns: Range<Int>) {
            Self.add(columns.lowerBound, row, to: &left)
            Self.add(columns.upperBound, row, to: &right)
        }

        private static func add(_ x: Int, _ row: Int, to side: inout [Int]) {
            if side.count > 1, side[side.count - 2] == x {
                side[side.count - 1] = row + 1
            } else {
                side += [x, row, x, row + 1]
            }
        }

        var ring: [Int] {
            var ring = right
            for place in stride(from: left.count - 2, through: 0, by: -2) { ring += [left[place], left[place + 1]] }
            return ring
        }
    }

    private var parts: [Part] = []
    private var row = -1
    /// The runs of the row, and the row above with the part of each run.
    private var here: [Range<Int>] = []
    private var above: [(columns: Range<Int>, part: Int)] = []

    /// Takes the next run, in the order of rows and columns.
    mutating func add(_ row: Int, _ columns: Range<Int>) {
        if row != self.row {
            endRow()
            if row != self.row + 1 { above = [] }
            self.row = row
        }
        here.append(columns)
    }

    /// The outlines of the parts, once all runs are there.
    var rings: [[Int]] {
        mutating get {
            endRow()
            return parts.map(\.ring)
        }
    }

    private mutating func endRow() {
        var counts = [Int](repeating: 0, count: above.count)
        var first = 0
        let touching = here.map { columns in
            while first < above.count, above[first].columns.upperBound <= columns.lowerBound { first += 1 }
            var end = first
            while end < above.count, above[end].columns.lowerBound < columns.upperBound {
                counts[end] += 1
                end += 1
            }
            return first..<end
        }
        above = zip(here, touching).map { columns, touching in
            let goesOn = touching.count == 1 && counts[touching.lowerBound] == 1
            let part = goesOn ? above[touching.lowerBound].part : parts.count
            if !goesOn { parts.append(Part()) }
            parts[part].add(row, columns)
            return (columns, part)
        }
        here = []
    }
}

import CScoringKernels
import Memory

/// Finds the regions of one image, row by row.
///
/// A row is cut into runs of equal pairs, and each run joins the regions above that it touches. Regions that no run of a
/// row has joined are complete. So memory is that of a few rows, besides the regions that are found.
struct RegionFinder {
    /// A region as far as it is known. Two regions that meet become one, and the later one points to the earlier.
    private struct Part {
        var region: Region
        var parent: Int
        /// The last row that has a run of the region.
        var lastRow: Int
    }

    private let kind: RegionKind
    private let scores: SegmentationScores
    private let labels: ClassCodes
    private let predicted: ClassCodes
    private let largest: PixelScores
    /// The index of the image over all parts, and in its own part.
    private let image: (index: Int, inPart: Int)

    private var tolerated: ToleratedRows
    private let marks: Buffer<UInt8>
    /// `(2, W)`, of a row and the row above: which is which changes with every row.
    private let corners: Buffer<Kernels.Corner>
    private let runs: Buffer<Kernels.Run>
    /// The part that each of the runs belongs to.
    private var owners: [[Int]] = [[], []]
    /// How many runs were last found in each half.
    private var oldCounts = [0, 0]

    private var parts: [Part] = []
    /// The places of parts that are complete, or have become part of others.
    private var free: [Int] = []
    private var merged: [Int] = []
    /// The room for lists, of which none grows beyond twice the width.
    private let reservation: ByteReservation
    private var found = RegionList()

    /// - Parameters:
    ///   - scores: Scores with predicted classes and largest probabilities, and for ``RegionKind/labelIssues`` with
    ///     these.
    ///   - index: The index of the image over all parts.
    ///   - inPart: The index of the image in `scores`.
    /// - Throws: ``ScoringError/memory(_:)``.
    init(
        _ kind: RegionKind, in scores: SegmentationScores, image index: Int, inPart: Int, ignoredLabel: Int64?
    ) throws(ScoringError) {
        guard let predicted = scores.predicted, let largest = scores.largest else {
            preconditionFailure("regions are of pixels whose most probable class is known")
        }
        let width = scores.shape.width
        (self.kind, self.scores, self.predicted, self.largest) = (kind, scores, predicted, largest)
        labels = scores.labels.codes
        image = (index, inPart)
        tolerated = try ToleratedRows(
            scores.shape.labels, labels: labels, predicted: predicted,
            ignored: scores.labels.code(ofIgnored: ignoredLabel))
        marks = try allocate(width, isZeroed: false)
        corners = try allocate(2 * width)
        runs = try allocate(2 * width, isZeroed: false)
        reservation = try reserve(2 * width * (MemoryLayout<Part>.stride + 4 * MemoryLayout<Int>.stride))
    }

    /// The regions, in the order of their first pixels.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    consuming func find() throws(ScoringError) -> RegionList {
        let shape = scores.shape.labels
        for row in 0..<shape.height {
            let rowOfSlice = row % shape.sliceHeight
            let first = (image.inPart * shape.height + row) * shape.width
            join(row, findRuns(row, rowOfSlice, first..<first + shape.width))
            try finish(row)
            guard rowOfSlice == shape.sliceHeight - 1 else { continue }
            owners[1 - row % 2].removeAll(keepingCapacity: true)
            try finish(row + 1)
            owners[row % 2].removeAll(keepingCapacity: true)
        }
        found.sort()
        return found
    }

    private mutating func findRuns(_ row: Int, _ rowOfSlice: Int, _ pixels: Range<Int>) -> Int {
        let counts = tolerated.mark(rowOfSlice, from: pixels.lowerBound)
        let (place, disagreeing) = tolerated.disagreeing(rowOfSlice)
        guard disagreeing > 0 else { return 0 }
        let parity = row % 2
        var (marks, start) = (tolerated.rows, place)
        switch kind {
        case .disagreements: break
        case .labelIssues:
            guard let issues = scores.labelIssues else { preconditionFailure("the scores have label issues") }
            (marks, start) = (issues.mask, pixels.lowerBound)
        case .issues(let threshold):
            Kernels.below(scores.pixelScores, pixels, threshold: threshold, into: self.marks)
            let rows = tolerated.rows
            self.marks.withMutableSpan { marks in
                let all = rows.span
                for column in marks.indices { marks[column] &= all[place + column] }
            }
            (marks, start) = (self.marks, 0)
        }
        let count = Kernels.findRuns(
            marks, at: start, counting: counts ? tolerated.marks : nil, scores: scores.pixelScores, largest: largest,
            labels: labels, predicted: predicted, pixels, floor: Margin.floor,
            isBelow: !owners[1 - parity].isEmpty, corners: corners, runs: runs, parity: parity,
            oldCount: oldCounts[parity])
        oldCounts[parity] = count
        return count
    }

    /// Joins the runs of a row to the regions of the row above that they touch, and begins regions of the others.
    private mutating func join(_ row: Int, _ runCount: Int) {
        let (parity, width) = (row % 2, scores.shape.width)
        let (here, above) = (parity * width, (1 - parity) * width)
        // What lends a span is called once a row: it is generic code of another module.
        let buffer = self.runs
        let runs = buffer.span
        let aboveCount = owners[1 - parity].count
        owners[parity].removeAll(keepingCapacity: true)
        var start = 0
        for index in here..<here + runCount {
            let run = runs[index]
            let region = Region(run, row: row, width: width, image: image.index)
            while start < aboveCount, runs[above + start].end < run.first { start += 1 }
            var owner: Int?
            var next = start
            while next < aboveCount, runs[above + next].first <= run.end {
                if runs[above + next].pair == run.pair {
                    let root = root(owners[1 - parity][next])
                    owner = owner.map { merge($0, root) } ?? root
                }
                next += 1
            }
            if let owner { parts[owner].region.add(region) }
            owners[parity].append(owner ?? begin(region))
        }
    }

    private mutating func begin(_ region: Region) -> Int {
        let part = Part(region: region, parent: -1, lastRow: 0)
        guard let place = free.popLast() else {
            parts.append(part)
            return parts.count - 1
        }
        parts[place] = part
        return place
    }

    private func root(_ place: Int) -> Int {
        var place = place
        while parts[place].parent >= 0 { place = parts[place].parent }
        return place
    }

    /// Makes one of two parts, which may be the same.
    private mutating func merge(_ first: Int, _ second: Int) -> Int {
        guard first != second else { return first }
        let isInOrder = parts[first].region.firstPixel < parts[second].region.firstPixel
        let (kept, other) = isInOrder ? (first, second) : (second, first)
        parts[kept].region.add(parts[other].region)
        parts[other].parent = kept
        merged.append(other)
        return kept
    }

    /// Hands on the regions that a row has ended, which are those of the row above that have no run in it.
    ///
    /// - Parameters:
    ///   - row: The row, or after the last row of a slice the next one, which nothing reaches.
    private mutating func finish(_ row: Int) throws(ScoringError) {
        let parity = row % 2
        for index in owners[parity].indices {
            let place = root(owners[parity][index])
            owners[parity][index] = place
            parts[place].lastRow = row
        }
        for owner in owners[1 - parity] {
            let place = root(owner)
            guard parts[place].lastRow != row else { continue }
            parts[place].lastRow = row
            try found.append(parts[place].region)
            free.append(place)
        }
        free += merged
        merged.removeAll(keepingCapacity: true)
    }
}

extension Region {
    /// The pixels of a run.
    fileprivate init(_ run: Kernels.Run, row: Int, width: Int, image: Int) {
        self.init(
            own: run.own, largest: run.largest, mass: run.mass, firstPixel: row * width + Int(run.first),
            area: Int(run.end - run.first), image: UInt32(image), left: run.first, right: run.end,
            bottom: UInt32(row + 1), side: run.side, given: UInt16(run.pair >> 16),
            suggested: UInt16(run.pair & 0xffff))
    }
}

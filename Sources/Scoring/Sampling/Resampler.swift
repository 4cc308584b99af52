import Memory

/// Brings values from a grid of their own to the pixels of the labels, row by row as they arrive.
///
/// Along its rows an image is sampled once, and of what came of it two rows at most wait for the next: those of one
/// channel, or of all channels if these come last.
final class Resampler {
    /// About how many pixels are handed on together.
    private static let pixelsAtOnce = 4096

    private let grid: SourceGrid
    private let rows: AxisSampling
    private let columns: ColumnSamples
    /// The rows of pixels that are made.
    private let pixelRows: Range<Int>
    /// A row of an image, and the first row of pixels that is not complete without it.
    private var next = (row: 0, pixelRow: 0)

    /// A row as it comes, without its padding.
    private let row: PixelScores
    /// The channels of a row one after the other, if they come last.
    private let apart: PixelScores?
    /// `(2, channels, W)`: rows that have been sampled along themselves; even ones, then odd ones.
    private let sampled: PixelScores
    /// Some rows of pixels.
    private let output: PixelScores
    private let rowsAtOnce: Int

    /// How many elements stand ahead of the next one in the file.
    var position = 0

    /// - Parameter pixelRows: The rows of pixels that are made, at least one.
    /// - Throws: ``ScoringError/memory(_:)`` or ``ScoringError/elementType(_:_:)``.
    init(_ grid: SourceGrid, pixelRows: Range<Int>) throws(ScoringError) {
        self.grid = grid
        self.pixelRows = pixelRows
        rows = grid.rowSampling
        let scalar = grid.layout.elementType.scalar
        func scores(_ count: Int) throws(ScoringError) -> PixelScores {
            try PixelScores(count: count, for: scalar, of: .predictedProbabilities)
        }
        let width = grid.pixels.width
        columns = try ColumnSamples(grid.columnSampling, of: scalar)
        row = try scores(grid.valid.width * grid.channelsPerRow)
        apart = grid.channelsPerRow > 1 ? try scores(row.count) : nil
        rowsAtOnce = max(Self.pixelsAtOnce / width, 1)
        output = try scores(rowsAtOnce * width)
        // W is an extent of labels and K at most 65,535, so that the product fits.
        sampled = try scores(2 * grid.channelsPerRow * width)
    }

    /// The rows of pixels that are complete with a row, of those that are made, and whether the row has a part in others.
    private func completed(with row: Int) -> (rows: Range<Int>, isWanted: Bool) {
        // Rows mostly follow one another; each plane and each band begins anew.
        let first = next.row == row ? next.pixelRow : firstPixelRow(of: row)
        var end = first
        while end < rows.pixelCount, rows.sample(at: end).upper == row { end += 1 }
        next = (row + 1, end)
        return ((first..<end).clamped(to: pixelRows), end < rows.pixelCount && rows.sample(at: end).lower == row)
    }

    /// The first row of pixels that a row, or one behind it, completes.
    private func firstPixelRow(of row: Int) -> Int {
        var (low, high) = (0, rows.pixelCount)
        while low < high {
            let middle = (low + high) / 2
            if rows.sample(at: middle).upper < row { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Takes the next elements of the file.
    ///
    /// - Parameters:
    ///   - lend: Called with values of pixels and the run that these are.
    func take(
        _ elements: Kernels.NativeElements,
        _ lend: (Kernels.NativeElements, ElementRuns.Run) throws(ScoringError) -> Void
    ) throws(ScoringError) {
        var index = 0
        while index < elements.count {
            let place = grid.place(of: position)
            let count = min(grid.elementsPerRow - place.column, elements.count - index)
            let kept = min(count, max(row.count - place.column, 0))
            Kernels.copy(elements, from: index, count: kept, into: row, at: place.column)
            index += count
            position += count
            if place.column + count == grid.elementsPerRow {
                try takeRow(place.row, plane: place.plane, ofImage: place.image, lend)
            }
        }
    }

    /// Takes the row that has come.
    private func takeRow(
        _ number: Int, plane: Int, ofImage image: Int,
        _ lend: (Kernels.NativeElements, ElementRuns.Run) throws(ScoringError) -> Void
    ) throws(ScoringError) {
        guard number < grid.valid.height else { return }
        let (completed, isWanted) = completed(with: number)
        guard !completed.isEmpty || isWanted else { return }
        let width = grid.pixels.width
        let channels = grid.channelsPerRow
        if let apart { Kernels.takeApart(row, channelCount: channels, into: apart) }
        for channel in 0..<channels {
            columns.sample(
                apart ?? row, from: channel * grid.valid.width, into: sampled,
                at: (number % 2 * channels + channel) * width)
        }
        for start in stride(from: completed.lowerBound, to: completed.upperBound, by: rowsAtOnce) {
            let part = start..<min(start + rowsAtOnce, completed.upperBound)
            for channel in 0..<channels {
                for pixelRow in part {
                    let sample = rows.sample(at: pixelRow)
                    Kernels.mixRows(
                        sampled, lower: (sample.lower % 2 * channels + channel) * width,
                        upper: (sample.upper % 2 * channels + channel) * width, lowerWeight: sample.lowerWeight,
                        upperWeight: sample.upperWeight, count: width, into: output, at: (pixelRow - start) * width)
                }
                let run = ElementRuns.Run(
                    classIndex: plane + channel,
                    firstPixel: (image * grid.pixels.height + start) * width, stride: 1, count: part.count * width)
                try Kernels.withElements(of: output, count: run.count) { (values) throws(ScoringError) in
                    try lend(values, run)
                }
            }
        }
    }
}

import Synchronization

/// Goes over the cells of all images, as often as is asked.
struct CellPasses: Sendable {
    let cells: ConfidenceCells
    let imageCount: Int
    let loop: ImageLoop
    /// Asked now and then during each pass; `false` ends it.
    let isWanted: @Sendable () -> Bool

    private var cellsPerImage: Int { cells.scores.count / imageCount }

    var laneCount: Int { loop.laneCount(imageCount, pixelsPerImage: cellsPerImage) }

    /// Calls `body` for each image with its cells.
    ///
    /// - Returns: Whether all images were gone over.
    /// - Throws: What `body` throws; of several errors that of the first image.
    func run<Failure: Error>(
        _ body: @Sendable (_ cells: Range<Int>, _ image: Int, _ lane: Int) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        let (isWanted, count) = (isWanted, cellsPerImage)
        return try loop.run(imageCount, pixelsPerImage: count, progress: { _ in isWanted() }) {
            (image, lane) throws(Failure) in
            try body(image * count..<(image + 1) * count, image, lane)
        }
    }

    /// Counts something in each image.
    ///
    /// - Returns: `(N,)`; nil where the pass was ended.
    /// - Throws: What `body` throws; of several errors that of the first image.
    func count<Failure: Error>(
        _ body: @Sendable (_ cells: Range<Int>, _ image: Int) throws(Failure) -> Int
    ) throws(Failure) -> [Int]? {
        let counts = Mutex([Int](repeating: 0, count: imageCount))
        let isComplete = try run { (range, image, _) throws(Failure) in
            let count = try body(range, image)
            counts.withLock { $0[image] = count }
        }
        return isComplete ? counts.withLock { $0 } : nil
    }
}

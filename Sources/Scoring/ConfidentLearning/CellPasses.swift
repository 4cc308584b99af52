import Synchronization

/// Goes over the cells of all images, once for each pass that is asked for. The images of one part are of one size.
struct CellPasses: Sendable {
    /// An image, as a pass hands it out.
    struct Image {
        /// The index of the image over all parts.
        let index: Int
        let part: Int
        let indexInPart: Int
        let cells: ConfidenceCells
        /// The indices of the image's cells among those of its part.
        let range: Range<Int>
    }

    let parts: [ConfidenceCells]
    private let loop: ImageLoop
    /// Asked now and then during each pass, which `false` ends.
    private let isWanted: @Sendable () -> Bool
    private let images: ImageParts

    /// - Parameters:
    ///   - parts: At least one.
    init(_ parts: [ConfidenceCells], on loop: ImageLoop, isWanted: @escaping @Sendable () -> Bool) {
        self.parts = parts
        self.loop = loop
        self.isWanted = isWanted
        images = ImageParts(counts: parts.map(\.imageCount))
    }

    var imageCount: Int { images.imageCount }

    private var cellsPerImage: Int {
        parts.reduce(0) { $0 + $1.scores.count } / imageCount
    }

    var laneCount: Int { loop.laneCount(imageCount, pixelsPerImage: cellsPerImage) }

    /// The most cells that an image has.
    var largestImage: Int { parts.reduce(0) { max($0, $1.cellsPerImage) } }

    /// Calls `body` for each image.
    ///
    /// - Parameters:
    ///   - progress: Called as by ``ImageLoop``; by default it says whether the pass is wanted.
    /// - Returns: Whether `body` was called for all images.
    /// - Throws: The error that `body` throws; of several errors that of the first image.
    func run<Failure: Error>(
        progress: (@Sendable (Int) -> Bool)? = nil,
        _ body: @Sendable (_ image: Image, _ lane: Int) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        let isWanted = isWanted
        return try loop.run(imageCount, pixelsPerImage: cellsPerImage, progress: progress ?? { _ in isWanted() }) {
            (index, lane) throws(Failure) in
            try body(image(index), lane)
        }
    }

    /// Counts something in each image.
    ///
    /// - Returns: The count of each image, over all parts; nil if the pass was ended.
    /// - Throws: The error that `body` throws; of several errors that of the first image.
    func count<Failure: Error>(
        progress: (@Sendable (Int) -> Bool)? = nil,
        _ body: @Sendable (_ image: Image, _ lane: Int) throws(Failure) -> Int
    ) throws(Failure) -> [Int]? {
        let counts = Mutex([Int](repeating: 0, count: imageCount))
        let isComplete = try run(progress: progress) { (image, lane) throws(Failure) in
            let count = try body(image, lane)
            counts.withLock { $0[image.index] = count }
        }
        return isComplete ? counts.withLock { $0 } : nil
    }

    /// The images of a part.
    func images(ofPart part: Int) -> Range<Int> { images[part] }

    private func image(_ index: Int) -> Image {
        let (part, local) = images.locate(index)
        let (cells, count) = (parts[part], parts[part].cellsPerImage)
        return Image(
            index: index, part: part, indexInPart: local, cells: cells, range: local * count..<(local + 1) * count)
    }
}

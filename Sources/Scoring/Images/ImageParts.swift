/// Images that come in parts, and are counted over all of them.
struct ImageParts: Sendable {
    /// The index of each part's first image, and behind them the number of images.
    private let firsts: [Int]

    /// - Parameters:
    ///   - counts: How many images each part has, at least 1.
    init(counts: some Sequence<Int>) {
        firsts = counts.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    }

    var imageCount: Int { firsts.last ?? 0 }

    /// The images of a part.
    subscript(part: Int) -> Range<Int> { firsts[part]..<firsts[part + 1] }

    /// The part that has an image, and which of the part's images that is.
    ///
    /// - Parameters:
    ///   - image: In `0..<imageCount`.
    func locate(_ image: Int) -> (part: Int, image: Int) {
        precondition((0..<imageCount).contains(image))
        // It is in the last part that does not begin behind it.
        var (part, end) = (0, firsts.count - 1)
        while end - part > 1 {
            let middle = (part + end) / 2
            if firsts[middle] <= image { part = middle } else { end = middle }
        }
        return (part, image - firsts[part])
    }
}

package import Memory

/// The pixels of a region: a mask of its box.
package struct RegionMask: Sendable {
    /// The first row of the box in the image, and its first column.
    package let top: Int
    package let left: Int

    /// The extents of the box.
    package let height: Int
    package let width: Int

    /// `(height, width)`, 1 at a pixel of the region: NumPy's bool.
    package let mask: Buffer<UInt8>

    /// A mask that is at hand.
    ///
    /// - Parameter mask: `(height, width)`, 1 at a pixel of the region and 0 elsewhere.
    package init(top: Int, left: Int, height: Int, width: Int, mask: Buffer<UInt8>) {
        precondition(mask.count == height * width)
        (self.top, self.left, self.height, self.width, self.mask) = (top, left, height, width, mask)
    }

    /// Walks over a region from its first pixel.
    ///
    /// - Parameters:
    ///   - kind: Of which pixels the region is made.
    ///   - scores: The scores that it was found in.
    ///   - image: The index of the image in these.
    /// - Throws: ``ScoringError/memory(_:)``.
    /// - Complexity: O(box) time; beside the mask, memory of four bytes a pixel of the region.
    package init(_ region: Region, of kind: RegionKind, in scores: SegmentationScores, image: Int) throws(ScoringError)
    {
        guard let predicted = scores.predicted else { preconditionFailure("a region has predicted classes") }
        let rowWidth = scores.shape.width
        top = region.firstPixel / rowWidth
        left = Int(region.left)
        height = Int(region.bottom) - top
        width = Int(region.right) - left
        mask = try allocate(height * width)
        let waiting: Buffer<UInt32> = try allocate(region.area, isZeroed: false)
        let (top, left, height, width) = (top, left, height, width)
        let firstOfImage = image * scores.shape.pixelsPerImage
        func belongs(_ place: Int) -> Bool {
            let pixel = firstOfImage + (top + place / width) * rowWidth + left + place % width
            guard scores.labels.codes[pixel] == region.given, predicted[pixel] == region.suggested else { return false }
            switch kind {
            case .disagreements: return true
            case .labelIssues: return scores.labelIssues?.mask.span[pixel] == 1
            case .issues(let threshold): return scores.pixelScores[pixel] < threshold
            }
        }
        // A pixel is marked when it begins to wait, so that it waits once.
        let first = region.firstPixel % rowWidth - left
        mask.withMutableSpan { mask in
            waiting.withMutableSpan { waiting in
                var (next, end) = (0, 1)
                mask[first] = 1
                waiting[0] = UInt32(first)
                while next < end {
                    let place = Int(waiting[next])
                    let (row, column) = place.quotientAndRemainder(dividingBy: width)
                    for down in max(row - 1, 0)...min(row + 1, height - 1) {
                        for across in max(column - 1, 0)...min(column + 1, width - 1) {
                            let other = down * width + across
                            // A mapped file that somebody changes meanwhile may have more such pixels.
                            guard mask[other] == 0, end < waiting.count, belongs(other) else { continue }
                            mask[other] = 1
                            waiting[end] = UInt32(other)
                            end += 1
                        }
                    }
                    next += 1
                }
            }
        }
    }

    /// The mask as COCO counts it: how many pixels are outside, inside, outside and so on, down each column of a picture
    /// and from one column to the next.
    ///
    /// - Parameters:
    ///   - pictureHeight: The height of the picture, and `row` that of the box's first row in it.
    ///   - pictureWidth: The width of the picture.
    package func runLengths(pictureHeight: Int, pictureWidth: Int, row: Int) -> [Int] {
        var (counts, isInside, last) = ([Int](), false, 0)
        let span = mask.span
        func turn(at place: Int) {
            counts.append(place - last)
            (isInside, last) = (!isInside, place)
        }
        for column in 0..<width {
            let start = (left + column) * pictureHeight + row
            for down in 0..<height where (span[down * width + column] == 1) != isInside { turn(at: start + down) }
            // What is below the box is outside, and so is what is above it in the next column.
            if isInside, row + height < pictureHeight || row > 0 { turn(at: start + height) }
        }
        if isInside { turn(at: (left + width - 1) * pictureHeight + row + height) }
        let rest = pictureHeight * pictureWidth - last
        return rest > 0 ? counts + [rest] : counts
    }
}

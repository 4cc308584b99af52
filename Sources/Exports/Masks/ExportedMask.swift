import Memory
import Scoring

/// One mask of an image, whatever it was made from.
struct ExportedMask {
    /// The class, which is one.
    let label: Int
    let mask: RegionMask
    /// What is known of the mask if it is a region's.
    let region: ExportedRegion?

    /// The number of pixels.
    var area: Int {
        let span = mask.mask.span
        var count = 0
        for place in span.indices { count += Int(span[place]) }
        return count
    }

    /// Calls a function with each run of the mask's pixels, a row at a time: the row and the columns, of the image.
    func forEachRun(_ body: (_ row: Int, _ columns: Range<Int>) -> Void) {
        let span = mask.mask.span
        for row in 0..<mask.height {
            let first = row * mask.width
            var column = 0
            while column < mask.width {
                if span[first + column] == 0 {
                    column += 1
                    continue
                }
                let start = column
                while column < mask.width, span[first + column] != 0 { column += 1 }
                body(mask.top + row, mask.left + start..<mask.left + column)
            }
        }
    }
}

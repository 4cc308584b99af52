import Memory
import Scoring

/// Lengths of runs of pixels, by turns outside and inside of a mask, as formats write them.
package enum RunLengths {
    /// COCO's letters: each length, from the fourth on less the one before the last, in groups of five bits, the lowest
    /// first.
    ///
    /// - SeeAlso: cocodataset/cocoapi `common/maskApi.c`, `rleToString`.
    package static func letters(of counts: [Int]) -> String {
        var text: [UInt8] = []
        for (index, count) in counts.enumerated() {
            var rest = index > 2 ? count - counts[index - 2] : count
            while true {
                let group = rest & 0x1f
                rest >>= 5
                let isLast = group & 0x10 == 0 ? rest == 0 : rest == -1
                text.append(UInt8(48 + group + (isLast ? 0 : 0x20)))
                if isLast { break }
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The lengths in a mask's box, a row after another.
    static func rows(of mask: RegionMask) -> [Int] {
        let span = mask.mask.span
        var (counts, isInside, last) = ([Int](), UInt8(0), 0)
        for place in span.indices where span[place] != isInside {
            counts.append(place - last)
            (isInside, last) = (span[place], place)
        }
        return counts + [span.count - last]
    }
}

extension ExportedMask {
    /// The mask as COCO's compressed runs, down each column of the image.
    func letters(in image: ExportedImage) -> String {
        RunLengths.letters(
            of: mask.runLengths(pictureHeight: image.height, pictureWidth: image.width, row: mask.top))
    }
}

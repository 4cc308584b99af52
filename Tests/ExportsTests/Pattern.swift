import Memory
import Scoring

@testable import Exports

/// A picture of numbers below `count` that look random, and are the same every time.
func pattern(_ width: Int, _ height: Int, below count: Int, seed: Int = 1) -> [UInt16] {
    var state = UInt64(seed)
    return (0..<width * height).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt16((state >> 33) % UInt64(count))
    }
}

extension ExportedMask {
    /// The places of the mask's pixels in an image of a width.
    func pixels(width: Int) -> [Int] {
        var pixels: [Int] = []
        forEachRun { row, columns in pixels += columns.map { row * width + $0 } }
        return pixels
    }

    /// A mask of those pixels of a picture that are not 0, in the picture's box.
    init(_ picture: [UInt16], width: Int) throws {
        let mask = RegionMask(
            top: 0, left: 0, height: picture.count / width, width: width,
            mask: try Buffer(picture.map { $0 == 0 ? 0 : 1 }))
        self.init(label: 0, mask: mask, region: nil)
    }
}

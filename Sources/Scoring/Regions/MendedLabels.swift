package import Memory

/// The labels of one image, of which some regions have got other classes.
package struct MendedLabels: Sendable {
    /// `(H, W)`, as ``SegmentationScores/given``.
    package let classes: ClassCodes

    private let width: Int

    /// Copies the labels of an image.
    ///
    /// - Parameter image: The index of the image in the scores.
    /// - Throws: ``ScoringError/memory(_:)``.
    package init(of scores: SegmentationScores, image: Int) throws(ScoringError) {
        let count = scores.shape.pixelsPerImage
        let pixels = image * count..<(image + 1) * count
        width = scores.shape.width
        switch scores.given {
        case .narrow(let codes): classes = .narrow(try Self.copy(codes, pixels))
        case .wide(let codes): classes = .wide(try Self.copy(codes, pixels))
        }
    }

    private static func copy<Code: BitwiseCopyable>(
        _ codes: Buffer<Code>, _ pixels: Range<Int>
    ) throws(ScoringError) -> Buffer<Code> {
        let copy: Buffer<Code> = try allocate(pixels.count, isZeroed: false)
        let source = codes.span.extracting(pixels)
        copy.withMutableSpan { span in
            for index in span.indices { span[index] = source[index] }
        }
        return copy
    }

    /// The classes as numbers of 16 bits.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    package func wide() throws(ScoringError) -> Buffer<UInt16> {
        switch classes {
        case .wide(let codes): return codes
        case .narrow(let codes):
            let wide: Buffer<UInt16> = try allocate(codes.count, isZeroed: false)
            Kernels.widen(codes, into: wide)
            return wide
        }
    }

    /// Gives the pixels of a region a class.
    ///
    /// - Parameters:
    ///   - mask: The region, which is one of the image.
    ///   - label: A class of the data set, which the type holds.
    package func set(_ mask: RegionMask, to label: Int) {
        switch classes {
        case .narrow(let codes): set(mask, to: UInt8(label), in: codes)
        case .wide(let codes): set(mask, to: UInt16(label), in: codes)
        }
    }

    private func set<Code: BitwiseCopyable>(_ mask: RegionMask, to label: Code, in codes: Buffer<Code>) {
        let marks = mask.mask.span
        codes.withMutableSpan { span in
            for row in 0..<mask.height {
                let first = (mask.top + row) * width + mask.left
                for column in 0..<mask.width where marks[row * mask.width + column] == 1 {
                    span[first + column] = label
                }
            }
        }
    }
}

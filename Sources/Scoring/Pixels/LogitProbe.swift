import Memory

/// Looks at the first pixels of logits for probabilities that were sent as logits: their softmax would be nearly the
/// same for all classes, and nobody would see why.
struct LogitProbe {
    /// How many pixels are looked at, at most and at least.
    private static let pixelCounts = (most: 256, least: 8)

    /// How far from 1 the probabilities of a pixel may add up by rounding: bfloat16 have eight bits.
    private let rounding: Double

    /// The sum of the values of each pixel; infinite as soon as one of them is no probability.
    private let sums: Buffer<Double>

    /// - Parameters:
    ///   - pixelCount: The number of pixels whose sums come together.
    ///   - scalar: The type that the values came in.
    /// - Throws: ``ScoringError/memory(_:)``.
    init(pixelCount: Int, of scalar: ElementType.Scalar) throws(ScoringError) {
        rounding = scalar == .bfloat16 ? 0x1p-8 : 1e-3
        sums = try allocate(min(pixelCount, Self.pixelCounts.most))
    }

    /// Takes the values of one class.
    ///
    /// - Parameters:
    ///   - pixel: The first pixel, counted among those that are looked at.
    func take(_ elements: Kernels.NativeElements, from index: Int, count: Int, pixel: Int) {
        guard pixel < sums.count else { return }
        sums.withMutableSpan { sums in
            for offset in 0..<min(count, sums.count - pixel) {
                let value = elements.doubleValue(at: index + offset)
                sums[pixel + offset] += (0...1).contains(value) ? value : .infinity
            }
        }
    }

    /// Whether all pixels have the values of probabilities. It is asked when all classes have been taken.
    var areProbabilities: Bool {
        let sums = sums.span
        return sums.count >= Self.pixelCounts.least
            && sums.indices.allSatisfy { abs(sums[$0] - 1) <= rounding }
    }
}

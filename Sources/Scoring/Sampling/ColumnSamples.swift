import Memory

/// What each pixel of a row is made of along the row, as the loops take it.
struct ColumnSamples {
    private let lower: Buffer<UInt32>
    private let upper: Buffer<UInt32>
    /// The weights of both, in the type of the values.
    private let lowerWeights: PixelScores
    private let upperWeights: PixelScores

    /// Whether a pixel is one value of the row.
    private let isNearest: Bool

    /// - Parameters:
    ///   - sampling: The axis, of at most `UInt32.max` places.
    ///   - scalar: A floating-point type.
    /// - Throws: ``ScoringError/memory(_:)`` or ``ScoringError/elementType(_:_:)``.
    init(_ sampling: AxisSampling, of scalar: ElementType.Scalar) throws(ScoringError) {
        let count = sampling.pixelCount
        isNearest = sampling.interpolation == .nearest
        lower = try allocate(count, isZeroed: false)
        upper = try allocate(count, isZeroed: false)
        lowerWeights = try PixelScores(count: count, for: scalar, of: .predictedProbabilities)
        upperWeights = try PixelScores(count: count, for: scalar, of: .predictedProbabilities)
        for pixel in 0..<count {
            let sample = sampling.sample(at: pixel)
            lower.withMutableSpan { $0[pixel] = UInt32(sample.lower) }
            upper.withMutableSpan { $0[pixel] = UInt32(sample.upper) }
            lowerWeights.set(pixel, sample.lowerWeight)
            upperWeights.set(pixel, sample.upperWeight)
        }
    }

    /// Samples a row along itself.
    ///
    /// - Parameters:
    ///   - index: The index of the row's first value in `row`.
    ///   - place: The index of the first pixel in `scores`.
    func sample(_ row: PixelScores, from index: Int, into scores: PixelScores, at place: Int) {
        if isNearest {
            Kernels.pickRow(row, from: index, lower, into: scores, at: place)
        } else {
            Kernels.sampleRow(
                row, from: index, lower: lower, upper: upper, lowerWeights: lowerWeights, upperWeights: upperWeights,
                into: scores, at: place)
        }
    }
}

extension PixelScores {
    /// - Parameter value: A value of the scores' type.
    fileprivate func set(_ index: Int, _ value: Double) {
        switch self {
        case .float32(let scores): scores.withMutableSpan { $0[index] = Float(value) }
        case .float64(let scores): scores.withMutableSpan { $0[index] = value }
        }
    }
}

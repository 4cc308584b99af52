import Memory

/// What each pixel of a row is made of along the row, as the loops take it.
struct ColumnSamples {
    let lower: Buffer<UInt32>
    let upper: Buffer<UInt32>
    /// The weights of both, in the type of the values.
    let lowerWeights: PixelScores
    let upperWeights: PixelScores

    /// Whether a pixel is one value of the row.
    let isNearest: Bool

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

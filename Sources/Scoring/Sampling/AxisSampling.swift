/// What the values of an image of another size are made of along one axis, rounded as PyTorch rounds it: in the type of
/// the values.
struct AxisSampling {
    /// Two places, of which a value is made, and their weights.
    struct Sample: Equatable {
        let lower: Int
        let upper: Int
        let lowerWeight: Double
        let upperWeight: Double
    }

    /// How many places there are, at least 1.
    let count: Int
    /// How many pixels there are, at least 1.
    let pixelCount: Int
    let interpolation: Sampling.Interpolation
    /// Whether the values are float64, or else float32.
    let isDouble: Bool

    init(count: Int, pixelCount: Int, by interpolation: Sampling.Interpolation, isDouble: Bool) {
        precondition(count >= 1 && pixelCount >= 1)
        self.count = count
        self.pixelCount = pixelCount
        self.interpolation = interpolation
        self.isDouble = isDouble
    }

    /// What a pixel is made of. Places grow with pixels.
    ///
    /// - Parameter pixel: The index of the pixel, in `0..<pixelCount`.
    func sample(at pixel: Int) -> Sample {
        isDouble ? sample(at: pixel, in: Double.self) : sample(at: pixel, in: Float.self)
    }

    private func sample<Real: BinaryFloatingPoint>(at pixel: Int, in: Real.Type) -> Sample {
        if count == pixelCount { return Sample(lower: pixel, upper: pixel, lowerWeight: 1, upperWeight: 0) }
        switch interpolation {
        case .nearest:
            let place = place(Real(count) / Real(pixelCount) * Real(pixel))
            return Sample(lower: place, upper: place, lowerWeight: 1, upperWeight: 0)
        case .bilinear(let alignsCorners):
            let position: Real
            if alignsCorners {
                position = (pixelCount > 1 ? Real(count - 1) / Real(pixelCount - 1) : 0) * Real(pixel)
            } else {
                // PyTorch's compiler fuses the product with the subtraction.
                position = max((-0.5 as Real).addingProduct(Real(count) / Real(pixelCount), Real(pixel) + 0.5), 0)
            }
            let lower = place(position)
            let upperWeight = min(max(position - Real(lower), 0), 1)
            return Sample(
                lower: lower, upper: min(lower + 1, count - 1), lowerWeight: Double(1 - upperWeight),
                upperWeight: Double(upperWeight))
        }
    }

    /// The last place that is not behind a position. PyTorch rounds positions of either type to float32 for it.
    private func place<Real: BinaryFloatingPoint>(_ position: Real) -> Int { min(Int(Float(position)), count - 1) }
}

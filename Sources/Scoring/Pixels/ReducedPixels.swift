import Memory

/// Pixels of which one pass over the probabilities was made elsewhere: `own` has the probability that each gives to its
/// label, `largest` its largest probability, and `predicted` the class of that one, the first of equals.
///
/// They become the same ``ScoredPixels`` as the probabilities would, to the bit, whatever K is.
package struct ReducedPixels {
    private let own: ReducedScores
    private let largest: ReducedScores?
    private let predicted: ArrivedLabels?

    /// - Parameters:
    ///   - largest: Nil if nothing needs the largest probabilities.
    ///   - predicted: Nil if nothing needs the most probable classes.
    package init(own: ReducedScores, largest: ReducedScores?, predicted: ArrivedLabels?) {
        self.own = own
        self.largest = largest
        self.predicted = predicted
    }

    /// Proves that labels and arrays fit together, and hands over the pixels.
    ///
    /// Pixels of the ignored label may have any own probability, since they are scored 1.
    ///
    /// - Parameters:
    ///   - labels: All labels, whose shape the arrays have too.
    ///   - classCount: K, in `1...ScoringShape.classLimit`.
    ///   - ignoredLabel: A label value whose pixels take no part.
    ///   - loop: The loop that goes over the images.
    /// - Throws: ``ScoringError/shapeMismatch(_:expected:actual:)``, ``ScoringError/reducedTypes(own:largest:)``,
    ///   ``ScoringError/labelOutOfRange(_:at:classCount:)``,
    ///   ``ScoringError/mappedLabelOutOfRange(_:at:classCount:)``,
    ///   ``ScoringError/predictedOutOfRange(_:at:classCount:)``,
    ///   ``ScoringError/reducedMismatch(own:largest:isPredicted:at:)`` or ``ScoringError/memory(_:)``.
    /// - Complexity: O(N·H·W) time; no memory beside the arrays, unless codes of one byte have to become two.
    package func scored(
        labels: LabelMap, classCount: Int, ignoredLabel: Int64?, on loop: ImageLoop = .serial
    ) throws(ScoringError) -> ScoredPixels {
        try checkShapes(labels.shape)
        let shape = try ScoringShape(labels: labels.shape, classCount: classCount)
        let labels = try labels.holding(classCount: classCount)
        let predicted = try classes(shape, isWide: labels.codes.isWide, on: loop)
        let pixels = ScoredPixels(
            shape: shape, labels: labels, scores: own.scores, predicted: predicted, largest: largest?.scores,
            blocks: nil)
        let ignored = labels.code(ofIgnored: ignoredLabel)
        let (plane, largest) = (shape.pixelsPerImage, largest?.scores)
        _ = try loop.run(shape.imageCount, pixelsPerImage: plane) { (image, _) throws(ScoringError) in
            try pixels.settle(image: image, ignoredLabel: ignoredLabel)
            guard let largest, let predicted else { return }
            let unlike = Kernels.firstUnlike(
                pixels.scores, largest, predicted: predicted, labels: labels.codes, ignored: ignored,
                image * plane..<(image + 1) * plane)
            guard let unlike else { return }
            throw .reducedMismatch(
                own: pixels.scores[unlike], largest: largest[unlike],
                isPredicted: pixels.scores[unlike] < largest[unlike], at: shape.position(of: unlike))
        }
        return ScoredPixels(
            shape: shape, labels: labels, scores: own.scores, predicted: predicted, largest: largest, blocks: nil,
            isSettled: true, clampedCount: own.clampedCount + (self.largest?.clampedCount ?? 0))
    }

    private func checkShapes(_ labels: LabelShape) throws(ScoringError) {
        let expected = labels.dimensions
        let shapes: [(ScoringError.Array, [Int]?)] = [
            (.own, own.shape), (.largest, largest?.shape), (.predicted, predicted?.shape),
        ]
        for (array, shape) in shapes {
            if let shape, shape != expected { throw .shapeMismatch(array, expected: expected, actual: shape) }
        }
        guard let largest, largest.scores.elementType != own.scores.elementType else { return }
        throw .reducedTypes(
            own: own.scores.elementType.scalar, largest: largest.scores.elementType.scalar)
    }

    /// The most probable classes, each of which is proved to be one, in codes as wide as those of the labels.
    private func classes(
        _ shape: ScoringShape, isWide: Bool, on loop: ImageLoop
    ) throws(ScoringError) -> ClassCodes? {
        guard var arrived = predicted else { return nil }
        let predicted = try arrived.classes(by: nil, as: LabelReading(shape: shape.labels))
        _ = try loop.run(shape.imageCount, pixelsPerImage: shape.pixelsPerImage) { (image, _) throws(ScoringError) in
            do throws(ScoringError) {
                try predicted.check(image: image, classCount: shape.classCount, ignoredLabel: nil)
            } catch {
                guard case .labelOutOfRange(let value, let position, _) = error else { throw error }
                throw .predictedOutOfRange(value, at: position, classCount: shape.classCount)
            }
        }
        // Classes that need two bytes are more than one byte has, and labels are then in two bytes too.
        return isWide ? try predicted.codes.widened(keepingAllOnes: false) : predicted.codes
    }
}

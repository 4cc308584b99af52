package import Memory

/// The pixels of some images of a data set, as ``ReducedBlock`` made them, and what is found in each image alone.
package struct BlockScores: Sendable {
    private let pixels: ScoredPixels

    /// - Parameters:
    ///   - own: `(N, H, W)`, like the other arrays: the probability of each pixel's label.
    ///   - labels: Classes, and all ones at pixels that take no part.
    ///   - largest: The largest probability of each pixel; nil if only the softmin is asked for.
    ///   - predicted: The class of that one, in codes as wide as labels.
    package init(
        of shape: LabelShape, own: PixelScores, labels: ClassCodes, largest: PixelScores? = nil,
        predicted: ClassCodes? = nil
    ) throws(ScoringError) {
        // The codes are those of labels that went through a rule, of which all ones take no part. How many classes there
        // are makes no difference to what is found.
        let labels = LabelMap(shape: shape, codes: labels, others: [], rule: .identity)
        pixels = ScoredPixels(
            shape: try ScoringShape(labels: shape, classCount: labels.codes.isWide ? ScoringShape.classLimit : 255),
            labels: labels, scores: own, predicted: predicted, largest: largest, blocks: nil, isSettled: true)
    }

    /// `(N,)`: the softmin of each image's scores.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    package func softmin(temperature: Double) throws(ScoringError) -> Buffer<Double> {
        guard let scores = try Softmin(temperature: temperature).score(pixels) else {
            preconditionFailure("nothing ends the work")
        }
        return scores.imageScores
    }

    /// `(N,)`: the score of each image by its margins.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    package func margins() throws(ScoringError) -> Buffer<Double> {
        let scores = try self.scores()
        let imageScores: Buffer<Double> = try allocate(pixels.shape.imageCount)
        for image in 0..<imageScores.count {
            let score = try Margin().score(image, of: scores)
            imageScores.withMutableSpan { $0[image] = score }
        }
        return imageScores
    }

    /// The regions of all images.
    ///
    /// - Parameters:
    ///   - mask: `(N, H, W)`, 1 at pixels that regions are made of if they disagree with their label; nil for all that do.
    ///   - firstImage: The number of the first image in the data set.
    /// - Throws: ``ScoringError/memory(_:)``.
    package func regions(of mask: Buffer<UInt8>?, from firstImage: Int) throws(ScoringError) -> Regions {
        let issues = try mask.map { (mask) throws(ScoringError) in try labelIssues(mask) }
        let regions = try Regions(
            of: mask == nil ? .disagreements : .labelIssues, in: DatasetScores([try scores(issues)]),
            ignoredLabel: nil, from: firstImage)
        guard let regions else { preconditionFailure("nothing ends the search") }
        return regions
    }

    private func scores(_ labelIssues: LabelIssues? = nil) throws(ScoringError) -> SegmentationScores {
        SegmentationScores(
            shape: pixels.shape, imageScores: try allocate(pixels.shape.imageCount), pixelScores: pixels.scores,
            labels: pixels.labels, predicted: pixels.predicted, largest: pixels.largest, labelIssues: labelIssues)
    }

    /// The pixels of a mask that disagree with their label, as label issues, of which regions need the mask alone.
    private func labelIssues(_ mask: Buffer<UInt8>) throws(ScoringError) -> LabelIssues {
        guard let predicted = pixels.predicted else { preconditionFailure("regions need the predicted classes") }
        let issues: Buffer<UInt8> = try allocate(mask.count, isZeroed: false)
        _ = Kernels.markDisagreeing(
            mask, at: 0, side: 1, labels: pixels.labels.codes, predicted: predicted, 0..<mask.count,
            ignored: pixels.labels.code(ofIgnored: nil), into: issues)
        let statistics = LabelIssues.Statistics(
            downsample: 1, cellCount: 0, thresholds: ConfidentThresholds(sums: [], parts: [], counts: []),
            issueCount: 0, cut: nil)
        return LabelIssues(mask: issues, counts: try allocate(pixels.shape.imageCount), statistics: statistics)
    }
}

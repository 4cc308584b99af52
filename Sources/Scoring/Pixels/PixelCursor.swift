import CScoringKernels
import Memory

/// Brings elements to their pixels, in the order of ``ElementRuns``. Several cursors may fill the same arrays, each of
/// them the pixels of its own lines.
final class PixelCursor {
    private let arrays: PixelArrays
    private let blocks: BlockAccumulator?
    private let normaliser: Normaliser?
    /// What makes the values of pixels; nil if the elements are these.
    private let resampler: Resampler?
    private var runs: ElementRuns
    /// Whether an image is prepared when its first probability comes; else all images have been prepared before.
    private let preparesImages: Bool
    /// Whether the elements come once more later; see ``PixelArrays/comeTwice``.
    private var isFirstLook = false

    /// - Parameters:
    ///   - rows: The rows of pixels that are to be made of other values, if the elements are such; all rows if nil.
    /// - Throws: ``ScoringError/memory(_:)`` or ``ScoringError/elementType(_:_:)``.
    init(_ arrays: PixelArrays, rows: Range<Int>? = nil, preparesImages: Bool) throws(ScoringError) {
        self.arrays = arrays
        self.preparesImages = preparesImages && arrays.blocks != nil
        let (shape, order) = (arrays.shape, arrays.layout.order)
        blocks = try arrays.blocks.map { (blocks) throws(ScoringError) in
            try BlockAccumulator(
                blocks, labels: arrays.labels.codes, shape: shape, order: order,
                classesTakeTurns: arrays.classesTakeTurns, ignored: arrays.ignored)
        }
        normaliser = arrays.activation.needsAllClasses ? try Normaliser(arrays) : nil
        resampler = try arrays.grid.map { (grid) throws(ScoringError) in
            try Resampler(grid, pixelRows: rows ?? 0..<shape.height)
        }
        runs = ElementRuns(
            imageCount: shape.imageCount, classCount: arrays.channelCount, height: shape.height, width: shape.width,
            order: order, blockSide: arrays.side, rows: shape.labels.rows)
    }

    /// Has the next element be another one.
    ///
    /// - Parameters:
    ///   - comesAgain: Whether the elements from there on come once more, after all others of their pixels.
    func seek(to position: Int, comesAgain: Bool) {
        runs.position = position
        resampler?.position = position
        isFirstLook = comesAgain
    }

    /// Takes the next elements.
    ///
    /// - Throws: ``ScoringError/probabilityOutOfRange(_:at:classIndex:_:)``,
    ///   ``ScoringError/activationInput(_:_:at:classIndex:_:)``, ``ScoringError/noProbabilities(_:at:_:)``,
    ///   ``ScoringError/probabilitiesAsLogits(_:)``, and if images are prepared here
    ///   ``ScoringError/labelOutOfRange(_:at:classCount:)``.
    func take(_ elements: Kernels.NativeElements) throws(ScoringError) {
        if let resampler {
            return try resampler.take(elements) { (values, run) throws(ScoringError) in
                try take(values, from: 0, run)
            }
        }
        var index = 0
        while index < elements.count {
            let run = runs.next(limit: elements.count - index)
            try take(elements, from: index, run)
            index += run.count
        }
    }

    private func take(
        _ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run
    ) throws(ScoringError) {
        if preparesImages, run.classIndex == 0, run.firstPixel % arrays.shape.pixelsPerImage == 0 {
            try arrays.prepare(image: run.firstPixel / arrays.shape.pixelsPerImage)
        }
        let isLogit = arrays.activation.function == .sigmoid
        if arrays.isOneChannelOfTwo {
            // The values of the only channel are those of the second of two classes.
            try keep(elements, from: index, run, by: isLogit ? SEGSCORE_LOGISTIC_COMPLEMENT : SEGSCORE_COMPLEMENT)
            let second = run.ofClass(1)
            try isLogit
                ? keep(elements, from: index, second, by: SEGSCORE_LOGISTIC) : keep(elements, from: index, second)
        } else if let normaliser, arrays.comeTwice, !isFirstLook {
            try normaliser.withProbabilities(elements, from: index, run) { (probabilities, done) throws(ScoringError) in
                try keep(probabilities, from: 0, run.part(from: done, count: probabilities.count))
            }
        } else if let normaliser {
            try normaliser.take(elements, from: index, run)
        } else if isLogit {
            try keep(elements, from: index, run, by: SEGSCORE_LOGISTIC)
        } else {
            try keep(elements, from: index, run)
        }
    }

    /// Keeps what a conversion makes of a run's elements.
    private func keep(
        _ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run, by conversion: segscore_conversion
    ) throws(ScoringError) {
        try Kernels.withConvertedElements(elements, from: index, count: run.count, by: conversion) {
            (converted, done) throws(ScoringError) in
            let part = run.part(from: done, count: converted.count)
            let outside = keepProbabilities(converted, from: 0, part)
            if let outside { throw refusal(of: elements, at: index + done + outside, part, outside) }
        }
    }

    private func keep(
        _ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run
    ) throws(ScoringError) {
        let outside = keepProbabilities(elements, from: index, run)
        if let outside { throw refusal(of: elements, at: index + outside, run, outside) }
    }

    /// Keeps a run of probabilities.
    ///
    /// - Returns: The first element of the run that is no probability, counted from the start of the run.
    private func keepProbabilities(
        _ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run
    ) -> Int? {
        let (outside, clamped) = Kernels.take(
            elements, from: index, run, labels: arrays.labels.codes, scores: arrays.scores,
            predicted: arrays.predicted, largest: arrays.largest)
        guard outside == nil else { return outside }
        arrays.clamped.add(clamped)
        if clamped == 0 {
            blocks?.take(elements, from: index, run)
        } else if let blocks {
            Kernels.withConvertedElements(elements, from: index, count: run.count, by: SEGSCORE_CLAMP) {
                (elements, done) in
                blocks.take(elements, from: 0, run.part(from: done, count: elements.count))
            }
        }
        return nil
    }

    /// The error for an element that is no probability, as it came.
    ///
    /// - Parameters:
    ///   - index: The index of the element.
    ///   - offset: The place of the element in its run.
    private func refusal(
        of elements: Kernels.NativeElements, at index: Int, _ run: ElementRuns.Run, _ offset: Int
    ) -> ScoringError {
        let position = arrays.shape.position(of: run.firstPixel + offset * run.stride)
        let classIndex = arrays.isOneChannelOfTwo ? 0 : run.classIndex
        let value = elements.doubleValue(at: index)
        guard arrays.activation == .identity else {
            return .activationInput(
                .predictedProbabilities, value, at: position, classIndex: classIndex, arrays.activation)
        }
        return .probabilityOutOfRange(value, at: position, classIndex: classIndex, elements.lookalike(from: index))
    }
}

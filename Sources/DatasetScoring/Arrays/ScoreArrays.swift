import HTTPTypes
package import Scoring
import TensorCodecs
package import Tensors
package import WebService

/// Takes `labels` and `pred_probs` in either order.
///
/// With `labels` first, `pred_probs` is scored as it arrives. It waits in a spool file where it comes before the labels or
/// before what may be a parameter, and where its bytes are not wanted in the order that they come in.
package final class ScoreArrays: ArrayDestination {
    package let arrays: [ScoringError.Array] = [.labels, .predictedProbabilities]

    package var parameterNames: [String] { parameters.known }

    private let places: ScoringPlaces
    package private(set) var parameters: Parameters

    private var labelAccumulator: LabelAccumulator?
    private var labels: LabelMap?
    private var accumulator: (any ProbabilityAccumulator)?
    private var spool: (file: SpoolFile, layout: TensorLayout)?
    private var isComplete = false
    /// The names of what stood beside the arrays.
    private(set) var ignored: [String] = []
    /// What stands for arrays.
    private var files: [ScoringError.Array: ArrayFileSource] = [:]

    package init(_ places: ScoringPlaces, parameters: Parameters) {
        self.places = places
        self.parameters = parameters
    }

    /// The shape, once the headers of both arrays have been seen and fit together.
    package private(set) var shape: ScoringShape?
    private var layouts: [ScoringError.Array: TensorLayout] = [:]

    /// How many images have been taken in whole, as they arrive.
    package var imagesDone: Int { accumulator?.imagesDone ?? 0 }

    /// The layout of `pred_probs`, once its header has been seen.
    package var probabilitiesLayout: TensorLayout? { layouts[.predictedProbabilities] }

    /// K, once it is known; nil also where `pred_probs` have no shape at all, which is found where the arrays are put together.
    package var classCount: Int? {
        guard let layout = probabilitiesLayout else { return nil }
        return layout.shape.count == 4 ? layout.shape[1] : bandedClassCount(layout)
    }

    /// K of an array that holds the labelled classes of bands, `(M, R, W)`; nil of any other.
    private func bandedClassCount(_ layout: TensorLayout) -> Int? {
        guard layout.shape.count == 3, let settings = try? ScoreParameters(parameters) else { return nil }
        return settings.method == .softmin ? settings.classCount : nil
    }

    package func set(_ parameter: String, _ value: String) throws(Problem) {
        try parameters.set(parameter, value)
        // A value that is not allowed is refused where it stands, not after the arrays.
        _ = try ScoreParameters(parameters)
    }

    package func passOver(_ name: String) { ignored.append(name) }

    /// What there is to note of the arrays, once they are pixels.
    package func notes(on pixels: borrowing ScoredPixels) -> InputNotes {
        InputNotes(clampedCount: pixels.clampedCount, ignored: ignored)
    }

    package func refer(_ array: ScoringError.Array, to file: String) throws(Problem) {
        files[array] = try places.dataDirectories.file(file, for: array)
    }

    package func begin(_ array: ScoringError.Array, _ layout: TensorLayout, parametersAreKnown: Bool) throws(Problem) {
        let settings = try ScoreParameters(parameters)
        if parametersAreKnown { try settings.check() }
        layouts[array] = layout
        defer { findShape() }
        let isTakenAsItComes =
            parametersAreKnown && FilePieces.areInFileOrder(layout.order, downsample: settings.blockSide)
        if array == .predictedProbabilities, isTakenAsItComes, labels != nil {
            accumulator = try makeAccumulator(layout)
            return
        }
        do throws(ScoringError) {
            if array == .labels {
                labelAccumulator = try LabelAccumulator(layout: layout, pixelLimit: places.maxPixels)
            } else {
                // Parameters that are still to come may make an array of bands of it.
                if bandedClassCount(layout) != nil || (layout.shape.count == 3 && !parametersAreKnown) {
                    try OwnAccumulator.check(layout)
                } else {
                    try PixelAccumulator.check(layout, pixelLimit: places.maxPixels)
                }
                spool = (try openSpool(), layout)
            }
        } catch {
            throw Problem(error)
        }
    }

    private func findShape() {
        guard let labels = layouts[.labels]?.shape, labels.count == 3, let layout = probabilitiesLayout else { return }
        let banded = bandedClassCount(layout).map { [labels[0], $0, labels[1], labels[2]] }
        do throws(ScoringError) {
            shape = try ScoringShape(labels: labels, predictedProbabilities: banded ?? layout.shape)
        } catch {
            // Whoever scores them throws the same, and there the client is told.
        }
    }

    package func receive(_ bytes: borrowing Span<UInt8>, of array: ScoringError.Array) throws(Problem) {
        do throws(ScoringError) {
            if array == .labels {
                try labelAccumulator?.receive(bytes)
            } else if let accumulator {
                try accumulator.receive(bytes)
            } else {
                try append(bytes)
            }
        } catch {
            throw Problem(error)
        }
    }

    package func end(_ array: ScoringError.Array) throws(Problem) {
        if array == .labels {
            labels = labelAccumulator?.finish()
            labelAccumulator = nil
        } else {
            isComplete = true
        }
    }

    /// Scores what was spooled or is in files, and hands over the pixels.
    ///
    /// - Parameters:
    ///   - isCancelled: Asked once per image.
    /// - Returns: Nil where the work was canceled.
    /// - Throws: 400 where an array is missing, and all that can be wrong with the two together.
    package func complete(isCancelled: () -> Bool) throws(Problem) -> ScoredPixels? {
        try files[.labels]?.read(.labels, into: self)
        guard labels != nil else { throw .missing(.labels, beside: ignored) }
        if let source = files[.predictedProbabilities] {
            if source.member == nil {
                try source.requireArray(.predictedProbabilities)
                let file = try ProbabilityFile(source.file)
                if bandedClassCount(file.layout) == nil {
                    defer { labels = nil }
                    return try file.read(with: self, processors: places.processors) { _ in !isCancelled() }
                }
            }
            try source.read(.predictedProbabilities, into: self)
        }
        guard isComplete else { throw .missing(.predictedProbabilities, beside: ignored) }
        if let spool {
            guard try replay(spool.file, spool.layout, isCancelled) else { return nil }
        }
        spool = nil
        labels = nil
        defer { accumulator = nil }
        do throws(ScoringError) {
            return try accumulator?.finish()
        } catch {
            throw Problem(error)
        }
    }

    /// What takes `pred_probs` of a layout, now that labels and parameters are there.
    ///
    /// - Throws: What is wrong with labels, layout and parameters together.
    private func makeAccumulator(_ layout: TensorLayout) throws(Problem) -> any ProbabilityAccumulator {
        guard let classCount = bandedClassCount(layout) else { return try makePixelAccumulator(layout) }
        return try make(layout) { (labels, settings) throws(ScoringError) in
            try OwnAccumulator(
                labels: labels, layout: layout, classCount: classCount, ignoredLabel: settings.ignoredLabel)
        }
    }

    /// What takes all of `pred_probs`, `(N, K, H, W)`.
    ///
    /// - Throws: What is wrong with labels, layout and parameters together.
    func makePixelAccumulator(_ layout: TensorLayout) throws(Problem) -> PixelAccumulator {
        try make(layout) { (labels, settings) throws(ScoringError) in
            try PixelAccumulator(
                labels: labels, layout: layout, downsample: settings.blockSide, ignoredLabel: settings.ignoredLabel)
        }
    }

    /// What takes of `pred_probs` in a file only the probabilities of labels; nil where more is needed.
    ///
    /// - Throws: What is wrong with labels, layout and parameters together.
    func makeOwnProbabilities(_ layout: TensorLayout) throws(Problem) -> OwnProbabilities? {
        try make(layout) { (labels, settings) throws(ScoringError) in
            guard settings.method == .softmin, settings.reading != .all, OwnProbabilities.canRead(layout.order) else {
                return nil
            }
            return try OwnProbabilities(labels: labels, layout: layout, ignoredLabel: settings.ignoredLabel)
        }
    }

    /// Makes something of labels and parameters, once `pred_probs` are found to have as many classes as the client says, if
    /// it says that.
    private func make<Result>(
        _ layout: TensorLayout, _ result: (LabelMap, ScoreParameters) throws(ScoringError) -> Result
    ) throws(Problem) -> Result {
        guard let labels else { throw .missing(.labels) }
        let settings = try ScoreParameters(parameters)
        if let classCount = settings.classCount, layout.shape.count == 4, classCount != layout.shape[1] {
            throw Problem(
                .unprocessableContent, "shape-mismatch",
                "pred_probs have \(layout.shape[1]) classes, and classes says another number.",
                parameter: "classes", expected: "\(layout.shape[1])", actual: "\(classCount)")
        }
        do throws(ScoringError) {
            return try result(labels, settings)
        } catch {
            throw Problem(error)
        }
    }

    /// Takes what was spooled.
    ///
    /// - Returns: Whether all of it was taken; not where the work was canceled.
    private func replay(
        _ spool: SpoolFile, _ layout: TensorLayout, _ isCancelled: () -> Bool
    ) throws(Problem) -> Bool {
        let file: InputFile
        do throws(TensorError) {
            file = try spool.reader()
        } catch {
            throw Problem(error)
        }
        guard bandedClassCount(layout) == nil else {
            accumulator = try makeAccumulator(layout)
            try file.read(0..<layout.byteCount, of: .predictedProbabilities) { (bytes) throws(Problem) in
                try receive(bytes, of: .predictedProbabilities)
            }
            return true
        }
        let pixels = try makePixelAccumulator(layout)
        accumulator = pixels
        let band: PixelBand
        do throws(ScoringError) {
            band = try pixels.bands(1)[0]
        } catch {
            throw Problem(error)
        }
        return try BandReader(file: file, offset: 0).read(into: band) { _ in !isCancelled() }
    }

    private func openSpool() throws(ScoringError) -> SpoolFile {
        do throws(TensorError) {
            return try SpoolFile(directory: places.spoolDirectory)
        } catch {
            throw .memory(error)
        }
    }

    private func append(_ bytes: borrowing Span<UInt8>) throws(ScoringError) {
        do throws(TensorError) {
            try spool?.file.append(bytes)
        } catch {
            throw .memory(error)
        }
    }
}

extension Problem {
    /// - Parameters:
    ///   - names: Those of what was passed over, which may have been meant.
    package static func missing(_ array: ScoringError.Array, beside names: [String] = []) -> Problem {
        Problem(
            .badRequest, "missing-array", "The body has no array \"\(array.rawValue)\".", parameter: array.rawValue,
            expected: "one array of that name", actual: names.isEmpty ? nil : names.joined(separator: ", "))
    }
}

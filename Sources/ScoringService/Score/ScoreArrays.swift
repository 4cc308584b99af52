import HTTPTypes
import Scoring
import TensorCodecs
import Tensors

/// Takes `labels` and `pred_probs` in either order.
///
/// With `labels` first, `pred_probs` is scored as it arrives. It waits in a spool file where it comes before the labels or
/// before what may be a parameter, and where its bytes are not wanted in the order that they come in.
final class ScoreArrays: ArrayDestination {
    let arrays: [ScoringError.Array] = [.labels, .predictedProbabilities]

    private let configuration: Service.Configuration
    private(set) var parameters: Parameters

    private var labelAccumulator: LabelAccumulator?
    private var labels: LabelMap?
    private var pixelAccumulator: PixelAccumulator?
    private var spool: (file: SpoolFile, layout: TensorLayout)?
    private var isComplete = false
    /// What stands for arrays.
    private var files: [ScoringError.Array: ArrayFileSource] = [:]

    init(_ configuration: Service.Configuration, parameters: Parameters) {
        self.configuration = configuration
        self.parameters = parameters
    }

    /// The shape, once the headers of both arrays have been seen and fit together.
    private(set) var shape: ScoringShape?
    private var layouts: [ScoringError.Array: TensorLayout] = [:]

    /// How many images have been taken in whole, as they arrive.
    var imagesDone: Int { pixelAccumulator?.imagesDone ?? 0 }

    /// The layout of `pred_probs`, once its header has been seen.
    var probabilitiesLayout: TensorLayout? { layouts[.predictedProbabilities] }

    func set(_ parameter: String, _ value: String) throws(Problem) {
        try parameters.set(parameter, value)
        // A value that is not allowed is refused where it stands, not after the arrays.
        _ = try ScoreParameters(parameters)
    }

    func refer(_ array: ScoringError.Array, to file: String) throws(Problem) {
        files[array] = try configuration.dataDirectories.file(file, for: array)
    }

    func begin(_ array: ScoringError.Array, _ layout: TensorLayout, parametersAreKnown: Bool) throws(Problem) {
        let settings = try ScoreParameters(parameters)
        if parametersAreKnown { try settings.check() }
        layouts[array] = layout
        defer { findShape() }
        let isTakenAsItComes =
            parametersAreKnown && FilePieces.areInFileOrder(layout.order, downsample: settings.blockSide)
        if array == .predictedProbabilities, isTakenAsItComes, labels != nil {
            pixelAccumulator = try makeAccumulator(layout)
            return
        }
        do throws(ScoringError) {
            if array == .labels {
                labelAccumulator = try LabelAccumulator(layout: layout, pixelLimit: configuration.maxPixels)
            } else {
                try PixelAccumulator.check(layout, pixelLimit: configuration.maxPixels)
                spool = (try openSpool(), layout)
            }
        } catch {
            throw Problem(error)
        }
    }

    private func findShape() {
        guard let labels = layouts[.labels]?.shape, labels.count == 3,
            let probabilities = layouts[.predictedProbabilities]?.shape
        else { return }
        do throws(ScoringError) {
            shape = try ScoringShape(labels: labels, predictedProbabilities: probabilities)
        } catch {
            // Whoever scores them throws the same, and there the client is told.
        }
    }

    func receive(_ bytes: borrowing Span<UInt8>, of array: ScoringError.Array) throws(Problem) {
        do throws(ScoringError) {
            if array == .labels {
                try labelAccumulator?.receive(bytes)
            } else if let pixelAccumulator {
                try pixelAccumulator.receive(bytes)
            } else {
                try append(bytes)
            }
        } catch {
            throw Problem(error)
        }
    }

    func end(_ array: ScoringError.Array) throws(Problem) {
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
    func complete(isCancelled: () -> Bool) throws(Problem) -> ScoredPixels? {
        try files[.labels]?.read(.labels, into: self)
        guard labels != nil else { throw .missing(.labels) }
        if let source = files[.predictedProbabilities] {
            guard source.member != nil else {
                defer { labels = nil }
                return try ProbabilityFile(source.file).read(with: self, processors: configuration.processors) { _ in
                    !isCancelled()
                }
            }
            try source.read(.predictedProbabilities, into: self)
        }
        guard isComplete else { throw .missing(.predictedProbabilities) }
        if let spool {
            let accumulator = try makeAccumulator(spool.layout)
            pixelAccumulator = accumulator
            guard try replay(spool.file, into: accumulator, isCancelled) else { return nil }
        }
        spool = nil
        labels = nil
        defer { pixelAccumulator = nil }
        return pixelAccumulator?.finish()
    }

    /// What takes `pred_probs` of a layout, now that labels and parameters are there.
    ///
    /// - Throws: What is wrong with labels, layout and parameters together.
    func makeAccumulator(_ layout: TensorLayout) throws(Problem) -> PixelAccumulator {
        guard let labels else { throw .missing(.labels) }
        let settings = try ScoreParameters(parameters)
        do throws(ScoringError) {
            return try PixelAccumulator(
                labels: labels, layout: layout, downsample: settings.blockSide, ignoredLabel: settings.ignoredLabel)
        } catch {
            throw Problem(error)
        }
    }

    /// What takes of `pred_probs` in a file only the probabilities of labels; nil where more is needed.
    ///
    /// - Throws: What is wrong with labels, layout and parameters together.
    func makeOwnProbabilities(_ layout: TensorLayout) throws(Problem) -> OwnProbabilities? {
        guard let labels else { throw .missing(.labels) }
        let settings = try ScoreParameters(parameters)
        guard settings.method == .softmin, settings.reading != .all, OwnProbabilities.canRead(layout.order) else {
            return nil
        }
        do throws(ScoringError) {
            return try OwnProbabilities(labels: labels, layout: layout, ignoredLabel: settings.ignoredLabel)
        } catch {
            throw Problem(error)
        }
    }

    private func replay(
        _ spool: SpoolFile, into accumulator: PixelAccumulator, _ isCancelled: () -> Bool
    ) throws(Problem) -> Bool {
        let file: InputFile
        let band: PixelBand
        do throws(TensorError) {
            file = try spool.reader()
        } catch {
            throw Problem(error)
        }
        do throws(ScoringError) {
            band = try accumulator.bands(1)[0]
        } catch {
            throw Problem(error)
        }
        return try BandReader(file: file, offset: 0).read(into: band) { _ in !isCancelled() }
    }

    private func openSpool() throws(ScoringError) -> SpoolFile {
        do throws(TensorError) {
            return try SpoolFile(directory: configuration.spoolDirectory)
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
    static func missing(_ array: ScoringError.Array) -> Problem {
        Problem(
            .badRequest, "missing-array", "The body has no array \"\(array.rawValue)\".", parameter: array.rawValue,
            expected: "one array of that name")
    }
}

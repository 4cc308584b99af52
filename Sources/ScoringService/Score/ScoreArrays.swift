import HTTPTypes
import Scoring
import TensorCodecs
import Tensors

/// Takes `labels` and `pred_probs` in either order.
///
/// With `labels` first, `pred_probs` is scored as it arrives. The other way round it waits in a spool file until the
/// labels are there.
final class ScoreArrays: ArrayDestination {
    let arrays: [ScoringError.Array] = [.labels, .predictedProbabilities]

    private let configuration: Service.Configuration
    private(set) var parameters: Parameters

    private var labelAccumulator: LabelAccumulator?
    private var labels: LabelMap?
    private var pixelAccumulator: PixelAccumulator?
    private var spool: (file: SpoolFile, layout: TensorLayout)?
    private var isComplete = false

    init(_ configuration: Service.Configuration, parameters: Parameters) {
        self.configuration = configuration
        self.parameters = parameters
    }

    /// The shape, once the headers of both arrays have been seen.
    var shape: ScoringShape? { pixelAccumulator?.shape }

    var imagesReceived: Int { pixelAccumulator?.imagesDone ?? 0 }

    func set(_ parameter: String, _ value: String) throws(Problem) {
        try parameters.set(parameter, value)
        // A value that is not allowed is refused where it stands, not after the arrays.
        _ = try ScoreParameters(parameters)
    }

    func begin(_ array: ScoringError.Array, _ layout: TensorLayout) throws(Problem) {
        do throws(ScoringError) {
            if array == .labels {
                labelAccumulator = try LabelAccumulator(layout: layout, pixelLimit: configuration.maxPixels)
            } else if let labels {
                pixelAccumulator = try PixelAccumulator(labels: labels, layout: layout)
            } else {
                try PixelAccumulator.check(layout, pixelLimit: configuration.maxPixels)
                spool = (try openSpool(), layout)
            }
        } catch {
            throw Problem(error)
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

    /// Scores what was spooled, and hands over the pixels.
    ///
    /// - Parameters:
    ///   - isCancelled: Asked once per image.
    /// - Returns: Nil where the work was canceled.
    /// - Throws: 400 where an array is missing, and all that can be wrong with the two together.
    func complete(isCancelled: () -> Bool) throws(Problem) -> ScoredPixels? {
        guard let labels else { throw .missing(.labels) }
        guard isComplete else { throw .missing(.predictedProbabilities) }
        do throws(ScoringError) {
            if let spool {
                let accumulator = try PixelAccumulator(labels: labels, layout: spool.layout)
                pixelAccumulator = accumulator
                guard try replay(spool.file, into: accumulator, isCancelled) else { return nil }
            }
        } catch {
            throw Problem(error)
        }
        spool = nil
        defer { pixelAccumulator = nil }
        return pixelAccumulator?.finish()
    }

    private func replay(
        _ file: SpoolFile, into accumulator: PixelAccumulator, _ isCancelled: () -> Bool
    ) throws(ScoringError) -> Bool {
        let bytes: MappedFile
        do throws(TensorError) {
            bytes = try file.map()
        } catch {
            throw .memory(error)
        }
        let step = max(bytes.count / accumulator.shape.imageCount, 1)
        for start in stride(from: 0, to: bytes.count, by: step) {
            guard !isCancelled() else { return false }
            try accumulator.receive(bytes.span.extracting(start..<min(start + step, bytes.count)))
        }
        return true
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

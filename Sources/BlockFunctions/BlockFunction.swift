import DatasetScoring
import Glibc
import Memory
import Scoring
import WebService

/// What can be asked of a block. The raw values are the names by which callers ask.
///
/// Every function depends on its arguments alone, so that it may be called anywhere, and again if a machine is lost. Put
/// together over all blocks of a data set they find the label issues that the service finds in all images at once, to
/// the bit.
enum BlockFunction: String, CaseIterable {
    case reduce
    case countConfident = "count_confident"
    case histogram
    case countEqual = "count_equal"
    case mark
    case softmin
    case margins
    case regions

    /// - Throws: A problem with the arrays or the parameters; 503 if memory is short.
    func answer(_ call: BlockCall) throws(Problem) -> BlockAnswer {
        switch self {
        case .reduce: try Self.reduce(call)
        case .countConfident: try Self.countConfident(call)
        case .histogram: try Self.histogram(call)
        case .countEqual: try Self.countEqual(call)
        case .mark: try Self.mark(call)
        case .softmin: try Self.softmin(call)
        case .margins: try Self.margins(call)
        case .regions: try Self.regions(call)
        }
    }

    /// `labels` and `pred_probs` or `logits`, with the parameters of `POST /reduce` and `downsample`, to a
    /// ``ReducedBlock``.
    private static func reduce(_ call: BlockCall) throws(Problem) -> BlockAnswer {
        let parameters = try Parameters(target: call.query, known: ScoreParameters.namesOfArrays + ["downsample"])
        let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) }
        let places = ScoringPlaces(maxPixels: .max, spoolDirectory: folder ?? "/tmp")
        let method = ScoreParameters.Method.numPixelIssues.rawValue
        let inputs = ScoreArrays(places, parameters: parameters.fixing("method", method))
        try inputs.parameters.check()
        for array in [ScoringError.Array.labels, .predictedProbabilities, .logits] {
            guard let lent = call.optionalArray(array.rawValue) else { continue }
            let receiver = InputReceiver(array, of: inputs)
            try receiver.begin(lent.layout, at: 0)
            try lent.withBytes { (bytes) throws(Problem) in try receiver.receive(bytes) }
            try receiver.end()
        }
        guard let pixels = try inputs.complete(isCancelled: { false }) else {
            preconditionFailure("nobody cancels")
        }
        let label = try inputs.parameters.labels.ignoredLabel
        let block = try Problem.wrapping { () throws(ScoringError) in
            try ReducedBlock(pixels, ignoredLabel: label)
        }
        let (shape, space) = (block.shape, block.shape.labels.space)
        var answer = BlockAnswer()
        let dimensions = [shape.imageCount] + space
        answer.add(block.pixels, "", dimensions)
        if let blocks = block.blocks {
            let side = try inputs.parameters.downsample
            answer.add(blocks, "block_", [shape.imageCount] + space.map { $0 / side })
        }
        answer.add(MadeArray("class_sums", .float64, [shape.imageCount, shape.classCount], block.sums))
        answer.add(MadeArray("class_counts", .int64, [shape.imageCount, shape.classCount], block.counts))
        return answer
    }

    /// `largest`, `predicted`, `labels` and `thresholds` `(K,)` to how many cells are confidently predicted as another
    /// class than their label.
    private static func countConfident(_ call: BlockCall) throws(Problem) -> BlockAnswer {
        let shape = try call.shape(of: "largest", "predicted", "labels")
        let (labels, predicted) = try call.classes("labels", "predicted")
        let thresholds = try call.array("thresholds").numbers()
        guard (1...ScoringShape.classLimit).contains(thresholds.count), predicted.areBelow(thresholds.count) else {
            throw .invalidParameter(
                "thresholds", expected: "one for each class that is predicted", actual: "\(thresholds.count)")
        }
        let cells = BlockCells(
            scores: try call.array("largest").scores(), labels: labels, predicted: predicted,
            imageCount: shape.imageCount, classCount: thresholds.count)
        return BlockAnswer(number: cells.countConfident(thresholds: thresholds))
    }

    /// `own` and `labels`, with `prefix`, `shift` and `width`, to the counts of the cells whose score's bits begin with
    /// the prefix, by the next `width` bits.
    private static func histogram(_ call: BlockCall) throws(Problem) -> BlockAnswer {
        let parameters = try call.parameters("prefix", "shift", "width")
        let width = try parameters.required("width", in: 1...16)
        let shift = try parameters.required("shift", in: 0...62)
        let prefix: UInt64 = try parameters.required("prefix", in: 0...1 << 62)
        let cells = try cells(call)
        let counts = try Problem.wrapping { () throws(ScoringError) in
            try cells.histogram(prefix: prefix, shift: shift, width: width)
        }
        return BlockAnswer([MadeArray("histogram", .uint64, [counts.count], counts)])
    }

    /// `own` and `labels`, with `score`, to how many cells have this score.
    private static func countEqual(_ call: BlockCall) throws(Problem) -> BlockAnswer {
        let score = try call.parameters("score").requiredScore("score")
        return BlockAnswer(number: try cells(call).countEqual(to: score))
    }

    private static func cells(_ call: BlockCall) throws(Problem) -> BlockCells {
        let shape = try call.shape(of: "own", "labels")
        return BlockCells(
            scores: try call.array("own").scores(), labels: try call.array("labels").classes(),
            imageCount: shape.imageCount)
    }

    /// `own` and `labels` of cells and `pixel_labels` and `pixel_predicted`, with `score` and `ties`, to the mask of
    /// label issues, their number in each image, and the images' scores.
    private static func mark(_ call: BlockCall) throws(Problem) -> BlockAnswer {
        let parameters = try call.parameters("score", "ties")
        let score = try parameters.requiredScore("score")
        let ties = try parameters.required("ties", in: 0...Int.max)
        let cellShape = try call.shape(of: "own", "labels")
        let shape = try call.shape(of: "pixel_labels", "pixel_predicted")
        guard let side = shape.side(ofCells: cellShape) else {
            throw .invalidParameter(
                "own", expected: "cells of \(shape.dimensions)", actual: "\(cellShape.dimensions)")
        }
        let (labels, predicted) = try call.classes("pixel_labels", "pixel_predicted")
        let cells = try cells(call)
        let marks = try Problem.wrapping { () throws(ScoringError) in
            try cells.mark(below: score, ties: ties, side: side, of: shape, labels: labels, predicted: predicted)
        }
        return BlockAnswer([
            MadeArray("mask", .bool, shape.dimensions, marks.mask),
            MadeArray("counts", .int64, [shape.imageCount], marks.counts),
            MadeArray("image_scores", .float64, [shape.imageCount], marks.imageScores),
        ])
    }

    /// `own` and `labels` of pixels, with `temperature`, to the softmin of each image.
    private static func softmin(_ call: BlockCall) throws(Problem) -> BlockAnswer {
        let parameters = try call.parameters("temperature")
        let temperature = try parameters.number("temperature", expected: "a finite number above 0") { $0 > 0 }
        let shape = try call.shape(of: "own", "labels")
        let (own, labels) = (try call.array("own").scores(), try call.array("labels").classes())
        let scores = try Problem.wrapping { () throws(ScoringError) in
            try BlockScores(of: shape, own: own, labels: labels).softmin(temperature: temperature ?? 0.1)
        }
        return BlockAnswer([MadeArray("image_scores", .float64, [shape.imageCount], scores)])
    }

    /// `own`, `largest`, `predicted` and `labels` of pixels to the score of each image by its margins.
    private static func margins(_ call: BlockCall) throws(Problem) -> BlockAnswer {
        let (shape, pixels) = try scores(call)
        let scores = try Problem.wrapping { () throws(ScoringError) in try pixels.margins() }
        return BlockAnswer([MadeArray("image_scores", .float64, [shape.imageCount], scores)])
    }

    /// `own`, `largest`, `predicted` and `labels` of pixels, and `mask` or nothing, with the number of the `first` image,
    /// to regions: whole numbers, `(R, 10)` and for volumes more, and numbers, `(R, 3)`, in the order of ``RegionDocument``.
    private static func regions(_ call: BlockCall) throws(Problem) -> BlockAnswer {
        let first = try call.parameters("first").required("first", in: 0...Int(UInt32.max) / 2)
        let (shape, pixels) = try scores(call)
        guard shape.canHaveRegions, shape.imageCount <= Int(UInt32.max) / 2 else {
            throw .invalidParameter(
                "labels", expected: "images of up to \(LabelShape.pixelsWithRegions) pixels",
                actual: "\(shape.dimensions)")
        }
        let mask = try call.optionalArray("mask").map { (array) throws(Problem) in
            _ = try call.shape(of: "labels", "mask")
            return try array.mask()
        }
        let regions = try Problem.wrapping { () throws(ScoringError) in try pixels.regions(of: mask, from: first) }
        return try BlockAnswer(RegionColumns(regions, of: shape).arrays)
    }

    private static func scores(_ call: BlockCall) throws(Problem) -> (LabelShape, BlockScores) {
        let shape = try call.shape(of: "labels", "own", "largest", "predicted")
        let (labels, predicted) = try call.classes("labels", "predicted")
        let (own, largest) = (try call.array("own").scores(), try call.array("largest").scores())
        guard own.elementType == largest.elementType else {
            throw .invalidParameter(
                "largest", expected: "the type of own", actual: largest.elementType.scalar.rawValue)
        }
        let scores = try Problem.wrapping { () throws(ScoringError) in
            try BlockScores(of: shape, own: own, labels: labels, largest: largest, predicted: predicted)
        }
        return (shape, scores)
    }
}

extension Problem {
    /// Calls what throws errors of scoring, and throws the problems that tell of them.
    fileprivate static func wrapping<Value>(_ body: () throws(ScoringError) -> Value) throws(Problem) -> Value {
        do throws(ScoringError) {
            return try body()
        } catch {
            throw Problem(error)
        }
    }
}

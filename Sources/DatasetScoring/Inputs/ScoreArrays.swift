package import Codecs
package import Memory
package import Scoring
package import WebService

/// Takes `labels`, and `pred_probs`, `logits` or what they were reduced to, in any order, and makes scored pixels of them.
package final class ScoreArrays: RequestInputs {
    package let arrays: [ScoringError.Array] = [.labels] + Predictions.arrays

    package var parameterNames: [String] { arriving.names }

    private let places: ScoringPlaces
    private var arriving: ArrivingParameters

    /// The shape of `labels`; nil until it is known.
    private var labelsShape: [Int]?
    private var labelAccumulator: LabelAccumulator?
    private var oneHotAccumulator: OneHotAccumulator?
    /// K, if the labels are one-hot.
    private var labelClassCount: Int?
    /// The labels that come as single images, until they are complete.
    private var labelImages: LabelStack?
    private var labels: ArrivedLabels?
    private var source: (any ProbabilitySource)?
    /// The files that stand for arrays.
    private var files: [ScoringError.Array: FileArray] = [:]
    /// The folders that stand for arrays.
    private var folders: [ScoringError.Array: ImageFolder] = [:]
    /// Whether folders may stand for arrays.
    private let takesFolders: Bool
    /// The names of what the body held besides the arrays.
    private var ignored: [String] = []

    /// - Parameters:
    ///   - places: The limits and directories of the scoring.
    ///   - parameters: The parameters that do not stand in the body.
    ///   - takesFolders: Whether folders may stand for arrays, in which case whoever has these asks for
    ///     ``folderPair``.
    package init(_ places: ScoringPlaces, parameters: Parameters, takesFolders: Bool = false) {
        self.places = places
        self.takesFolders = takesFolders
        arriving = ArrivingParameters(parameters)
    }

    /// The parameters that have come.
    ///
    /// - Throws: A 400 problem if one of them has a value that is not allowed.
    package var parameters: ScoreParameters {
        get throws(Problem) { try arriving.value }
    }

    /// The shape of the scoring; nil until the headers of both arrays have been read and are found to match.
    package private(set) var shape: ScoringShape?

    /// How many whole images have been scored while the arrays arrived.
    package var imagesDone: Int { source?.imagesDone ?? 0 }

    /// The array that tells of predicted probabilities; nil until its header has been read.
    package private(set) var predictions: Predictions?

    /// K; nil until it is known. It stays nil for predictions of an impossible rank, which is found when the arrays are
    /// put together.
    package var classCount: Int? { probabilitiesShape.flatMap { $0.count == 4 ? $0[1] : nil } }

    /// The shape of the probabilities, `(N, K, H, W)` if the labels and the rank of the array allow it; nil until the
    /// array's header has been read.
    private var probabilitiesShape: [Int]? {
        // A parameter that is not allowed is reported where ``parameters`` is read.
        guard let predictions, let parameters = try? parameters else { return nil }
        guard let classCount = predictions.classCountOfBands(parameters) else {
            return predictions.shape(parameters, labels: labelsShape, classCount: labelClassCount)
        }
        let labels = labelsShape ?? []
        return labels.count == 3 ? [labels[0], classCount, labels[1], labels[2]] : [0, classCount, 0, 0]
    }

    /// The notes for the client, once the arrays have become pixels.
    package func notes(on pixels: borrowing ScoredPixels) -> InputNotes {
        InputNotes(clampedCount: pixels.clampedCount, ignored: ignored)
    }

    // MARK: - From the body

    package func set(_ parameter: String, _ value: String) throws(Problem) { try arriving.set(parameter, value) }

    package func passOver(_ name: String) { ignored.append(name) }

    package func refer(_ array: ScoringError.Array, to file: String) throws(Problem) {
        if array != .labels, let other = fileOfPredictions?.array, !(other.isReduced && array.isReduced) {
            throw .twice(other, array)
        }
        files[array] = try places.dataDirectories.file(file, for: array)
    }

    /// Has an array read from a file.
    func refer(_ array: ScoringError.Array, to file: FileArray) { files[array] = file }

    package func refer(_ array: ScoringError.Array, toFolder folder: String) throws(Problem) {
        guard takesFolders else {
            throw .invalidParameter(
                array.rawValue, expected: "images of one size: a folder is a whole data set, which POST /score takes",
                actual: folder)
        }
        if array != .labels, let other = Predictions.arrays.first(where: { folders[$0] != nil }) {
            throw .twice(other, array)
        }
        folders[array] = try places.dataDirectories.folder(folder, of: array)
    }

    /// The folders of labels and of predictions; nil if the arrays are no folders.
    ///
    /// - Throws: A 400 problem if there is a folder of one and not of the other.
    package var folderPair: (labels: ImageFolder, predictions: ImageFolder)? {
        get throws(Problem) {
            guard !folders.isEmpty else { return nil }
            let predictions = Predictions.arrays.lazy.compactMap { [folders] in folders[$0] }.first
            if let predictions, let other = self.predictions?.array ?? fileOfPredictions?.array {
                throw .twice(other, predictions.array)
            }
            if let labels = folders[.labels], let predictions { return (labels, predictions) }
            let missing: ScoringError.Array = folders[.labels] == nil ? .labels : .predictedProbabilities
            throw .invalidParameter(
                missing.rawValue, expected: "a folder, as \(missing == .labels ? "pred_probs" : "labels") are",
                actual: "no folder")
        }
    }

    package func begin(
        _ array: ScoringError.Array, _ layout: TensorLayout, parametersAreKnown: Bool
    ) throws(Problem) -> any ArrayAccumulator {
        let parameters = try parameters
        if parametersAreKnown { try parameters.check() }
        defer { findShape() }
        guard array != .labels else { return try beginLabels(layout, parameters) }
        let reduced = source as? ReducedProbabilities
        if let earlier = reduced?.first ?? predictions?.array, !(array.isReduced && reduced != nil) {
            throw .twice(earlier, array)
        }
        let predictions = Predictions(array: array, layout: layout)
        if !array.isReduced || array == .own { self.predictions = predictions }
        joinLabelImages()
        if array.isReduced {
            let source = reduced ?? ReducedProbabilities(in: places)
            self.source = source
            return try source.begin(predictions, parametersAreKnown ? parameters : nil)
        }
        let source = try makeSource(predictions, parameters, parametersAreKnown: parametersAreKnown)
        guard let accumulator = source.accumulator else { preconditionFailure("bytes of it arrive") }
        self.source = source
        return accumulator
    }

    /// Begins labels, which are one-hot if they have as many dimensions as `pred_probs`.
    private func beginLabels(
        _ layout: TensorLayout, _ parameters: ScoreParameters
    ) throws(Problem) -> any ArrayAccumulator {
        labelsShape = layout.shape
        do throws(ScoringError) {
            if layout.shape.count == 4 {
                let accumulator = try OneHotAccumulator(layout: layout, pixelLimit: places.maxPixels)
                oneHotAccumulator = accumulator
                labelClassCount = labelsShape?.remove(at: 1)
                return accumulator
            }
            let accumulator = try LabelAccumulator(
                layout: layout, pixelLimit: places.maxPixels, rule: parameters.labels.rule)
            labelAccumulator = accumulator
            return accumulator
        } catch {
            throw Problem(error)
        }
    }

    package var colours: ColourClasses? {
        get throws(Problem) { try parameters.colours }
    }

    package func beginLabelImage(_ layout: TensorLayout) throws(Problem) -> any ArrayAccumulator {
        let rule = try parameters.labels.rule
        let images = labelImages ?? LabelStack(pixelLimit: places.maxPixels, rule: rule)
        labelImages = images
        do throws(ScoringError) {
            return try images.begin(layout)
        } catch {
            throw Problem(error)
        }
    }

    package func endLabelImage() { labelImages?.endImage() }

    /// Takes the images of labels for one array, once all of them have come.
    private func joinLabelImages() {
        guard let images = labelImages else { return }
        labelImages = nil
        let joined = images.finish()
        labels = joined
        labelsShape = joined.shape
        findShape()
    }

    private func findShape() {
        guard let labelsShape, labelsShape.count == 3, let probabilitiesShape else { return }
        do throws(ScoringError) {
            shape = try ScoringShape(labels: labelsShape, predictedProbabilities: probabilitiesShape)
        } catch {
            // The client is told when the arrays are scored, which throws the same error.
        }
    }

    package func end(_ array: ScoringError.Array) throws(Problem) {
        guard array == .labels else { return }
        do throws(ScoringError) {
            labels =
                if let oneHotAccumulator {
                    ArrivedLabels(try oneHotAccumulator.finish())
                } else {
                    labelAccumulator?.finish()
                }
        } catch {
            throw Problem(error)
        }
        (labelAccumulator, oneHotAccumulator) = (nil, nil)
    }

    // MARK: - Sources

    /// Chooses the source for predictions that come with the request.
    ///
    /// - Throws: A problem with the layout, or with labels and layout together.
    private func makeSource(
        _ predictions: Predictions, _ parameters: ScoreParameters, parametersAreKnown: Bool
    ) throws(Problem) -> any ProbabilitySource {
        // If a parameter behind the labels has changed what they stand for, a worker looks at all of them again.
        if let labels, parametersAreKnown, labels.areMapped(by: parameters.labels.rule),
            try StreamedProbabilities.canTake(predictions, parameters)
        {
            return try StreamedProbabilities(predictions, for: demand())
        }
        return try SpooledProbabilities(predictions, parameters, parametersAreKnown: parametersAreKnown, in: places)
    }

    private var fileOfPredictions: (array: ScoringError.Array, file: FileArray)? {
        Predictions.arrays.lazy.compactMap { [files] array in files[array].map { (array, $0) } }.first
    }

    /// Chooses the source for predictions in a file. An array with all classes whose elements follow one another is read
    /// by several threads; any other is treated as if it came with the request.
    private func take(
        _ file: FileArray, of array: ScoringError.Array, _ parameters: ScoreParameters
    ) throws(Problem) {
        if let earlier = predictions { throw .twice(earlier.array, array) }
        if let place = try file.place(of: array) {
            let probabilities = FileProbabilities(array, in: file.file, at: place, processors: places.processors)
            guard probabilities.predictions.classCountOfBands(parameters) != nil else {
                source = probabilities
                return
            }
        }
        try file.read(array, into: self)
    }

    /// Reads those of the arrays that were reduced which lie in files.
    private func takeReduced() throws(Problem) {
        for array in Predictions.reducedArrays { try files[array]?.read(array, into: self) }
    }

    /// Scores the probabilities that were spooled or lie in files, and hands over the pixels.
    ///
    /// - Parameters:
    ///   - isCancelled: Is asked once per image.
    /// - Returns: Nil if the work was canceled.
    /// - Throws: A 400 problem if an array is missing, and every problem of the two arrays together.
    package func complete(isCancelled: () -> Bool) throws(Problem) -> ScoredPixels? {
        try files[.labels]?.read(.labels, into: self)
        let demand = try demand()
        if let (array, file) = fileOfPredictions {
            try array.isReduced ? takeReduced() : take(file, of: array, demand.parameters)
        }
        guard let source else { throw .missing(.predictedProbabilities, beside: ignored) }
        (labels, self.source) = (nil, nil)
        return try source.pixels(for: demand) { _ in !isCancelled() }
    }

    /// The demand on predictions, once the labels are there.
    ///
    /// - Throws: A 400 problem if there are no labels; 422 if the parameters do not tell what a label stands for.
    func demand() throws(Problem) -> ProbabilityDemand {
        joinLabelImages()
        guard var arrived = labels else { throw .missing(.labels, beside: ignored) }
        // There is one owner of the labels, so that what is no longer needed of them is free.
        labels = nil
        let parameters = try parameters
        do throws(ScoringError) {
            let classes = try arrived.classes(by: parameters.labels.rule)
            labels = arrived
            // A rule may make another number of classes of those that one-hot labels have.
            return ProbabilityDemand(
                labels: classes, labelClassCount: parameters.labels.rule == nil ? labelClassCount : nil,
                parameters: parameters)
        } catch {
            throw Problem(error)
        }
    }
}

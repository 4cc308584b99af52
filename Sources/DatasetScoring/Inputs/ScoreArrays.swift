package import Codecs
import Files
package import Memory
package import Scoring
package import ServiceInterface
package import WebService

/// Takes `labels`, and `pred_probs`, `logits` or what they were reduced to, in any order, and makes scored pixels of them.
package final class ScoreArrays: RequestInputs {
    package let arrays: [ScoringError.Array] = [.labels] + Predictions.arrays

    package var parameterNames: [String] { arriving.names }

    private let places: ScoringPlaces
    private var arriving: ArrivingParameters

    /// The shape in which `labels` come; nil until it is known.
    private var labelsShape: [Int]?
    /// Hands over the labels once all of them have come.
    private var finishLabels: (() -> ArrivedLabels)?
    /// The labels that come as single images, until they are complete.
    private var labelImages: LabelStack?
    /// Whether labels came as single images, and so are classes.
    private var areLabelsImages = false
    private var labels: ArrivedLabels?
    private var source: (any ProbabilitySource)?
    /// The files that stand for arrays.
    private var files: [ScoringError.Array: FileArray] = [:]
    /// The folders that stand for arrays.
    private var folders: [ScoringError.Array: ImageFolder] = [:]
    /// Whether folders may stand for arrays.
    private let takesFolders: Bool
    package let pictures: ArrivingPictures?
    /// The names of what the body held besides the arrays.
    private var ignored: [String] = []

    /// - Parameters:
    ///   - places: The limits and directories of the scoring.
    ///   - parameters: The parameters that do not stand in the body.
    ///   - takesFolders: Whether folders may stand for arrays, in which case whoever has these asks for
    ///     ``folderPair``.
    ///   - pictures: Takes pictures; nil if none are taken. Whoever takes some asks for ``keptPictures(_:)``.
    package init(
        _ places: ScoringPlaces, parameters: Parameters, takesFolders: Bool = false, pictures: ArrivingPictures? = nil
    ) {
        self.pictures = pictures
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

    /// K; nil until both headers have been read, or the client has named it. It stays nil for arrays that do not match,
    /// which is found when they are put together.
    package var classCount: Int? {
        guard let predictions else { return nil }
        // A parameter that is not allowed is reported where ``parameters`` is read.
        return shape?.classCount ?? (try? parameters).flatMap { $0.classCount }
            ?? (predictions.layout.shape.count == 4 && !predictions.array.isReduced && labelsShape == nil
                ? predictions.layout.shape[1] : nil)
    }

    /// The notes for the client, once the arrays have become pixels.
    package func notes(on pixels: borrowing ScoredPixels) -> InputNotes {
        InputNotes(clampedCount: pixels.clampedCount, ignored: ignored)
    }

    /// The pictures that came beside the arrays, once all have come; nil if there are none. Images are called as their
    /// files are, if the client has named neither.
    ///
    /// - Throws: A 400 problem if files of pictures are named besides; 503 if memory is short.
    package func keptPictures(_ parameters: inout ScoreParameters) throws(Problem) -> KeptPictures? {
        guard let pictures, let kept = pictures.kept else { return nil }
        guard parameters.images == nil else {
            throw Problem(
                .repeatedParameter, "images name files, and have come with the request too.",
                parameter: Picture.parameter, expected: "one of both", actual: "both")
        }
        if let names = pictures.names { try parameters.nameImages(names) }
        return kept
    }

    // MARK: - From the body

    package func set(_ parameter: String, _ value: String) throws(Problem) { try arriving.set(parameter, value) }

    package func passOver(_ name: String) { ignored.append(name) }

    package func refer(_ array: ScoringError.Array, to file: String) throws(Problem) {
        try checkIsOnlyFile(array)
        files[array] = try places.dataDirectories.file(file, for: array)
    }

    package func refer(
        _ array: ScoringError.Array, toMemory text: String, of client: IncomingRequest.Process?
    ) throws(Problem) {
        try checkIsOnlyFile(array)
        guard places.readsClients else {
            throw .memoryUnreadable("this server was not started with --allow-client-memory").found(in: array)
        }
        guard let client else { throw .memoryUnreadable("the client has connected by no Unix socket").found(in: array) }
        let pieces = try ClientPiece.list(text, of: array)
        do throws(FileError) {
            let process = try FileError.ofClient { () throws(ForeignProcess.Refusal) in try client() }
            files[array] = FileArray(file: try InputFile(pieces, of: process), member: nil)
        } catch {
            throw Problem(error).found(in: array)
        }
    }

    private func checkIsOnlyFile(_ array: ScoringError.Array) throws(Problem) {
        if array != .labels, let other = fileOfPredictions?.array, !(other.isReduced && array.isReduced) {
            throw .twice(other, array)
        }
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

    /// Begins labels. Predictions that have begun before tell whether these are one-hot; else it stays open until their
    /// header comes.
    private func beginLabels(
        _ layout: TensorLayout, _ parameters: ScoreParameters
    ) throws(Problem) -> any ArrayAccumulator {
        labelsShape = layout.shape
        let (limit, rule) = (places.maxPixels, parameters.labels.rule)
        do throws(ScoringError) {
            let axes = predictions.flatMap { try? self.axes(of: layout.shape, $0, parameters) }?.axes
            if let axes, axes.areOneHot {
                let accumulator = try OneHotAccumulator(
                    layout: layout, hasImageAxis: axes.hasImageAxis, pixelLimit: limit)
                finishLabels = { ArrivedLabels(accumulator) }
                return accumulator
            }
            if axes == nil, UndecidedLabels.takes(layout) {
                let accumulator = try UndecidedLabels(layout: layout, pixelLimit: limit, rule: rule)
                finishLabels = { accumulator.finish() }
                return accumulator
            }
            let accumulator = try LabelAccumulator(layout: layout, pixelLimit: limit, rule: rule)
            finishLabels = { accumulator.finish() }
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
        areLabelsImages = true
        findShape()
    }

    private func findShape() {
        // A parameter that is not allowed is reported where ``parameters`` is read.
        guard let labelsShape, let predictions, let parameters = try? parameters else { return }
        do throws(ScoringError) {
            let reading = try axes(of: labelsShape, predictions, parameters)
            if let found = try reading.shape(predictions, parameters) { shape = found }
        } catch {
            // The client is told when the arrays are scored, which throws the same error.
        }
    }

    /// Reads the axes of labels that come in a shape, and of predictions.
    private func axes(
        of labels: [Int], _ predictions: Predictions, _ parameters: ScoreParameters
    ) throws(ScoringError) -> AxesOfArrays {
        try AxesOfArrays(labels: labels, areImages: areLabelsImages, predictions, parameters)
    }

    package func end(_ array: ScoringError.Array) throws(Problem) {
        guard array == .labels else { return }
        labels = finishLabels?()
        finishLabels = nil
    }

    // MARK: - Sources

    /// Chooses the source for predictions that come with the request.
    ///
    /// - Throws: A problem with the layout, or with labels and layout together.
    private func makeSource(
        _ predictions: Predictions, _ parameters: ScoreParameters, parametersAreKnown: Bool
    ) throws(Problem) -> any ProbabilitySource {
        // If a parameter behind the labels has changed what they stand for, a worker looks at all of them again.
        if let labels, parametersAreKnown {
            let reading: AxesOfArrays
            do throws(ScoringError) {
                reading = try axes(of: labels.shape, predictions, parameters)
            } catch {
                throw predictions.problem(error)
            }
            let read = predictions.read(reading.axes, parameters)
            if labels.areMapped(by: parameters.labels.rule, as: reading.labels),
                !isWorthWaiting(for: read, of: reading.labels.shape, parameters),
                try StreamedProbabilities.canTake(read, parameters)
            {
                return try StreamedProbabilities(predictions, for: demand(on: predictions))
            }
        }
        return try SpooledProbabilities(
            predictions, labels: labelsShape, parameters, parametersAreKnown: parametersAreKnown, in: places)
    }

    /// Whether predictions had better arrive in whole before they are scored. If there are far fewer values than are made
    /// of them, that takes longer than they take to arrive, and several processors can share it.
    private func isWorthWaiting(
        for predictions: Predictions, of labels: LabelShape, _ parameters: ScoreParameters
    ) -> Bool {
        guard places.processors > 1, parameters.sampling.sampling.interpolation != nil else { return false }
        let classCount = predictions.shape(parameters, labels: labels.plain)[1]
        return labels.pixelCount / 4 >= predictions.layout.elementCount / classCount
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
            guard probabilities.predictions.classCountOfBands(parameters, labels: labelsShape) != nil else {
                predictions = probabilities.predictions
                source = probabilities
                findShape()
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
        joinLabelImages()
        guard labels != nil else { throw .missing(.labels, beside: ignored) }
        let parameters = try parameters
        for array in Predictions.arrays { files[array]?.labelsOfImage = labelsShape }
        if let (array, file) = fileOfPredictions {
            try array.isReduced ? takeReduced() : take(file, of: array, parameters)
        }
        _ = try (source as? ReducedProbabilities)?.require(parameters)
        guard let source, let predictions else { throw .missing(.predictedProbabilities, beside: ignored) }
        let demand = try demand(on: predictions)
        (labels, self.source) = (nil, nil)
        return try source.pixels(for: demand) { _ in !isCancelled() }
    }

    /// The demand on predictions, once the labels are there.
    ///
    /// - Throws: A 400 problem if there are no labels; 422 if both arrays do not go together, or if the parameters do not
    ///   tell what a label stands for.
    func demand(on predictions: Predictions) throws(Problem) -> ProbabilityDemand {
        joinLabelImages()
        guard var arrived = labels else { throw .missing(.labels, beside: ignored) }
        // There is one owner of the labels, so that what is no longer needed of them is free.
        labels = nil
        let parameters = try parameters
        do throws(ScoringError) {
            let reading = try axes(of: arrived.shape, predictions, parameters)
            let classes = try arrived.classes(by: parameters.labels.rule, as: reading.labels)
            labels = arrived
            // A rule may make another number of classes of those that one-hot labels have.
            return ProbabilityDemand(
                labels: classes, axes: reading.axes,
                labelClassCount: parameters.labels.rule == nil ? reading.labels.classCount : nil,
                parameters: parameters)
        } catch {
            throw predictions.problem(error)
        }
    }
}

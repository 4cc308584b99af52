import Files
import HTTPTypes
import Memory
package import Scoring
import Synchronization
import Threads
package import WebService

/// The images of two folders, one of labels and one of predictions, each in files of its own and of a size of its own.
package struct FolderImages: Sendable {
    /// What the images are called, in their order.
    package let names: NameList

    private let labels: ImageFolder
    private let predictions: ImageFolder
    private let files: ImagePairs

    /// Lists the folders.
    ///
    /// - Throws: A 422 problem if a folder cannot be used, or if a file has no partner; 503 if memory is short.
    package init(labels: ImageFolder, predictions: ImageFolder) throws(Problem) {
        files = try ImagePairs(labels, predictions)
        (self.labels, self.predictions) = (labels, predictions)
        do throws(MemoryError) {
            names = try NameList(files.pairs.map(\.labels.name))
        } catch {
            throw Problem(error)
        }
    }

    package var count: Int { files.pairs.count }

    /// The notes on the folders themselves.
    package var notes: InputNotes { InputNotes(ignored: files.others) }

    /// An image that has been read.
    package struct Image: Sendable {
        package let index: Int
        package let pixels: ScoredPixels
        package let notes: InputNotes
    }

    /// Reads all images, several at once.
    ///
    /// - Parameters:
    ///   - parameters: The parameters of all images.
    ///   - places: The limits of each image, and how many processors read.
    ///   - isCancelled: Is asked at least once per image.
    ///   - take: Takes each image as soon as it is read, in any order. Calls overlap.
    /// - Returns: Whether all images were read and taken.
    /// - Throws: A problem with a file, which it names, or what `take` throws; of several problems that of the first
    ///   image.
    package func read(
        _ parameters: ScoreParameters, in places: ScoringPlaces, isCancelled: () -> Bool,
        _ take: @Sendable (Image) throws(Problem) -> Void
    ) throws(Problem) -> Bool {
        let named = parameters.named
        // The first image, on all processors, says of how many classes the others have to be.
        guard let first = try image(0, named, places, isCancelled) else { return false }
        let kind = Kind(first.pixels)
        try naming(0) { () throws(Problem) in try take(first) }
        let lanes = min(places.processors, count - 1)
        guard lanes > 0 else { return true }
        let each = places.with(processors: max(places.processors / lanes, 1))
        let state = Mutex(State(next: 1, count: count))
        @Sendable func work(_ isCancelled: () -> Bool) {
            while let index = state.withLock({ $0.take() }) {
                do throws(Problem) {
                    let image = try image(index, named, each) { isCancelled() || state.withLock { $0.isEnded } }
                    guard let image, !isCancelled() else { return state.withLock { $0.isEnded = true } }
                    try check(image, kind)
                    try naming(index) { () throws(Problem) in try take(image) }
                    state.withLock { $0.done += 1 }
                } catch {
                    state.withLock { $0.fail(at: index, error) }
                }
            }
        }
        Lanes.perform(lanes) {
            work(isCancelled)
        } others: { _ in
            work { false }
        }
        return try state.withLock { (state) throws(Problem) in
            if let failure = state.failure { throw failure.problem }
            return state.done == count - 1
        }
    }

    private func image(
        _ index: Int, _ parameters: Parameters, _ places: ScoringPlaces, _ isCancelled: () -> Bool
    ) throws(Problem) -> Image? {
        try naming(index) { () throws(Problem) in
            let pair = files.pairs[index]
            let arrays = ScoreArrays(places, parameters: parameters)
            try refer(arrays, to: try labels.open(pair.labels), [.labels])
            try refer(arrays, to: try predictions.open(pair.predictions), predictions.arrays)
            guard let pixels = try arrays.complete(isCancelled: isCancelled) else { return nil }
            return Image(index: index, pixels: pixels, notes: arrays.notes(on: pixels))
        }
    }

    private func refer(
        _ inputs: ScoreArrays, to file: InputFile, _ arrays: [ScoringError.Array]
    ) throws(Problem) {
        var (array, found) = FileArray.find(arrays, in: file, takesOnlyMember: true)
        found.isOfOneImage = true
        inputs.refer(array, to: found)
    }

    /// Has problems with an image name its file, or both of its files.
    private func naming<Result>(_ index: Int, _ body: () throws(Problem) -> Result) throws(Problem) -> Result {
        do throws(Problem) {
            return try body()
        } catch {
            // Faults of the machine, and what is kept of all images together, are none of this one.
            guard (400..<500).contains(error.status.code), error.type != .jobTooLarge else { throw error }
            let (mask, output) = (path(of: index, in: labels), path(of: index, in: predictions))
            guard let array = error.parameter.flatMap(ScoringError.Array.init), error.type != .shapeMismatch else {
                throw error.found(at: "\(mask), \(output)")
            }
            let path = array == .labels ? mask : output
            throw error.detail.contains(path) ? error : error.found(at: path)
        }
    }

    private func path(of index: Int, in folder: ImageFolder) -> String {
        let pair = files.pairs[index]
        return folder.text(of: folder.array == .labels ? pair.labels : pair.predictions)
    }

    /// Proves that an image goes together with the first.
    private func check(_ image: Image, _ kind: Kind) throws(Problem) {
        let found = Kind(image.pixels)
        guard found != kind else { return }
        let (here, first) = (path(of: image.index, in: predictions), path(of: 0, in: predictions))
        throw Problem(
            .folderUnusable,
            "All images need as many classes and scores of one type: \(here) has \(found), \(first) \(kind).",
            parameter: predictions.array.rawValue, expected: "\(kind)", actual: "\(found)")
    }
}

extension FolderImages {
    /// What all images of a data set have in common.
    private struct Kind: Equatable, CustomStringConvertible {
        private let classCount: Int
        private let hasFloat64: Bool

        init(_ pixels: borrowing ScoredPixels) {
            classCount = pixels.shape.classCount
            hasFloat64 = pixels.elementType.scalar == .float64
        }

        var description: String { "\(classCount) classes, \(hasFloat64 ? "float64" : "float32 or less")" }
    }

    private struct State {
        var next: Int
        let count: Int
        var done = 0
        var isEnded = false
        private(set) var failure: (image: Int, problem: Problem)?

        init(next: Int, count: Int) {
            (self.next, self.count) = (next, count)
        }

        /// Takes the next image. They are taken in order, so that if one fails, all before it have been taken.
        mutating func take() -> Int? {
            guard !isEnded, next < count else { return nil }
            defer { next += 1 }
            return next
        }

        mutating func fail(at image: Int, _ problem: Problem) {
            isEnded = true
            if image < failure?.image ?? .max { failure = (image, problem) }
        }
    }
}

extension ImageFolder {
    /// The arrays that a file of the folder may hold. A member that is called logits holds logits, whatever the folder
    /// is of.
    fileprivate var arrays: [ScoringError.Array] { [array] + Predictions.arrays.filter { $0 != array } }
}

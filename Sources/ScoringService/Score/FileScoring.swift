import Foundation
import Scoring
import Synchronization
import TensorCodecs
import Tensors

/// Scores two npy files as `POST /score` scores two arrays.
package struct FileScoring {
    private let labels: InputFile
    private let predictedProbabilities: InputFile

    /// What was wrong, and with which file, if with one.
    package struct Failure: Error {
        package let path: String?
        package let problem: Problem
    }

    /// - Throws: ``Failure`` where a file cannot be opened.
    package init(labels: String, predictedProbabilities: String) throws(Failure) {
        self.labels = try Self.open(labels)
        self.predictedProbabilities = try Self.open(predictedProbabilities)
    }

    /// Scores all images.
    ///
    /// - Parameters:
    ///   - parameters: As `POST /score` takes them, by their names on the wire.
    ///   - processors: How many threads read `pred_probs` and go over the images.
    ///   - progress: Called with the share of the work that is done, in `[0, 1]`, by one thread at a time.
    /// - Throws: ``Failure`` for whatever is wrong with the parameters or the arrays.
    package func score(
        parameters values: [String: String], processors: Int, progress: @escaping @Sendable (Double) -> Void
    ) throws(Failure) -> FileScores {
        let parameters = try Self.parameters(values)
        let arrays = ScoreArrays(
            Service.Configuration(
                maxBodyBytes: .max, maxJSONBytes: .max, maxPixels: .max,
                spoolDirectory: FileManager.default.temporaryDirectory.path),
            parameters: parameters)
        do throws(Problem) {
            try readLabels(into: arrays)
        } catch {
            throw Failure(path: labels.path, problem: error)
        }
        do throws(Problem) {
            let pixels = try readProbabilities(arrays, processors: processors) { progress(0.9 * $0) }
            let total = Double(pixels.shape.imageCount)
            let settings = try ScoreParameters(parameters)
            let scores = try settings.score(consume pixels, on: ImageLoop(processors: processors)) { done in
                progress(0.9 + 0.1 * Double(done) / total)
                return true
            }
            guard let scores else { preconditionFailure("nobody cancels") }
            return FileScores(scores: scores, threshold: settings.threshold)
        } catch {
            let isOfLabels = error.parameter == ScoringError.Array.labels.rawValue
            throw Failure(path: isOfLabels ? labels.path : predictedProbabilities.path, problem: error)
        }
    }

    /// - Throws: ``Failure`` for a value that is not allowed.
    private static func parameters(_ values: [String: String]) throws(Failure) -> Parameters {
        let parameters: Parameters
        do throws(Problem) {
            parameters = try Parameters(values)
            try ScoreParameters(parameters).check()
        } catch {
            throw Failure(path: nil, problem: error)
        }
        return parameters
    }

    private func readLabels(into arrays: ScoreArrays) throws(Problem) {
        let intake = ArrayIntake(arrays)
        var part = NpyPart(try intake.open(ScoringError.Array.labels.rawValue), intake, byteLimit: .max)
        try Self.read(labels, 0..<labels.byteCount) { (bytes) throws(Problem) in try part.receive(bytes) }
        try part.finish()
    }

    private static func read(
        _ file: InputFile, _ range: Range<Int>, _ body: (borrowing Span<UInt8>) throws(Problem) -> Void
    ) throws(Problem) {
        let buffer: Buffer<UInt8>
        do throws(TensorError) {
            buffer = try Buffer(uninitialized: 1 << 20)
        } catch {
            throw Problem(error)
        }
        try file.read(range, through: buffer, or: Problem.init) { (bytes, _) throws(Problem) in try body(bytes) }
    }

    /// Reads `pred_probs`: only what labels name, where that is enough.
    ///
    /// - Parameters:
    ///   - progress: Called with the share that is done.
    /// - Throws: What is wrong with an array, or with both together.
    private func readProbabilities(
        _ arrays: ScoreArrays, processors: Int, progress: (Double) -> Void
    ) throws(Problem) -> ScoredPixels {
        let (layout, offset) = try readHeader()
        let reader = BandReader(file: predictedProbabilities, offset: offset)
        if let own = try arrays.makeOwnProbabilities(layout) {
            // The images behind it; within one, classes are read back and forth.
            let byteCount = layout.byteCount / own.shape.imageCount
            try read(try Self.bands { () throws(ScoringError) in try own.bands(processors) }, by: reader) { piece in
                progress(Double(piece.bytes.lowerBound / byteCount) / Double(own.shape.imageCount))
            }
            return own.finish()
        }
        let accumulator = try arrays.makeAccumulator(layout)
        let bands = try Self.bands { () throws(ScoringError) in try accumulator.bands(processors) }
        var done = 0
        try read(bands, by: reader) { piece in
            done += piece.bytes.count
            progress(min(Double(done * bands.count) / Double(layout.byteCount), 1))
        }
        return accumulator.finish()
    }

    private static func bands<Band>(_ make: () throws(ScoringError) -> [Band]) throws(Problem) -> [Band] {
        do throws(ScoringError) {
            return try make()
        } catch {
            throw Problem(error)
        }
    }

    /// Reads bands, on a thread each.
    ///
    /// - Parameters:
    ///   - progress: Called with what the first band has read, which stands for all of them.
    /// - Throws: The problem of the first band that has one.
    private func read<Band: FileBand>(
        _ bands: [Band], by reader: BandReader, progress: (FilePieces.Piece) -> Void
    ) throws(Problem) {
        let problems = Mutex<[Int: Problem]>([:])
        let others = DispatchGroup()
        for (index, band) in bands.enumerated().dropFirst() {
            DispatchQueue.global().async(group: others) {
                do throws(Problem) {
                    _ = try reader.read(into: band) { _ in true }
                } catch {
                    problems.withLock { $0[index] = error }
                }
            }
        }
        do throws(Problem) {
            _ = try reader.read(into: bands[0]) { piece in
                progress(piece)
                return true
            }
        } catch {
            problems.withLock { $0[0] = error }
        }
        others.wait()
        if let problem = problems.withLock({ $0.min { $0.key < $1.key }?.value }) { throw problem }
    }

    /// The layout of `pred_probs`, and where in the file its elements begin.
    private func readHeader() throws(Problem) -> (TensorLayout, offset: Int) {
        let file = predictedProbabilities
        var header = NpyHeaderReader()
        let longest = min(file.byteCount, 2 * NpyHeaderReader.textLimit)
        do throws(Problem) {
            try Self.read(file, 0..<longest) { (bytes) throws(Problem) in
                do throws(CodecError) {
                    _ = try header.read(bytes)
                } catch {
                    throw Problem(error)
                }
            }
            do throws(CodecError) {
                try header.finish()
                guard let layout = header.layout else { preconditionFailure("a finished header has a layout") }
                let rest = file.byteCount - header.byteCount
                guard rest >= layout.byteCount else { throw .truncated(expected: layout.byteCount, actual: rest) }
                guard rest == layout.byteCount else { throw .trailingBytes }
                return (layout, header.byteCount)
            } catch {
                throw Problem(error)
            }
        } catch {
            throw error.found(in: .predictedProbabilities)
        }
    }

    private static func open(_ path: String) throws(Failure) -> InputFile {
        do throws(TensorError) {
            return try InputFile(path: path)
        } catch {
            throw Failure(path: path, problem: Problem(error))
        }
    }
}

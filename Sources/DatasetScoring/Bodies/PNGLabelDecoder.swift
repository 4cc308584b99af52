import Codecs
import Files
import Memory
import Scoring
import WebService

/// Decodes a PNG image that holds the labels of one image. Every problem with the file names the image.
struct PNGLabelDecoder {
    private let decoder: PNGDecoder<LabelImageReceiver>
    /// Says in a sentence which image it is; nil if whoever has the file tells.
    private let place: String?

    /// - Parameters:
    ///   - index: The index of the image among those of the labels; nil if problems need not tell it.
    ///   - name: The name of the file, if it is known.
    /// - Throws: A 400 problem if a parameter has a value that is not allowed; 503 if memory is short.
    init(_ index: Int?, name: String?, of inputs: any RequestInputs) throws(Problem) {
        decoder = try PNGDecoder(receiver: LabelImageReceiver(inputs), colours: try inputs.colours)
        place = index.map { "This is image \($0) of labels" + (name.map { ", " + $0.prefix(100) } ?? "") + "." }
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        do throws(Problem) {
            try decoder.decode(bytes)
        } catch {
            throw placed(error)
        }
    }

    func finish() throws(Problem) {
        do throws(Problem) {
            try decoder.finish()
        } catch {
            throw placed(error)
        }
    }

    private func placed(_ problem: Problem) -> Problem {
        let found = problem.found(in: .labels)
        return place.map(found.explained) ?? found
    }

    /// Whether a file begins as PNG images do.
    static func isImage(_ file: InputFile) -> Bool {
        let signature = PNGDecoder<LabelImageReceiver>.signature
        return file.beginning(signature.count) == signature
    }
}

/// Takes one image from its decoder, and passes its labels on to the inputs of the request.
private final class LabelImageReceiver: ArrayReceiver {
    private let inputs: any RequestInputs
    private var accumulator: (any ArrayAccumulator)?

    init(_ inputs: any RequestInputs) {
        self.inputs = inputs
    }

    func begin(_ layout: TensorLayout, at offset: Int) throws(Problem) {
        accumulator = try inputs.beginLabelImage(layout)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        do throws(ScoringError) {
            try accumulator?.receive(bytes)
        } catch {
            throw Problem(error)
        }
    }

    func end() throws(Problem) {
        accumulator = nil
        inputs.endLabelImage()
    }
}

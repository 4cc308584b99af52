import Codecs
import HTTPTypes
package import Memory
package import Scoring
package import WebService

/// An array of an answer: its layout, and the memory in which its elements lie.
package struct ArrayAnswer: Sendable {
    /// The elements, by the type in which they lie in memory.
    package enum Elements: Sendable {
        case scores(PixelScores)
        case numbers(Buffer<Double>)
        case indices(Buffer<Int64>)
        case mask(Buffer<UInt8>)
        case classes(ClassCodes)
    }

    /// A range of elements that lie together in memory.
    package struct Piece: Sendable {
        /// The elements, of which a range belongs to the array.
        package let elements: Elements
        /// The range, in elements.
        package let range: Range<Int>
    }

    /// The shape and element type of the array.
    package let layout: TensorLayout

    /// The pieces of the array, at least one. If there are several, each holds a range of the array's first dimension,
    /// in order.
    package let pieces: [Piece]

    /// The owners of the elements' memory, each with the bytes of it that belong to the array.
    package var bytes: [(owner: any StableBytes, range: Range<Int>)] {
        let size = layout.elementType.scalar.byteCount
        return pieces.map { piece in
            let range = piece.range.lowerBound * size..<piece.range.upperBound * size
            return switch piece.elements {
            case .scores(let scores): (scores.storage, range)
            case .numbers(let numbers): (numbers, range)
            case .indices(let indices): (indices, range)
            case .mask(let mask): (mask, range)
            case .classes(let codes): (codes.storage, range)
            }
        }
    }

    /// The array as an npy file, without a copy of its elements.
    ///
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)`` if there is no memory for the header.
    func npy() throws(MemoryError) -> [(owner: any StableBytes, range: Range<Int>)] {
        let header = try Buffer(NpyEncoder.header(for: layout))
        return [(header, 0..<header.count)] + bytes
    }

    private init(_ scalar: ElementType.Scalar, _ shape: [Int], _ pieces: [Piece]) {
        // The product of the extents cannot overflow: it was checked when the arrays were made.
        guard let layout = try? TensorLayout(elementType: ElementType(scalar), shape: shape) else {
            preconditionFailure("an array in memory has a shape that fits")
        }
        precondition(layout.elementCount == pieces.reduce(0) { $0 + $1.range.count })
        self.layout = layout
        self.pieces = pieces
    }

    /// The image scores, `(N,)`, float64.
    static func imageScores(of scores: DatasetScores) -> ArrayAnswer {
        let pieces = scores.parts.map { Piece(elements: .numbers($0.imageScores), range: 0..<$0.imageScores.count) }
        return ArrayAnswer(.float64, [scores.imageCount], pieces)
    }

    /// The pixel scores, in the shape of labels, or in that of one image; float32 or float64.
    ///
    /// - Parameters:
    ///   - image: The index of an image; nil for all images, which then have to be of one size.
    /// - Throws: A 400 problem if there is no such image.
    static func pixelScores(of scores: DatasetScores, image: Int? = nil) throws(Problem) -> ArrayAnswer {
        let selection = try Selection(image, of: scores)
        let scalar = scores.parts[0].pixelScores.elementType.scalar
        return ArrayAnswer(
            scalar, selection.shape,
            selection.parts.map { Piece(elements: .scores($0.scores.pixelScores), range: $0.pixels) })
    }

    /// The pixels whose scores are below a threshold, in the shape of labels, or in that of one image; Bool.
    ///
    /// - Parameters:
    ///   - image: The index of an image; nil for all images, which then have to be of one size.
    ///   - classIndex: The class whose issues are wanted; nil for the issues of all classes.
    /// - Throws: A 400 problem if there is no such image or class; 404 if a class is named and the predicted classes
    ///   are not known; 503 if memory is short.
    static func issues(
        of scores: DatasetScores, threshold: Double, image: Int? = nil, classIndex: Int? = nil
    ) throws(Problem) -> ArrayAnswer {
        let issues = IssuesFromScores(threshold: threshold)
        return try mask(of: scores, image: image, classIndex: classIndex) { (part, pixels) throws(ScoringError) in
            Piece(elements: .mask(try issues.mask(part.pixelScores, pixels)), range: 0..<pixels.count)
        }
    }

    /// The label issues that confident learning found, in the shape of labels, or in that of one image; Bool.
    ///
    /// - Parameters:
    ///   - image: The index of an image; nil for all images, which then have to be of one size.
    ///   - classIndex: The class whose issues are wanted; nil for the issues of all classes.
    /// - Throws: A 400 problem if there is no such image or class; 404 if the method does not look for label issues, or
    ///   if a class is named and the predicted classes are not known; 503 if memory is short.
    static func labelIssues(
        of scores: DatasetScores, image: Int? = nil, classIndex: Int? = nil
    ) throws(Problem) -> ArrayAnswer {
        _ = try scores.requireStatistics()
        return try mask(of: scores, image: image, classIndex: classIndex) { (part, pixels) throws(ScoringError) in
            guard let issues = part.labelIssues else { preconditionFailure("all parts have label issues or none has") }
            return Piece(elements: .mask(issues.mask), range: pixels)
        }
    }

    /// A mask of the pixels of all images or of one, restricted to the issues of one class if a class is named.
    ///
    /// - Parameters:
    ///   - make: Makes the mask of some pixels of a part.
    private static func mask(
        of scores: DatasetScores, image: Int?, classIndex: Int?,
        _ make: (SegmentationScores, Range<Int>) throws(ScoringError) -> Piece
    ) throws(Problem) -> ArrayAnswer {
        let selection = try Selection(image, of: scores)
        if classIndex != nil { try scores.requirePredicted() }
        if let classIndex, !(0..<scores.classCount).contains(classIndex) {
            throw .invalidParameter(
                "class", expected: "a class from 0 to \(scores.classCount - 1)", actual: String(classIndex))
        }
        do throws(ScoringError) {
            let pieces = try selection.parts.map { (part, pixels) throws(ScoringError) in
                let piece = try make(part, pixels)
                guard let classIndex, case .mask(let mask) = piece.elements else { return piece }
                let issues = try part.issues(
                    ofClass: classIndex, among: mask.span.extracting(piece.range), pixels)
                return Piece(elements: .mask(issues), range: 0..<issues.count)
            }
            return ArrayAnswer(.bool, selection.shape, pieces)
        } catch {
            throw Problem(error)
        }
    }

    /// The given label of each pixel, in the shape of labels, or in that of one image; uint8 or uint16.
    ///
    /// - Parameters:
    ///   - image: The index of an image; nil for all images, which then have to be of one size.
    /// - Throws: A 400 problem if there is no such image.
    package static func given(of scores: DatasetScores, image: Int? = nil) throws(Problem) -> ArrayAnswer {
        try classes(try Selection(image, of: scores)) { (part) throws(Problem) in part.given }
    }

    /// The most probable class of each pixel, in the shape of labels, or in that of one image; uint8 or uint16.
    ///
    /// - Parameters:
    ///   - image: The index of an image; nil for all images, which then have to be of one size.
    /// - Throws: A 400 problem if there is no such image; 404 if the classes are not known.
    package static func predicted(of scores: DatasetScores, image: Int? = nil) throws(Problem) -> ArrayAnswer {
        try scores.requirePredicted()
        return try classes(try Selection(image, of: scores)) { (part) throws(Problem) in
            guard let predicted = part.predicted else { preconditionFailure("the classes of all parts are known") }
            return predicted
        }
    }

    private static func classes(
        _ selection: Selection, _ codes: (SegmentationScores) throws(Problem) -> ClassCodes
    ) throws(Problem) -> ArrayAnswer {
        let pieces = try selection.parts.map { (part, pixels) throws(Problem) in
            (codes: try codes(part), pixels: pixels)
        }
        return classes(pieces, shape: selection.shape)
    }

    /// Classes of pixels, uint8 or uint16.
    ///
    /// - Parameters:
    ///   - pieces: The codes of some images each, all of one width, and which of them belong to the array.
    ///   - shape: The shape of the array.
    package static func classes(_ pieces: [(codes: ClassCodes, pixels: Range<Int>)], shape: [Int]) -> ArrayAnswer {
        precondition(pieces.allSatisfy { $0.codes.isWide == pieces[0].codes.isWide })
        return ArrayAnswer(
            pieces[0].codes.isWide ? .uint16 : .uint8, shape,
            pieces.map { Piece(elements: .classes($0.codes), range: $0.pixels) })
    }

    /// A mask that was made before.
    ///
    /// - Parameters:
    ///   - mask: `(height, width)`, 1 at a marked pixel.
    package static func mask(_ mask: Buffer<UInt8>, height: Int, width: Int) -> ArrayAnswer {
        ArrayAnswer(.bool, [height, width], [Piece(elements: .mask(mask), range: 0..<mask.count)])
    }

    /// Marks the scores that are below a threshold.
    ///
    /// - Parameters:
    ///   - range: The scores to look at.
    ///   - shape: The shape of the mask, which has as many elements as the range.
    /// - Throws: A 503 problem if memory is short.
    package static func mask(
        _ scores: PixelScores, _ range: Range<Int>, shape: [Int], threshold: Double
    ) throws(Problem) -> ArrayAnswer {
        do throws(ScoringError) {
            let mask = try IssuesFromScores(threshold: threshold).mask(scores, range)
            return ArrayAnswer(.bool, shape, [Piece(elements: .mask(mask), range: 0..<range.count)])
        } catch {
            throw Problem(error)
        }
    }

    /// The arrays that pixels are reduced to, in the shape of labels: `own` and `largest`, float32 or float64, and
    /// `predicted`, uint8 or uint16.
    ///
    /// - Returns: The arrays with their names; nil if not all of them are known.
    package static func reduced(_ pixels: ScoredPixels) -> [(name: String, array: ArrayAnswer)]? {
        guard let (own, largest, predicted) = pixels.reduced else { return nil }
        let shape = pixels.shape.labels.dimensions
        let all = 0..<pixels.shape.pixelCount
        let scalar = pixels.elementType.scalar
        let arrays: [(ScoringError.Array, ElementType.Scalar, Elements)] = [
            (.own, scalar, .scores(own)), (.largest, scalar, .scores(largest)),
            (.predicted, predicted.isWide ? .uint16 : .uint8, .classes(predicted)),
        ]
        return arrays.map { array, scalar, elements in
            (array.rawValue, ArrayAnswer(scalar, shape, [Piece(elements: elements, range: all)]))
        }
    }

    /// An array of the indices of images, int64.
    ///
    /// - Throws: A 503 problem if memory is short.
    package static func indices(_ indices: [Int]) throws(Problem) -> ArrayAnswer {
        do throws(MemoryError) {
            let buffer = try Buffer<Int64>(uninitialized: indices.count)
            buffer.withMutableSpan { span in
                for index in indices.indices { span[index] = Int64(indices[index]) }
            }
            return ArrayAnswer(
                .int64, [indices.count], [Piece(elements: .indices(buffer), range: 0..<indices.count)])
        } catch {
            throw Problem(error)
        }
    }

    /// An array of numbers, float64.
    ///
    /// - Throws: A 503 problem if memory is short.
    static func numbers(_ numbers: [Double]) throws(Problem) -> ArrayAnswer {
        do throws(MemoryError) {
            let buffer = try Buffer(numbers)
            return ArrayAnswer(
                .float64, [numbers.count], [Piece(elements: .numbers(buffer), range: 0..<numbers.count)])
        } catch {
            throw Problem(error)
        }
    }

    /// Appends some elements of the array as they stand in nested lists; see ``JSONNumbers/append(_:at:of:to:)``.
    ///
    /// - Parameters:
    ///   - elements: The range of the elements in the array.
    ///   - shape: The shape of the array, or another one with as many elements.
    func appendJSON(_ elements: Range<Int>, shape: [Int], to text: inout [UInt8]) {
        var first = 0
        for piece in pieces {
            let end = first + piece.range.count
            let wanted = elements.clamped(to: first..<end)
            // Even an array without elements has brackets that must be written.
            if !wanted.isEmpty || layout.elementCount == 0 {
                let start = piece.range.lowerBound - first
                Self.append(
                    piece.elements, wanted.lowerBound + start..<wanted.upperBound + start, at: wanted.lowerBound,
                    shape: shape, to: &text)
            }
            first = end
        }
    }

    private static func append(
        _ elements: Elements, _ range: Range<Int>, at position: Int, shape: [Int], to text: inout [UInt8]
    ) {
        switch elements {
        case .scores(.float32(let scores)):
            JSONNumbers.append(scores.span.extracting(range), at: position, of: shape, to: &text)
        case .scores(.float64(let scores)):
            JSONNumbers.append(scores.span.extracting(range), at: position, of: shape, to: &text)
        case .numbers(let numbers):
            JSONNumbers.append(numbers.span.extracting(range), at: position, of: shape, to: &text)
        case .indices(let indices):
            JSONNumbers.append(indices.span.extracting(range), at: position, of: shape, to: &text)
        case .mask(let mask):
            JSONNumbers.append(mask: mask.span.extracting(range), at: position, of: shape, to: &text)
        case .classes(.narrow(let codes)):
            JSONNumbers.append(codes.span.extracting(range), at: position, of: shape, to: &text)
        case .classes(.wide(let codes)):
            JSONNumbers.append(codes.span.extracting(range), at: position, of: shape, to: &text)
        }
    }

    /// The pixels of all images, or of one.
    private struct Selection {
        let shape: [Int]
        let parts: [(scores: SegmentationScores, pixels: Range<Int>)]

        /// - Parameters:
        ///   - image: The index of an image; nil for all images, which then have to be of one size.
        /// - Throws: A 400 problem if there is no such image.
        init(_ image: Int?, of scores: DatasetScores) throws(Problem) {
            guard let image else {
                guard let dimensions = scores.dimensions else {
                    preconditionFailure("images of several sizes are no array")
                }
                shape = dimensions
                parts = scores.parts.map { ($0, 0..<$0.shape.pixelCount) }
                return
            }
            guard (0..<scores.imageCount).contains(image) else {
                throw .invalidParameter(
                    "image", expected: "an index from 0 to \(scores.imageCount - 1)", actual: String(image))
            }
            let (part, index) = scores.locate(image)
            let plane = part.shape.pixelsPerImage
            shape = part.shape.labels.space
            parts = [(part, index * plane..<(index + 1) * plane)]
        }
    }
}

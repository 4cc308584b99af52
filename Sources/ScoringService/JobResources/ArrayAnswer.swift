import HTTPTypes
import Scoring
import TensorCodecs
import Tensors

/// An array that is answered: its layout, and where its elements lie.
struct ArrayAnswer {
    enum Elements {
        case scores(PixelScores)
        case numbers(Buffer<Double>)
        case indices(Buffer<Int64>)
        case mask(Buffer<UInt8>)
    }

    let layout: TensorLayout
    let elements: Elements

    /// The elements that are answered: all of them, or one image's.
    let range: Range<Int>

    /// The memory that holds the elements, and the bytes of it that are answered.
    var bytes: (owner: any StableBytes, range: Range<Int>) {
        let size = layout.elementType.scalar.byteCount
        let range = range.lowerBound * size..<range.upperBound * size
        return switch elements {
        case .scores(let scores): (scores.storage, range)
        case .numbers(let numbers): (numbers, range)
        case .indices(let indices): (indices, range)
        case .mask(let mask): (mask, range)
        }
    }

    private init(_ scalar: ElementType.Scalar, _ shape: [Int], _ elements: Elements, _ range: Range<Int>) {
        // The shape is that of an array in memory, so its product was checked when that was made.
        guard let layout = try? TensorLayout(elementType: ElementType(scalar), shape: shape) else {
            preconditionFailure("an array in memory has a shape that fits")
        }
        precondition(layout.elementCount == range.count)
        self.layout = layout
        self.elements = elements
        self.range = range
    }

    static func imageScores(of scores: SegmentationScores) -> ArrayAnswer {
        let count = scores.imageScores.count
        return ArrayAnswer(.float64, [count], .numbers(scores.imageScores), 0..<count)
    }

    /// - Parameters:
    ///   - image: Nil for all images.
    /// - Throws: 400 where there is no such image.
    static func pixelScores(of scores: SegmentationScores, image: Int? = nil) throws(Problem) -> ArrayAnswer {
        let (shape, range) = try part(image, of: scores.shape)
        return ArrayAnswer(scores.pixelScores.elementType.scalar, shape, .scores(scores.pixelScores), range)
    }

    /// - Parameters:
    ///   - image: Nil for all images.
    ///   - classIndex: Nil for the issues of all classes.
    /// - Throws: 400 where there is no such image or class; 503 where memory is short.
    static func issues(
        of scores: SegmentationScores, threshold: Double, image: Int? = nil, classIndex: Int? = nil
    ) throws(Problem) -> ArrayAnswer {
        let (shape, range) = try part(image, of: scores.shape)
        let answer = try mask(scores.pixelScores, range, shape: shape, threshold: threshold)
        return try answer.ofClass(classIndex, scores, pixels: range)
    }

    /// - Parameters:
    ///   - image: Nil for all images.
    ///   - classIndex: Nil for the issues of all classes.
    /// - Throws: 400 where there is no such image or class; 404 where nobody looked for label issues; 503 where memory is
    ///   short.
    static func labelIssues(
        of scores: SegmentationScores, image: Int? = nil, classIndex: Int? = nil
    ) throws(Problem) -> ArrayAnswer {
        let (shape, range) = try part(image, of: scores.shape)
        let answer = ArrayAnswer(.bool, shape, .mask(try scores.requireLabelIssues().mask), range)
        return try answer.ofClass(classIndex, scores, pixels: range)
    }

    /// A mask's issues that involve a class; all of them where there is none.
    private func ofClass(
        _ classIndex: Int?, _ scores: SegmentationScores, pixels: Range<Int>
    ) throws(Problem) -> ArrayAnswer {
        guard let classIndex, case .mask(let mask) = elements else { return self }
        guard (0..<scores.shape.classCount).contains(classIndex) else {
            throw .invalidParameter(
                "class", expected: "a class from 0 to \(scores.shape.classCount - 1)", actual: String(classIndex))
        }
        do throws(ScoringError) {
            let issues = try scores.issues(ofClass: classIndex, among: mask.span.extracting(range), pixels)
            return ArrayAnswer(.bool, layout.shape, .mask(issues), 0..<issues.count)
        } catch {
            throw Problem(error)
        }
    }

    /// The mask of the scores in a range that are below a threshold.
    static func mask(
        _ scores: PixelScores, _ range: Range<Int>, shape: [Int], threshold: Double
    ) throws(Problem) -> ArrayAnswer {
        do throws(ScoringError) {
            let mask = try IssuesFromScores(threshold: threshold).mask(scores, range)
            return ArrayAnswer(.bool, shape, .mask(mask), 0..<range.count)
        } catch {
            throw Problem(error)
        }
    }

    /// Indices of images.
    static func indices(_ indices: [Int]) throws(Problem) -> ArrayAnswer {
        do throws(TensorError) {
            let buffer = try Buffer(indices.map(Int64.init))
            return ArrayAnswer(.int64, [indices.count], .indices(buffer), 0..<indices.count)
        } catch {
            throw Problem(error)
        }
    }

    /// Appends the array as nested lists.
    func appendJSON(to text: inout [UInt8]) {
        let shape = layout.shape
        switch elements {
        case .scores(.float32(let scores)):
            JSONNumbers.append(scores.span.extracting(range), shape: shape, to: &text)
        case .scores(.float64(let scores)):
            JSONNumbers.append(scores.span.extracting(range), shape: shape, to: &text)
        case .numbers(let numbers): JSONNumbers.append(numbers.span.extracting(range), shape: shape, to: &text)
        case .indices(let indices): JSONNumbers.append(indices.span.extracting(range), shape: shape, to: &text)
        case .mask(let mask): JSONNumbers.append(mask: mask.span.extracting(range), shape: shape, to: &text)
        }
    }

    private static func part(
        _ image: Int?, of shape: ScoringShape
    ) throws(Problem) -> (shape: [Int], range: Range<Int>) {
        guard let image else {
            return ([shape.imageCount, shape.height, shape.width], 0..<shape.pixelCount)
        }
        guard (0..<shape.imageCount).contains(image) else {
            throw .invalidParameter(
                "image", expected: "an index from 0 to \(shape.imageCount - 1)", actual: String(image))
        }
        let plane = shape.pixelsPerImage
        return ([shape.height, shape.width], image * plane..<(image + 1) * plane)
    }
}

extension SegmentationScores {
    /// - Throws: 404 where nobody looked for label issues.
    func requireLabelIssues() throws(Problem) -> LabelIssues {
        guard let labelIssues else {
            throw Problem(
                .notFound, "no-label-issues", "The method softmin finds no label issues.",
                expected: "a job of the method num_pixel_issues", actual: "softmin")
        }
        return labelIssues
    }
}

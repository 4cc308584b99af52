import Memory

@testable import Scoring

/// An array as a file holds it, made from values in C order.
struct FileArray {
    let layout: TensorLayout
    let bytes: [UInt8]

    init(layout: TensorLayout, bytes: [UInt8]) {
        self.layout = layout
        self.bytes = bytes
    }

    /// - Parameter values: In C order, whatever the order of the file.
    init(
        _ values: [LabelValue], shape: [Int], type: ElementType, order: TensorLayout.Order = .c
    ) throws {
        precondition(values.count == shape.reduce(1, *))
        layout = try TensorLayout(elementType: type, shape: shape, order: order)
        var bytes: [UInt8] = []
        for index in fileOrder(shape: shape, order: order) { append(values[index], as: type, to: &bytes) }
        self.bytes = bytes
    }

    init(_ values: [Double], shape: [Int], type: ElementType, order: TensorLayout.Order = .c) throws {
        try self.init(values.map { .real($0) }, shape: shape, type: type, order: order)
    }

    /// Calls `body` with the bytes, cut into chunks of a size; 0 for all at once.
    func forEachChunk<Failure: Error>(
        of size: Int, _ body: (borrowing Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        let size = size == 0 ? max(bytes.count, 1) : size
        for start in stride(from: 0, to: bytes.count, by: size) {
            try body(bytes.span.extracting(start..<min(start + size, bytes.count)))
        }
    }
}

extension FileArray {
    /// Brings the bands what they want, some elements at a time.
    func read(into bands: [some FileBand], elementsAtOnce: Int = 7) throws(ScoringError) {
        let step = elementsAtOnce * layout.elementType.scalar.byteCount
        for band in bands {
            for piece in band.pieces {
                for offset in stride(from: 0, to: piece.bytes.count, by: step) {
                    let start = piece.bytes.lowerBound + offset
                    let part = bytes.span.extracting(start..<min(start + step, piece.bytes.upperBound))
                    try band.receive(part, of: piece, at: offset)
                }
            }
        }
    }
}

/// The C-order index of each element, in the order in which a file holds them.
func fileOrder(shape: [Int], order: TensorLayout.Order) -> [Int] {
    let count = shape.reduce(1, *)
    guard order == .fortran else { return Array(0..<count) }
    return (0..<count).map { position in
        var rest = position
        var index = 0
        var stride = count
        for extent in shape {
            stride /= extent
            index += rest % extent * stride
            rest /= extent
        }
        return index
    }
}

/// Adds the bytes of one element.
private func append(_ value: LabelValue, as type: ElementType, to bytes: inout [UInt8]) {
    let real: Double
    let integer: Int64
    switch value {
    case .integer(let value): (real, integer) = (Double(value), value)
    case .unsigned(let value): (real, integer) = (Double(value), Int64(bitPattern: value))
    case .real(let value): (real, integer) = (value, Int64(exactly: value) ?? 0)
    }
    let bits: UInt64 =
        switch type.scalar {
        case .bool, .uint8, .int8, .int16, .int32, .int64, .uint16, .uint32, .uint64: UInt64(bitPattern: integer)
        case .float16: UInt64(Float16(real).bitPattern)
        case .bfloat16: UInt64(Float(rounded(real, to: .bfloat16)).bitPattern >> 16)
        case .float32: UInt64(Float(real).bitPattern)
        case .float64: real.bitPattern
        }
    let last = type.scalar.byteCount - 1
    for index in 0...last {
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * (type.isByteSwapped ? last - index : index))))
    }
}

/// What `value` is once it went through a float type.
func rounded(_ value: Double, to scalar: ElementType.Scalar) -> Double {
    switch scalar {
    case .float16: Double(Float16(value))
    case .bfloat16: roundedToBFloat16(value)
    case .float32: Double(Float(value))
    default: value
    }
}

/// The bfloat16 next to a value, found as one of the two whose bits stand next to those of the value.
private func roundedToBFloat16(_ value: Double) -> Double {
    guard value.isFinite else { return value }
    let near = Float(value).bitPattern & 0xFFFF_0000
    var nearest = Double(Float(bitPattern: near))
    for bits in [near &- 0x1_0000, near &+ 0x1_0000] {
        let other = Double(Float(bitPattern: bits))
        let (distance, least) = (abs(other - value), abs(nearest - value))
        if other.isFinite, distance < least || distance == least && bits >> 16 & 1 == 0 { nearest = other }
    }
    return nearest
}

/// The same numbers on every run.
struct Numbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64, of Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

let floatTypes: [ElementType] = [ElementType.Scalar.float16, .bfloat16, .float32, .float64].flatMap {
    [ElementType($0), ElementType($0, isByteSwapped: true)]
}

let allTypes: [ElementType] = ElementType.Scalar.allCases.flatMap { scalar in
    scalar.byteCount == 1 ? [ElementType(scalar)] : [ElementType(scalar), ElementType(scalar, isByteSwapped: true)]
}

let orders: [TensorLayout.Order] = [.c, .fortran]

extension ScoringShape {
    /// Matches the shape of `pred_probs` against that of labels `(N, H, W)`.
    init(labels: [Int], predictedProbabilities shape: [Int]) throws(ScoringError) {
        try self.init(labels: LabelShape(labels), predictedProbabilities: shape)
    }
}

extension LabelMap {
    /// Labels in C order, as an array of int32 brings them.
    ///
    /// - Parameter shape: That of `pred_probs`, `(N, K, H, W)`.
    static func reading(_ labels: [Int], _ shape: [Int]) throws -> LabelMap {
        try reading(
            FileArray(
                labels.map { .integer(Int64($0)) }, shape: [shape[0], shape[2], shape[3]], type: ElementType(.int32)))
    }

    /// The labels of an array.
    ///
    /// - Parameters:
    ///   - rule: What labels stand for.
    ///   - earlier: The rule that is known when they arrive.
    static func reading(
        _ array: FileArray, chunk: Int = 0, by rule: LabelRule? = nil, earlier: LabelRule? = nil
    ) throws -> LabelMap {
        let accumulator = try LabelAccumulator(layout: array.layout, pixelLimit: .max, rule: earlier)
        try array.forEachChunk(of: chunk) { bytes throws(ScoringError) in try accumulator.receive(bytes) }
        var arrived = accumulator.finish()
        return try arrived.classes(by: rule)
    }

    var codeValues: [Int] { codes.values }
}

extension ScoringError.Position {
    /// A pixel of images of two dimensions.
    init(pixel: Int, height: Int, width: Int) {
        self.init(image: pixel / width / height, row: pixel / width % height, column: pixel % width)
    }
}

extension ClassCodes {
    var values: [Int] { (0..<count).map { self[$0] } }
}

extension PixelScores {
    var values: [Double] {
        switch self {
        case .float32(let scores): scores.values.map { Double($0) }
        case .float64(let scores): scores.values
        }
    }
}

extension Buffer {
    var values: [Element] { span.indices.map { span[$0] } }
}

extension ConfidentLearning {
    /// The scores of one part.
    func score(
        _ pixels: ScoredPixels, on loop: ImageLoop = .serial,
        progress: @escaping @Sendable (Int) -> Bool = { _ in true }
    ) throws -> SegmentationScores? {
        try score([pixels], on: loop, progress: progress)?.first
    }
}

import CBlockFunctions
import Memory
import Scoring
import WebService

/// An array that the caller of a function lends for the time of the call.
///
/// Nothing that outlives the call keeps it: what is made of it is made anew.
@safe
struct LentArray {
    let name: String
    let layout: TensorLayout
    private let elements: UnsafeRawPointer

    /// - Throws: A 400 problem for a type that is unknown, or a shape that no array has.
    @unsafe
    init(_ array: segscore_array) throws(Problem) {
        let name = unsafe String(cString: array.name)
        let type = unsafe String(cString: array.type)
        guard let scalar = ElementType.Scalar(rawValue: type) else {
            throw .invalidParameter(name, expected: "elements of a type of numbers", actual: type)
        }
        let shape = unsafe (0..<Int(array.rank)).map { Int(unsafe array.shape[$0]) }
        do throws(MemoryError) {
            layout = try TensorLayout(elementType: ElementType(scalar), shape: shape)
        } catch {
            throw .invalidParameter(name, expected: "extents from 0 on whose product fits", actual: "\(shape)")
        }
        self.name = name
        unsafe elements = array.elements
    }

    /// Lends the bytes of all elements.
    func withBytes<Failure: Error>(_ body: (borrowing Span<UInt8>) throws(Failure) -> Void) throws(Failure) {
        let bytes = unsafe UnsafeRawBufferPointer(start: elements, count: layout.byteCount)
        try body(unsafe Span<UInt8>(_unsafeBytes: bytes))
    }

    /// The elements as float32 or float64.
    ///
    /// - Throws: A 400 problem if they are of another type.
    func scores() throws(Problem) -> PixelScores {
        switch layout.elementType.scalar {
        case .float32: .float32(try buffer())
        case .float64: .float64(try buffer())
        default: throw unfit("float32 or float64")
        }
    }

    /// The elements as classes.
    ///
    /// - Throws: A 400 problem if they are of another type than uint8 or uint16.
    func classes() throws(Problem) -> ClassCodes {
        switch layout.elementType.scalar {
        case .uint8: .narrow(try buffer())
        case .uint16: .wide(try buffer())
        default: throw unfit("uint8 or uint16")
        }
    }

    /// The elements of a mask.
    ///
    /// - Throws: A 400 problem if they are not bool.
    func mask() throws(Problem) -> Buffer<UInt8> {
        guard layout.elementType.scalar == .bool else { throw unfit("bool") }
        return try buffer()
    }

    /// The elements of a list of numbers.
    ///
    /// - Throws: A 400 problem if they are not float64.
    func numbers() throws(Problem) -> [Double] {
        guard layout.elementType.scalar == .float64 else { throw unfit("float64") }
        let buffer: Buffer<Double> = try buffer()
        let span = buffer.span
        return span.indices.map { span[$0] }
    }

    private func buffer<Element: BitwiseCopyable & Sendable>() throws(Problem) -> Buffer<Element> {
        guard unsafe UInt(bitPattern: elements) % UInt(MemoryLayout<Element>.alignment) == 0 else {
            throw unfit("elements that are aligned")
        }
        return unsafe Buffer(
            elements: UnsafeMutableRawPointer(mutating: elements), count: layout.elementCount, of: Lender.caller)
    }

    private func unfit(_ expected: String) -> Problem {
        .invalidParameter(name, expected: expected, actual: layout.elementType.scalar.rawValue)
    }

    /// Stands for the caller, who owns the elements.
    private final class Lender: Sendable {
        static let caller = Lender()
    }
}

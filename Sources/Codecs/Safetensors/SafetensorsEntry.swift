package import Memory

/// One tensor of a safetensors file, as the file's header describes it.
package struct SafetensorsEntry: Equatable, Sendable {
    package let name: String

    /// The place of the elements, counted in bytes from the end of the header.
    package let bytes: Range<Int>

    /// The element type in the format's own words, such as `BF16`.
    private let dtype: String

    /// The shape and element type; nil if the elements are of a type that arrays of labels, probabilities or scores
    /// cannot have.
    private let knownLayout: TensorLayout?

    /// - Throws: ``CodecError/shape(_:)``, or ``CodecError/tensorSize(name:expected:actual:)`` if the place is not as
    ///   large as the shape says. Tensors of unknown types can have any size, since nobody reads them.
    init(name: String, dtype: String, shape: [Int], bytes: Range<Int>) throws(CodecError) {
        self.name = name
        self.bytes = bytes
        self.dtype = dtype
        guard let type = ElementType(safetensors: dtype) else {
            knownLayout = nil
            return
        }
        let layout: TensorLayout
        do throws(MemoryError) {
            layout = try TensorLayout(elementType: type, shape: shape)
        } catch {
            throw .shape(error)
        }
        guard layout.byteCount == bytes.count else {
            throw .tensorSize(name: name, expected: layout.byteCount, actual: bytes.count)
        }
        knownLayout = layout
    }

    /// The shape and element type.
    ///
    /// - Throws: ``CodecError/tensorElementType(name:dtype:)`` if no array of this program has such elements.
    package func layout() throws(CodecError) -> TensorLayout {
        guard let knownLayout else { throw .tensorElementType(name: name, dtype: dtype) }
        return knownLayout
    }
}

extension ElementType {
    /// The element type of a name in the format, whose elements are little-endian; nil if no array of this program has
    /// such elements.
    fileprivate init?(safetensors dtype: String) {
        let scalar: Scalar
        switch dtype {
        case "BOOL": scalar = .bool
        case "I8": scalar = .int8
        case "I16": scalar = .int16
        case "I32": scalar = .int32
        case "I64": scalar = .int64
        case "U8": scalar = .uint8
        case "U16": scalar = .uint16
        case "U32": scalar = .uint32
        case "U64": scalar = .uint64
        case "F16": scalar = .float16
        case "BF16": scalar = .bfloat16
        case "F32": scalar = .float32
        case "F64": scalar = .float64
        default: return nil
        }
        self.init(scalar, isByteSwapped: 1.littleEndian != 1)
    }
}

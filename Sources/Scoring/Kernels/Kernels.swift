import CScoringKernels
import Memory

/// The calls into C. All pointers of this module live in this folder.
enum Kernels {
    /// The loops of the level that is in use.
    @unsafe
    static var loops: segscore_kernels { unsafe KernelLevel.current.loops }

    /// Elements in the machine's byte order, of which float16 and bfloat16 have become float32.
    ///
    /// A value exists only during the call that lends it, and looks at no byte outside its elements.
    @safe
    struct NativeElements {
        fileprivate let base: UnsafeRawPointer
        let type: segscore_scalar
        let count: Int

        /// Whether the elements are float64.
        var isDouble: Bool { type == SEGSCORE_FLOAT64 }

        /// The value of an element of a floating-point type.
        func doubleValue(at index: Int) -> Double {
            isDouble ? load(index, as: Double.self) : Double(load(index, as: Float.self))
        }

        func labelValue(at index: Int) -> LabelValue {
            switch type {
            case SEGSCORE_INT8: .integer(Int64(load(index, as: Int8.self)))
            case SEGSCORE_INT16: .integer(Int64(load(index, as: Int16.self)))
            case SEGSCORE_INT32: .integer(Int64(load(index, as: Int32.self)))
            case SEGSCORE_INT64: .integer(load(index, as: Int64.self))
            case SEGSCORE_UINT16: LabelValue(UInt64(load(index, as: UInt16.self)))
            case SEGSCORE_UINT32: LabelValue(UInt64(load(index, as: UInt32.self)))
            case SEGSCORE_UINT64: LabelValue(load(index, as: UInt64.self))
            case SEGSCORE_FLOAT16, SEGSCORE_BFLOAT16, SEGSCORE_FLOAT32, SEGSCORE_FLOAT64:
                LabelValue(doubleValue(at: index))
            default: LabelValue(UInt64(load(index, as: UInt8.self)))
            }
        }

        private func load<Value: BitwiseCopyable>(_ index: Int, as: Value.Type) -> Value {
            precondition(index < count)
            return unsafe base.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.size, as: Value.self)
        }

        @unsafe
        func pointer(at index: Int) -> UnsafeRawPointer {
            let size =
                switch type {
                case SEGSCORE_BOOL, SEGSCORE_INT8, SEGSCORE_UINT8: 1
                case SEGSCORE_INT16, SEGSCORE_UINT16: 2
                case SEGSCORE_INT64, SEGSCORE_UINT64, SEGSCORE_FLOAT64: 8
                default: 4
                }
            return unsafe base + index * size
        }
    }

    /// Lends whole elements in the machine's byte order: in place if they are in it already, else block by block from a
    /// copy.
    static func withNativeElements<Failure: Error>(
        _ bytes: borrowing Span<UInt8>, of type: ElementType,
        _ body: (NativeElements) throws(Failure) -> Void
    ) throws(Failure) {
        let size = type.scalar.byteCount
        let scalar = segscore_scalar(type.scalar)
        try unsafe bytes.withUnsafeBytes { (source) throws(Failure) in
            guard let base = source.baseAddress else { return }
            if !type.isByteSwapped && type.scalar != .float16 && type.scalar != .bfloat16 {
                try body(unsafe NativeElements(base: base, type: scalar, count: source.count / size))
                return
            }
            let block = 2048
            let scratch = UnsafeMutableRawPointer.allocate(byteCount: block * 8, alignment: 64)
            defer { unsafe scratch.deallocate() }
            var start = 0
            while start < source.count / size {
                let count = min(block, source.count / size - start)
                unsafe loops.to_native(base + start * size, scalar, type.isByteSwapped, count, scratch)
                try body(unsafe NativeElements(base: UnsafeRawPointer(scratch), type: scalar, count: count))
                start += count
            }
        }
    }

    /// Lends the first scores of some as elements.
    static func withElements<Failure: Error>(
        of scores: PixelScores, count: Int, _ body: (NativeElements) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(count <= scores.count)
        let floats = unsafe scores.pointer(at: 0)
        try body(
            unsafe NativeElements(
                base: UnsafeRawPointer(floats.start), type: floats.is_double ? SEGSCORE_FLOAT64 : SEGSCORE_FLOAT32,
                count: count))
        withExtendedLifetime(scores) {}
    }

    /// Lends what a conversion makes of elements, block by block.
    ///
    /// - Parameters:
    ///   - body: Called with a block and the number of elements ahead of it.
    static func withConvertedElements<Failure: Error>(
        _ elements: NativeElements, from index: Int, count: Int, by conversion: segscore_conversion,
        _ body: (NativeElements, Int) throws(Failure) -> Void
    ) throws(Failure) {
        try unsafe withBlocks(elements, from: index, count: count) { source, _, blockCount, out in
            unsafe loops.convert(source, blockCount, conversion, out)
        } lend: { (block, start) throws(Failure) in
            try body(block, start)
        }
    }

    /// Lends what a loop makes of elements, block by block.
    ///
    /// - Parameters:
    ///   - fill: Called with the first element of a block, the number of elements ahead of the block and in it, and the
    ///     memory for as many elements of the same type.
    ///   - lend: Called with a block and the number of elements ahead of it.
    static func withBlocks<Failure: Error>(
        _ elements: NativeElements, from index: Int, count: Int,
        _ fill: (UnsafeRawPointer, Int, Int, segscore_floats) -> Void,
        lend: (NativeElements, Int) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(index >= 0 && count >= 0 && index + count <= elements.count)
        let block = 2048
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: block * 8, alignment: 64)
        defer { unsafe scratch.deallocate() }
        for start in stride(from: 0, to: count, by: block) {
            let blockCount = min(block, count - start)
            unsafe fill(
                elements.pointer(at: index + start), start, blockCount,
                segscore_floats(start: scratch, is_double: elements.isDouble))
            try lend(
                unsafe NativeElements(base: UnsafeRawPointer(scratch), type: elements.type, count: blockCount), start)
        }
    }

    /// Proves that `count` elements from `first` on lie within an array.
    static func checkBounds(_ available: Int, _ first: Int, _ count: Int) {
        checkBounds(available, first, 1, count)
    }

    /// Proves that `count` elements from `first` on, `stride` apart, lie within an array.
    static func checkBounds(_ available: Int, _ first: Int, _ stride: Int, _ count: Int) {
        precondition(first >= 0 && count >= 0 && (count == 0 || first + (count - 1) * stride < available))
    }
}

extension PixelScores {
    /// The scores from an index on, for C.
    @unsafe
    func pointer(at index: Int) -> segscore_floats {
        switch self {
        case .float32(let scores):
            unsafe segscore_floats(start: scores.mutableElements + index, is_double: false)
        case .float64(let scores):
            unsafe segscore_floats(start: scores.mutableElements + index, is_double: true)
        }
    }
}

extension ClassCodes {
    /// The codes from an index on, for C.
    @unsafe
    func pointer(at index: Int) -> segscore_classes {
        switch self {
        case .narrow(let codes): unsafe segscore_classes(start: codes.mutableElements + index, is_wide: false)
        case .wide(let codes): unsafe segscore_classes(start: codes.mutableElements + index, is_wide: true)
        }
    }
}

extension segscore_scalar {
    fileprivate init(_ scalar: ElementType.Scalar) {
        self =
            switch scalar {
            case .bool: SEGSCORE_BOOL
            case .int8: SEGSCORE_INT8
            case .int16: SEGSCORE_INT16
            case .int32: SEGSCORE_INT32
            case .int64: SEGSCORE_INT64
            case .uint8: SEGSCORE_UINT8
            case .uint16: SEGSCORE_UINT16
            case .uint32: SEGSCORE_UINT32
            case .uint64: SEGSCORE_UINT64
            case .float16: SEGSCORE_FLOAT16
            case .bfloat16: SEGSCORE_BFLOAT16
            case .float32: SEGSCORE_FLOAT32
            case .float64: SEGSCORE_FLOAT64
            }
    }
}

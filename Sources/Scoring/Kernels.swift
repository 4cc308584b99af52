import CScoringKernels
import Tensors

/// The calls into C. All pointers of this module live in this file.
enum Kernels {
    /// Elements in the machine's byte order; float16 has become float32.
    ///
    /// Exists only during the call that lends it, and looks at no byte outside its elements.
    @safe
    struct NativeElements {
        fileprivate let base: UnsafeRawPointer
        fileprivate let type: segscore_scalar
        let count: Int

        /// The value of an element of a floating-point type.
        func doubleValue(at index: Int) -> Double {
            type == SEGSCORE_FLOAT64 ? load(index, as: Double.self) : Double(load(index, as: Float.self))
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
            case SEGSCORE_FLOAT16, SEGSCORE_FLOAT32, SEGSCORE_FLOAT64: LabelValue(doubleValue(at: index))
            default: LabelValue(UInt64(load(index, as: UInt8.self)))
            }
        }

        private func load<Value: BitwiseCopyable>(_ index: Int, as: Value.Type) -> Value {
            precondition(index < count)
            return unsafe base.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.size, as: Value.self)
        }

        fileprivate func pointer(at index: Int) -> UnsafeRawPointer {
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

    /// Lends whole elements in the machine's byte order: in place where they are so already, else block by block.
    static func withNativeElements<Failure: Error>(
        _ bytes: borrowing Span<UInt8>, of type: ElementType,
        _ body: (NativeElements) throws(Failure) -> Void
    ) throws(Failure) {
        let size = type.scalar.byteCount
        let scalar = segscore_scalar(type.scalar)
        try unsafe bytes.withUnsafeBytes { (source) throws(Failure) in
            guard let base = source.baseAddress else { return }
            if !type.isByteSwapped && type.scalar != .float16 {
                try body(unsafe NativeElements(base: base, type: scalar, count: source.count / size))
                return
            }
            let block = 2048
            let scratch = UnsafeMutableRawPointer.allocate(byteCount: block * 8, alignment: 64)
            defer { unsafe scratch.deallocate() }
            var start = 0
            while start < source.count / size {
                let count = min(block, source.count / size - start)
                unsafe segscore_to_native(base + start * size, scalar, type.isByteSwapped, count, scratch)
                try body(unsafe NativeElements(base: UnsafeRawPointer(scratch), type: scalar, count: count))
                start += count
            }
        }
    }

    /// Stores a run of labels, from the one after `done` of it.
    ///
    /// - Returns: How many were stored: all that are left, or those before the first that the codes cannot hold.
    static func narrowLabels(
        _ elements: NativeElements, from index: Int, _ run: ElementRuns.Run, after done: Int,
        into codes: LabelMap.Codes
    ) -> Int {
        let source = unsafe elements.pointer(at: index)
        let pixel = run.firstPixel + done * run.stride
        let count = run.count - done
        switch codes {
        case .narrow(let labels):
            checkBounds(labels.count, pixel, run.stride, count)
            return unsafe segscore_narrow_labels_8(
                source, elements.type, count, labels.mutableElements + pixel, run.stride, UInt32(UInt8.max))
        case .wide(let labels):
            checkBounds(labels.count, pixel, run.stride, count)
            return unsafe segscore_narrow_labels_16(
                source, elements.type, count, labels.mutableElements + pixel, run.stride,
                UInt32(LabelMap.otherCode) - 1)
        }
    }

    static func widen(_ narrow: Buffer<UInt8>, into wide: Buffer<UInt16>) {
        precondition(narrow.count == wide.count)
        _ = unsafe segscore_narrow_labels_16(
            narrow.mutableElements, SEGSCORE_UINT8, narrow.count, wide.mutableElements, 1, UInt32(UInt8.max))
    }

    /// The first pixel of a range whose label is neither a class nor ignored.
    static func firstLabelOutside(
        _ codes: LabelMap.Codes, _ pixels: Range<Int>, classCount: Int, ignored: Int32
    ) -> Int? {
        let limit = UInt32(classCount)
        let found: Int
        switch codes {
        case .narrow(let labels):
            checkBounds(labels.count, pixels.lowerBound, 1, pixels.count)
            found = unsafe segscore_first_label_outside_8(
                labels.mutableElements + pixels.lowerBound, pixels.count, limit, ignored)
        case .wide(let labels):
            checkBounds(labels.count, pixels.lowerBound, 1, pixels.count)
            found = unsafe segscore_first_label_outside_16(
                labels.mutableElements + pixels.lowerBound, pixels.count, limit, ignored)
        }
        return found < pixels.count ? pixels.lowerBound + found : nil
    }

    /// Keeps a run's probabilities at the pixels that are labelled with its class.
    ///
    /// - Returns: The first element of the run that is no probability, counted from its start.
    static func select(
        _ elements: NativeElements, from index: Int, _ run: ElementRuns.Run, labels: LabelMap.Codes,
        into scores: PixelScores
    ) -> Int? {
        let source = unsafe elements.pointer(at: index)
        let (pixel, count, stride) = (run.firstPixel, run.count, run.stride)
        let classIndex = UInt32(run.classIndex)
        checkBounds(scores.count, pixel, stride, count)
        let found =
            switch (scores, labels) {
            case (.float32(let scores), .narrow(let labels)):
                unsafe segscore_select_32_8(
                    source, count, classIndex, labels.mutableElements + pixel, scores.mutableElements + pixel, stride)
            case (.float32(let scores), .wide(let labels)):
                unsafe segscore_select_32_16(
                    source, count, classIndex, labels.mutableElements + pixel, scores.mutableElements + pixel, stride)
            case (.float64(let scores), .narrow(let labels)):
                unsafe segscore_select_64_8(
                    source, count, classIndex, labels.mutableElements + pixel, scores.mutableElements + pixel, stride)
            case (.float64(let scores), .wide(let labels)):
                unsafe segscore_select_64_16(
                    source, count, classIndex, labels.mutableElements + pixel, scores.mutableElements + pixel, stride)
            }
        return found < count ? found : nil
    }

    /// Copies a run of scores to their pixels.
    static func copy(_ elements: NativeElements, from index: Int, _ run: ElementRuns.Run, into scores: PixelScores) {
        let source = unsafe elements.pointer(at: index)
        checkBounds(scores.count, run.firstPixel, run.stride, run.count)
        switch scores {
        case .float32(let scores):
            unsafe segscore_copy_32(source, run.count, scores.mutableElements + run.firstPixel, run.stride)
        case .float64(let scores):
            unsafe segscore_copy_64(source, run.count, scores.mutableElements + run.firstPixel, run.stride)
        }
    }

    /// Sets the scores of ignored pixels to 1.
    static func ignore(_ labels: LabelMap.Codes, _ ignored: Int32, _ pixels: Range<Int>, in scores: PixelScores) {
        let (start, count) = (pixels.lowerBound, pixels.count)
        checkBounds(scores.count, start, 1, count)
        switch (scores, labels) {
        case (.float32(let scores), .narrow(let labels)):
            unsafe segscore_ignore_32_8(scores.mutableElements + start, labels.mutableElements + start, count, ignored)
        case (.float32(let scores), .wide(let labels)):
            unsafe segscore_ignore_32_16(scores.mutableElements + start, labels.mutableElements + start, count, ignored)
        case (.float64(let scores), .narrow(let labels)):
            unsafe segscore_ignore_64_8(scores.mutableElements + start, labels.mutableElements + start, count, ignored)
        case (.float64(let scores), .wide(let labels)):
            unsafe segscore_ignore_64_16(scores.mutableElements + start, labels.mutableElements + start, count, ignored)
        }
    }

    /// The softmin of a range of pixels; NaN where all of them are ignored.
    static func softmin(
        _ scores: PixelScores, _ labels: LabelMap.Codes, _ pixels: Range<Int>, ignored: Int32, temperature: Double
    ) -> Double {
        let (start, count) = (pixels.lowerBound, pixels.count)
        checkBounds(scores.count, start, 1, count)
        return switch (scores, labels) {
        case (.float32(let scores), .narrow(let labels)):
            unsafe segscore_softmin_32_8(
                scores.mutableElements + start, labels.mutableElements + start, count, ignored, temperature)
        case (.float32(let scores), .wide(let labels)):
            unsafe segscore_softmin_32_16(
                scores.mutableElements + start, labels.mutableElements + start, count, ignored, temperature)
        case (.float64(let scores), .narrow(let labels)):
            unsafe segscore_softmin_64_8(
                scores.mutableElements + start, labels.mutableElements + start, count, ignored, temperature)
        case (.float64(let scores), .wide(let labels)):
            unsafe segscore_softmin_64_16(
                scores.mutableElements + start, labels.mutableElements + start, count, ignored, temperature)
        }
    }

    /// Marks the scores of a range that are below a threshold.
    static func below(_ scores: PixelScores, _ pixels: Range<Int>, threshold: Double, into mask: Buffer<UInt8>) {
        checkBounds(scores.count, pixels.lowerBound, 1, pixels.count)
        precondition(mask.count == pixels.count)
        switch scores {
        case .float32(let scores):
            unsafe segscore_below_32(
                scores.mutableElements + pixels.lowerBound, pixels.count, threshold, mask.mutableElements)
        case .float64(let scores):
            unsafe segscore_below_64(
                scores.mutableElements + pixels.lowerBound, pixels.count, threshold, mask.mutableElements)
        }
    }

    /// How many scores of a range are below a threshold.
    static func countBelow(_ scores: PixelScores, _ pixels: Range<Int>, threshold: Double) -> Int {
        checkBounds(scores.count, pixels.lowerBound, 1, pixels.count)
        return switch scores {
        case .float32(let scores):
            unsafe segscore_count_below_32(scores.mutableElements + pixels.lowerBound, pixels.count, threshold)
        case .float64(let scores):
            unsafe segscore_count_below_64(scores.mutableElements + pixels.lowerBound, pixels.count, threshold)
        }
    }

    private static func checkBounds(_ available: Int, _ first: Int, _ stride: Int, _ count: Int) {
        precondition(first >= 0 && count >= 0 && (count == 0 || first + (count - 1) * stride < available))
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
            case .float32: SEGSCORE_FLOAT32
            case .float64: SEGSCORE_FLOAT64
            }
    }
}

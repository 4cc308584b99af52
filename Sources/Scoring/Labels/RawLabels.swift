import Memory

/// Labels as they came, in one byte each, or in two bytes from the first label on that needs two.
///
/// Small labels are their own codes. Other whole numbers, such as -1, have codes of their own as well, so that what each
/// stands for may be told after all labels have come.
struct RawLabels: Sendable {
    /// The largest label that is its own code.
    static let largestOwn = Int(unlikeCode) - otherLimit - 1

    /// How many other whole numbers have codes. These are enough for each class above ``largestOwn``, and for each
    /// value that a table of labels may name.
    static let otherLimit = 8192

    /// The code that is shared by values that are no whole numbers, and by whole numbers for which no code is left.
    static let unlikeCode: UInt16 = .max

    private(set) var codes: ClassCodes

    /// The other whole numbers in the order in which they came, each with its first pixel in that order.
    private(set) var others: [LabelMap.Other] = []
    private var otherCodes: [Int64: UInt16] = [:]
    /// Counts the memory of the others; nil while there are none.
    private var reservation: ByteReservation?

    /// The memory that one of the others takes, in bytes.
    private static let byteCount = 128

    /// The first value that has ``unlikeCode``.
    private(set) var unlike: LabelMap.Other?

    /// - Parameters:
    ///   - count: N·H·W.
    /// - Throws: ``ScoringError/memory(_:)``.
    init(count: Int) throws(ScoringError) {
        codes = .narrow(try allocate(count, isZeroed: false))
    }

    /// Takes labels each of which is its own code.
    init(_ codes: ClassCodes) {
        self.codes = codes
    }

    /// Stores a run of labels, which begins at an index of the elements.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    mutating func store(
        _ elements: Kernels.NativeElements, from index: Int, _ run: ElementRuns.Run
    ) throws(ScoringError) {
        var done = 0
        while done < run.count {
            let limit = codes.isWide ? Self.largestOwn : Int(UInt8.max)
            done += Kernels.narrowLabels(elements, from: index + done, run, after: done, into: codes, limit: limit)
            guard done < run.count else { return }
            let value = elements.labelValue(at: index + done)
            let wide = try widen()
            let code = try code(of: value, at: run.firstPixel + done * run.stride)
            // Pixels that take no part lie in patches, so that the same value often follows.
            wide.withMutableSpan { span in
                repeat {
                    span[run.firstPixel + done * run.stride] = code
                    done += 1
                } while done < run.count && elements.labelValue(at: index + done) == value
            }
        }
    }

    private mutating func widen() throws(ScoringError) -> Buffer<UInt16> {
        switch codes {
        case .wide(let labels): return labels
        case .narrow(let labels):
            let wide: Buffer<UInt16> = try allocate(labels.count, isZeroed: false)
            Kernels.widen(labels, into: wide)
            codes = .wide(wide)
            return wide
        }
    }

    private mutating func code(of value: LabelValue, at pixel: Int) throws(ScoringError) -> UInt16 {
        if case .integer(let label) = value {
            if (0...Int64(Self.largestOwn)).contains(label) { return UInt16(label) }
            if let code = otherCodes[label] { return code }
            if others.count < Self.otherLimit {
                try reserve()
                let code = Self.unlikeCode - 1 - UInt16(others.count)
                others.append(LabelMap.Other(value: value, pixel: pixel))
                otherCodes[label] = code
                return code
            }
        }
        unlike = unlike ?? LabelMap.Other(value: value, pixel: pixel)
        return Self.unlikeCode
    }

    private mutating func reserve() throws(ScoringError) {
        do throws(MemoryError) {
            if reservation == nil { reservation = try ByteReservation() }
            try reservation?.grow(by: Self.byteCount)
        } catch {
            throw .memory(error)
        }
    }

    /// A run of all labels.
    var all: ElementRuns.Run { ElementRuns.Run(classIndex: 0, firstPixel: 0, stride: 1, count: codes.count) }

    /// Whether each label is its own code.
    var hasOwnCodes: Bool { others.isEmpty && unlike == nil }

    /// The labels as classes of the same numbers. Values that cannot be classes share one code, and the first two of
    /// them are named.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    func plain() throws(ScoringError) -> (codes: ClassCodes, others: [LabelMap.Other]) {
        guard !hasOwnCodes else { return (codes, []) }
        let table: Buffer<UInt32> = try allocate(1 << 16, isZeroed: false)
        var odd = [unlike].compactMap(\.self)
        table.withMutableSpan { span in
            for code in span.indices { span[code] = UInt32(code <= Self.largestOwn ? code : Int(ClassCodes.other)) }
            for (index, other) in others.enumerated() {
                if case .integer(let label) = other.value, (0..<Int64(ClassCodes.other)).contains(label) {
                    span[Int(Self.unlikeCode) - 1 - index] = UInt32(label)
                } else {
                    odd.append(other)
                }
            }
        }
        let plain = try ClassCodes(count: codes.count, isWide: true)
        _ = Kernels.map(codes, all, by: table, into: plain)
        return (plain, Array(odd.sorted { $0.pixel < $1.pixel }.prefix(2)))
    }

    /// The value that has a code at a pixel; of values that share one it may be another.
    func value(of code: Int) -> LabelValue {
        if code <= Self.largestOwn { return .integer(Int64(code)) }
        let index = Int(Self.unlikeCode) - 1 - code
        if others.indices.contains(index) { return others[index].value }
        return unlike?.value ?? .integer(Int64(code))
    }
}

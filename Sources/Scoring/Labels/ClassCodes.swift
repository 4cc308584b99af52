import Tensors

/// One class for each pixel or block, in the smallest type that holds them all.
enum ClassCodes: Sendable {
    case narrow(Buffer<UInt8>)
    case wide(Buffer<UInt16>)

    /// Makes codes that have to be written before any is read.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    init(count: Int, isWide: Bool) throws(ScoringError) {
        self = isWide ? .wide(try allocate(count, isZeroed: false)) : .narrow(try allocate(count, isZeroed: false))
    }

    var isWide: Bool {
        switch self {
        case .narrow: false
        case .wide: true
        }
    }

    var count: Int {
        switch self {
        case .narrow(let codes): codes.count
        case .wide(let codes): codes.count
        }
    }

    /// The memory that holds the codes.
    var storage: any StableBytes {
        switch self {
        case .narrow(let codes): codes
        case .wide(let codes): codes
        }
    }

    var byteCount: Int {
        switch self {
        case .narrow(let codes): codes.byteCount
        case .wide(let codes): codes.byteCount
        }
    }

    subscript(index: Int) -> Int {
        switch self {
        case .narrow(let codes): Int(codes.span[index])
        case .wide(let codes): Int(codes.span[index])
        }
    }

    /// The different codes that are not below a number.
    func values(from limit: Int) -> Set<Int> {
        var found = [Bool](repeating: false, count: isWide ? 1 << 16 : 1 << 8)
        switch self {
        case .narrow(let codes): for index in codes.span.indices { found[Int(codes.span[index])] = true }
        case .wide(let codes): for index in codes.span.indices { found[Int(codes.span[index])] = true }
        }
        return Set(found.indices.filter { found[$0] && $0 >= limit })
    }

    /// The same codes in two bytes each.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    func widened() throws(ScoringError) -> ClassCodes {
        guard case .narrow(let codes) = self else { return self }
        let wide: Buffer<UInt16> = try allocate(codes.count, isZeroed: false)
        Kernels.widen(codes, into: wide)
        return .wide(wide)
    }
}

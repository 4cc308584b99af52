package import Memory

/// One class for each pixel or block, in the smallest type that holds them all.
package enum ClassCodes: Sendable {
    case narrow(Buffer<UInt8>)
    case wide(Buffer<UInt16>)

    /// Makes codes that have to be written before any is read.
    ///
    /// - Throws: ``ScoringError/memory(_:)``.
    init(count: Int, isWide: Bool) throws(ScoringError) {
        self = isWide ? .wide(try allocate(count, isZeroed: false)) : .narrow(try allocate(count, isZeroed: false))
    }

    /// The code that stands for a label that no code can hold. It is no class, since K is at most 65,535.
    static let other: UInt16 = .max

    /// The largest label that a code can hold.
    var largestLabel: Int { isWide ? Int(Self.other) - 1 : Int(UInt8.max) }

    package var isWide: Bool {
        switch self {
        case .narrow: false
        case .wide: true
        }
    }

    package var count: Int {
        switch self {
        case .narrow(let codes): codes.count
        case .wide(let codes): codes.count
        }
    }

    /// The memory that holds the codes.
    package var storage: any StableBytes {
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
}

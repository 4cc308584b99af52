/// The size of the pieces that an input is pushed in, which the input itself decides.
func chunkSize(of input: [UInt8]) -> Int {
    1 + input.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % 61
}

/// Passes bytes on in pieces, each in memory of its own, so that a read past its end is seen.
func push<Failure: Error>(
    _ bytes: [UInt8], by size: Int, _ body: (borrowing Span<UInt8>) throws(Failure) -> Void
) throws(Failure) {
    var start = 0
    while start < bytes.count {
        let end = start + min(size, bytes.count - start)
        let piece = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: end - start)
        defer { piece.deallocate() }
        _ = piece.initialize(from: bytes[start..<end])
        try body(UnsafeBufferPointer(piece).span)
        start = end
    }
}

extension [UInt8] {
    mutating func append(_ bytes: borrowing Span<UInt8>) {
        bytes.withUnsafeBufferPointer { append(contentsOf: $0) }
    }
}

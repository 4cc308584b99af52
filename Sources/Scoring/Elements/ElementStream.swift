/// Cuts a stream of bytes into whole elements.
///
/// The network splits arrays anywhere. An element that lies across two chunks is put together here; all others are
/// handed on without a copy.
struct ElementStream {
    private let elementByteCount: Int
    private var carried: [UInt8] = []

    /// - Parameter elementByteCount: 1, 2, 4 or 8.
    init(elementByteCount: Int) {
        self.elementByteCount = elementByteCount
        carried.reserveCapacity(elementByteCount)
    }

    /// Hands on the elements that `bytes` completes, in at most two calls.
    mutating func append<Failure: Error>(
        _ bytes: borrowing Span<UInt8>, _ body: (borrowing Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        var start = 0
        if !carried.isEmpty {
            while start < bytes.count, carried.count < elementByteCount {
                carried.append(bytes[start])
                start += 1
            }
            guard carried.count == elementByteCount else { return }
            try body(carried.span)
            carried.removeAll(keepingCapacity: true)
        }
        let whole = (bytes.count - start) / elementByteCount * elementByteCount
        if whole > 0 {
            try body(bytes.extracting(start..<start + whole))
        }
        for index in start + whole..<bytes.count {
            carried.append(bytes[index])
        }
    }
}

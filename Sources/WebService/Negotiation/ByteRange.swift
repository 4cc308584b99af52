/// The part of a body that a `Range` field asks for (RFC 9110, section 14).
enum ByteRange: Equatable {
    case part(Range<Int>)
    case unsatisfiable
    /// The field does not name exactly one range of bytes, so the whole body is sent.
    case whole

    /// Reads a `Range` field.
    ///
    /// - Parameters:
    ///   - field: The value of `Range`.
    ///   - count: The size of the whole body, in bytes.
    init(_ field: String, of count: Int) {
        guard field.lowercased().hasPrefix("bytes=") else {
            self = .whole
            return
        }
        let bounds = field.dropFirst(6).filter { !$0.isWhitespace }
            .split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, bounds.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            self = .whole
            return
        }
        switch (bounds[0].isEmpty, bounds[1].isEmpty) {
        case (true, true): self = .whole
        case (true, false):
            // The last bytes; a number past every Int asks for all of them.
            let suffix = min(Int(bounds[1]) ?? .max, count)
            self = suffix > 0 ? .part(count - suffix..<count) : .unsatisfiable
        case (false, _):
            let first = Int(bounds[0]) ?? .max
            let last = bounds[1].isEmpty ? Int.max : Int(bounds[1]) ?? .max
            if last < first {
                self = .whole
            } else {
                self = first < count ? .part(first..<min(last, count - 1) + 1) : .unsatisfiable
            }
        }
    }
}

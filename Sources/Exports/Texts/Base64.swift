import Memory

/// Bytes as text (RFC 4648, section 4).
enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Appends the text between double quotes.
    static func append(_ bytes: Buffer<UInt8>, to text: inout [UInt8]) {
        let span = bytes.span
        text.append(UInt8(ascii: "\""))
        for start in stride(from: 0, to: span.count, by: 3) {
            var group = 0
            for place in start..<start + 3 { group = group << 8 | (place < span.count ? Int(span[place]) : 0) }
            for letter in 0..<4 {
                let isThere = letter <= span.count - start
                text.append(isThere ? letters[group >> (18 - 6 * letter) & 63] : UInt8(ascii: "="))
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}

import Foundation
import Memory

/// Bytes as text (RFC 4648, section 4).
enum Base64 {
    /// Appends the text between double quotes.
    static func append(_ bytes: Buffer<UInt8>, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        text += unsafe Data(bytes.stableBytes).base64EncodedData()
        text.append(UInt8(ascii: "\""))
    }
}

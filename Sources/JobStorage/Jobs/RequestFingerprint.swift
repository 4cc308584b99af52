import Codecs
import HTTPTypes
package import ServiceInterface

/// What tells a request from others that claim to be the same: its target, and its body's size and CRC-32.
///
/// A fingerprint finds mistakes, such as a key that was used again for the next part of a data set. It is no proof
/// against clients that mean to deceive, since these would deceive none but themselves.
package struct RequestFingerprint: Codable, Equatable, Sendable {
    private let target: String
    private var byteCount = 0
    private var checksum = CRC32()

    package init(_ request: IncomingRequest) {
        target = request.head.path ?? ""
    }

    /// Takes the next bytes of the body, as they came over the wire.
    package mutating func update(_ bytes: borrowing Span<UInt8>) {
        byteCount += bytes.count
        checksum.update(bytes)
    }
}

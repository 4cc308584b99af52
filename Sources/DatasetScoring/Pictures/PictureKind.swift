/// A kind of picture that browsers show and that is no document. The raw values are those of the state directory.
package enum PictureKind: String, Codable, Sendable {
    case png
    case jpeg
    case webP = "webp"

    /// How many of a file's first bytes tell what it is.
    static let signatureByteCount = 12

    /// What the first bytes of a file say that it is; nil for anything else.
    init?(_ bytes: borrowing Span<UInt8>) {
        func begins(_ signature: [UInt8], at place: Int = 0) -> Bool {
            bytes.count >= place + signature.count
                && signature.indices.allSatisfy { bytes[place + $0] == signature[$0] }
        }
        if begins([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if begins([0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if begins(Array("RIFF".utf8)), begins(Array("WEBP".utf8), at: 8) {
            self = .webP
        } else {
            return nil
        }
    }

    /// What is behind the name of such a file.
    var suffix: String {
        switch self {
        case .png: ".png"
        case .jpeg: ".jpg"
        case .webP: ".webp"
        }
    }
}

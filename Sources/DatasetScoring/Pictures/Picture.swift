package import Memory

/// A picture of an image: a whole file, which nobody has decoded.
package struct Picture: Sendable {
    /// The largest picture that is taken or sent, in bytes.
    static let byteLimit = 256 << 20

    /// What pictures are called on the wire: the path of their folder, the parts of a form, the member of an archive.
    static let parameter = PicturePlace.name

    package let kind: PictureKind
    package let bytes: Buffer<UInt8>
}

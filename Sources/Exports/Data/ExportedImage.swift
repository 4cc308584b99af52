package import Memory

/// An image whose masks are exported.
package struct ExportedImage: Sendable {
    /// A picture that the image was made from.
    package struct Picture: Sendable {
        /// What is behind the image's name in the name of the file, such as `.jpg`.
        package let suffix: String
        /// The file; nil if it is not at hand or is not asked for.
        package let bytes: Buffer<UInt8>?

        package init(suffix: String, bytes: Buffer<UInt8>?) {
            (self.suffix, self.bytes) = (suffix, bytes)
        }
    }

    /// The index of the image, from 0.
    package let index: Int
    /// The name of the image without a suffix: a relative path.
    package let name: String
    package let width: Int
    package let height: Int
    /// The picture; nil if none is known, which is then taken for a PNG that the export lacks.
    package let picture: Picture?
    /// `(H·W,)`, the class of each pixel. Values that are no class take no part. Nil if labels are not asked for.
    package let labels: Buffer<UInt16>?
    /// The regions, of which no two share a pixel; empty if they are not asked for.
    package let regions: [ExportedRegion]

    /// - Parameters:
    ///   - name: Has no component `..` and is different from that of every other image. Characters that paths cannot
    ///     have in an archive become underscores: control characters and backslashes.
    package init(
        index: Int, name: String, width: Int, height: Int, picture: Picture? = nil, labels: Buffer<UInt16>? = nil,
        regions: [ExportedRegion] = []
    ) {
        precondition(width > 0 && height > 0)
        precondition(labels.map { $0.count == width * height } ?? true)
        self.index = index
        self.name = Self.path(name)
        (self.width, self.height) = (width, height)
        self.picture = picture.map { Picture(suffix: Self.path($0.suffix), bytes: $0.bytes) }
        (self.labels, self.regions) = (labels, regions)
    }

    /// The name of the picture's file: a relative path.
    var fileName: String { name + (picture?.suffix ?? ".png") }

    private static func path(_ name: String) -> String {
        let isKept = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory != .control && scalar != "\\" }
        guard !name.unicodeScalars.allSatisfy(isKept) else { return name }
        var path = String.UnicodeScalarView()
        for scalar in name.unicodeScalars { path.append(isKept(scalar) ? scalar : "_") }
        return String(path)
    }
}

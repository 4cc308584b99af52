import Memory

/// A file of an export.
struct ExportFile {
    let path: String
    let bytes: Buffer<UInt8>
}

/// What an archive holds, in order.
enum ExportPart: Sendable {
    case text(path: String, String)
    /// One file, of several texts for which the images are gone through one after another.
    case document(path: String, [any MaskText])
    /// A file for each image.
    case documents(path: @Sendable (ExportedImage) -> String, any MaskText)
    /// A file for each image that has one.
    case files(ExportDemand, @Sendable (ExportedImage) throws(ExportError) -> ExportFile?)

    /// The pictures that are at hand.
    ///
    /// - Parameter folder: The folder, with a slash behind it, or nothing.
    static func pictures(in folder: String) -> ExportPart {
        .files(.picture) { image in
            guard let bytes = image.picture?.bytes else { return nil }
            return ExportFile(path: folder + image.fileName, bytes: bytes)
        }
    }
}

/// Writes masks as the text of a format, one by one, so that memory never holds more than the text of one mask.
protocol MaskText: Sendable {
    /// How labels are cut into masks; nil if the text tells of images alone.
    var cut: MaskCut? { get }

    /// Writes what is ahead of the first image.
    func begin(_ text: inout [UInt8])

    mutating func begin(_ image: ExportedImage, _ text: inout [UInt8])

    /// - Throws: ``ExportError/memory(_:)``.
    mutating func add(_ mask: ExportedMask, of image: ExportedImage, _ text: inout [UInt8]) throws(ExportError)

    mutating func end(_ image: ExportedImage, _ text: inout [UInt8])

    /// Writes what is behind the last image.
    func end(_ text: inout [UInt8])
}

extension MaskText {
    func begin(_ text: inout [UInt8]) {}

    func end(_ text: inout [UInt8]) {}
}

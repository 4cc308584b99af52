/// What an export asks of an image. The name, the extents and the picture's suffix are always wanted.
package struct ExportDemand: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The labels of ``ExportContent/masks``, or the regions of ``ExportContent/regions``.
    package static let masks = ExportDemand(rawValue: 1)

    /// The bytes of the picture.
    package static let picture = ExportDemand(rawValue: 2)
}

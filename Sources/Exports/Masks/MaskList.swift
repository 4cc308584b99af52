/// The masks of an image, each of which is drawn when it is asked for.
enum MaskList {
    case labels(LabelRuns)
    case regions([ExportedRegion])

    /// - Parameter cut: How labels are cut.
    /// - Throws: ``ExportError/memory(_:)``.
    init(
        _ image: ExportedImage, _ content: ExportContent, _ classes: ExportClasses, cut: MaskCut
    ) throws(ExportError) {
        switch content {
        case .masks:
            guard let labels = image.labels else { preconditionFailure("labels are asked for") }
            self = .labels(
                try LabelRuns(
                    labels, width: image.width, height: image.height, classCount: classes.count, cut: cut))
        case .regions:
            self = .regions(image.regions.filter { classes.names.indices.contains($0.label) })
        }
    }

    var count: Int {
        switch self {
        case .labels(let runs): runs.count
        case .regions(let regions): regions.count
        }
    }

    /// - Throws: ``ExportError/memory(_:)``.
    func mask(_ index: Int) throws(ExportError) -> ExportedMask {
        switch self {
        case .labels(let runs): try runs.mask(index)
        case .regions(let regions):
            ExportedMask(label: regions[index].label, mask: regions[index].mask, region: regions[index])
        }
    }
}

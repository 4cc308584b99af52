/// The form in which an annotation tool reads masks. The raw value is the name on the wire.
package enum ExportFormat: String, CaseIterable, Sendable {
    /// COCO instances, which pycocotools, datumaro, FiftyOne and most trainers read.
    case coco
    /// CVAT's "Segmentation mask 1.1": pictures of classes as in Pascal VOC.
    case cvatMask = "cvat-mask"
    /// "CVAT for images 1.1".
    case cvat
    /// Tasks of Label Studio with brush predictions, and the labelling configuration that they need.
    case labelStudio = "label-studio"
    /// Datumaro's own format, which keeps all attributes.
    case datumaro
    /// A file of LabelMe beside each picture.
    case labelme
    /// A file of GeoJSON for each picture, as QuPath reads it.
    case geojson
    /// FiftyOne's `ImageSegmentationDirectory`.
    case fiftyone
}

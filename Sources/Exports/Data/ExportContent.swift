/// What of each image an export holds.
///
/// | | ``masks`` | ``regions`` |
/// | --- | --- | --- |
/// | coco, cvat, datumaro, labelme, geojson | an annotation for each piece of each class | one for each region |
/// | label-studio | a brush for each class | one for each region |
/// | cvat-mask | the class of each pixel | that of regions' pixels, and instances if an image has at most 255 |
/// | fiftyone | the class of each pixel | that of regions' pixels |
///
/// A piece is what hangs together, corners included, as in a region. A region has the class that it is to have; what is
/// known of it stands in attributes, where the format has any.
package enum ExportContent: String, CaseIterable, Sendable {
    /// The labels of all pixels.
    case masks
    /// The regions alone.
    case regions
}

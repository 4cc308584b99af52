/// How an export is to be written, where a format leaves a choice.
package struct ExportOptions: Equatable, Sendable {
    /// Whether COCO's annotations are polygons. Runs are what others take too, and are shorter; either holds every pixel.
    package var polygons: Bool

    /// What Label Studio's tasks have ahead of a picture's path in the archive, to find it by. As it stands, Label Studio
    /// serves pictures from the folder that its local storage has been given.
    package var pictureBase: String

    package init(polygons: Bool = false, pictureBase: String = "/data/local-files/?d=") {
        (self.polygons, self.pictureBase) = (polygons, pictureBase)
    }
}

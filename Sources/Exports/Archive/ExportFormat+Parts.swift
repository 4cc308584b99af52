extension ExportFormat {
    /// What an archive of the format holds.
    func parts(_ content: ExportContent, _ classes: ExportClasses, _ options: ExportOptions) -> [ExportPart] {
        switch self {
        case .coco:
            [
                .document(
                    path: "annotations/instances_default.json",
                    [COCOAnnotations(classes, polygons: options.polygons), COCOImages()]),
                .pictures(in: "images/default/"),
            ]
        case .cvatMask: VOCPictures.parts(content, classes)
        case .cvat:
            [
                .document(path: "annotations.xml", [CVATText(classes, content)]), .pictures(in: "images/"),
            ]
        case .labelStudio:
            [
                .text(path: "labeling_config.xml", LabelStudioText.configuration(classes)),
                .document(path: "tasks.json", [LabelStudioText(classes, options)]),
                .pictures(in: LabelStudioText.pictureFolder),
            ]
        case .datumaro:
            [
                .document(path: "annotations/default.json", [DatumaroText(classes)]),
                .pictures(in: "images/default/"),
            ]
        case .labelme: [.documents(path: { $0.name + ".json" }, LabelMeText(classes)), .pictures(in: "")]
        case .geojson: [.documents(path: { $0.name + ".geojson" }, GeoJSONText(classes)), .pictures(in: "")]
        case .fiftyone: FiftyOneMasks.parts(content, classes)
        }
    }
}

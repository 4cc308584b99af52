import WebService

/// FiftyOne's `ImageSegmentationDirectory`: pictures, and masks of the same names.
///
/// FiftyOne does not draw the value 0, so that classes count from 1 on. It takes the values' names from whoever loads the
/// data set; they stand in `mask_targets.json` as it wants them.
enum FiftyOneMasks {
    static func parts(_ content: ExportContent, _ classes: ExportClasses) -> [ExportPart] {
        let codes = classes.names.indices.map(classes.code)
        var targets = JSONWriter()
        targets.object { members in
            for (number, name) in classes.names.enumerated() { members.string(String(classes.code(number)), name) }
        }
        return [
            .text(path: "mask_targets.json", String(decoding: targets.text, as: UTF8.self)),
            .files(.masks) { (image) throws(ExportError) in
                let picture = try CodePicture(image, content, code: codes)
                return ExportFile(
                    path: "labels/\(image.name).png", bytes: try picture.grey(isWide: classes.count > 255))
            },
            .pictures(in: "data/"),
        ]
    }
}

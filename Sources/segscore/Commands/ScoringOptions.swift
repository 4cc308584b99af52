import ArgumentParser

/// How arrays are scored, as the parameters of requests say it.
struct ScoringOptions: ParsableArguments {
    @Option(
        help: """
            softmin; num_pixel_issues: the share of pixels that are no label issues by confident learning; or margin: how \
            far the model is from the labels where it contradicts them. By default softmin, and margin for a review.
            """)
    var method: String?

    @Option(help: "The softmin temperature: small for the worst pixel, large for the mean.")
    var temperature = 0.1

    @Option(help: "The block size for label issues; must divide height and width.")
    var downsample = 1

    @Option(help: "Pixels whose score is below are issues; 0.1 if it is not given.")
    var threshold: Double?

    @Option(help: "softmax or sigmoid, if the file holds a model's outputs and no probabilities.")
    var activation: String?

    @Option(help: "With sum, the values of a pixel are divided by their sum over the classes.")
    var normalize: String?

    @Option(help: "NHWC, if the classes are the last axis of the predictions.")
    var layout: String?

    @Option(help: "bilinear or nearest, as PyTorch has them, if predictions have another size than labels.")
    var resize: String?

    @Flag(help: "With --resize bilinear, corner pixels lie on corner pixels.")
    var alignCorners = false

    @Option(help: "Height and width of predictions without the padding behind them: 500,375.")
    var valid: String?

    @Option(help: "The number of classes, which own, largest and predicted do not tell.")
    var classes: Int?

    @Option(help: "A label whose pixels take no part, or several with commas between.")
    var ignoreLabel: String?

    @Option(
        help: """
            What labels stand for: cityscapes for the ids of its masks, ade20k, or JSON: {"7": 0, "255": null}, where \
            null is for pixels that take no part.
            """)
    var labelMap: String?

    @Option(help: "A number that is added to each label that is not ignored.")
    var labelOffset: Int64?

    @Flag(help: "Pixels labelled 0 or 255 take no part, and k becomes class k - 1, as in mmsegmentation.")
    var reduceZeroLabel = false

    @Option(
        help: """
            The colours of the classes in a PNG image of colours, in their order: #000000,#ff0000. Or an object: \
            {"#ff0000": 1}.
            """)
    var colors: String?

    @Option(
        help: """
            What the classes are called, one name for each: road,car,tree, or a JSON list: ["road", "car, parked"]. They \
            stand on the page of a review, and in what is exported.
            """)
    var classNames: String?

    @Option(help: "With all, softmin reads and checks every probability; labelled, if no --regions are asked for.")
    var read: String?

    func validate() throws {
        guard temperature.isFinite, temperature > 0 else {
            throw ValidationError("--temperature must be a finite number above 0, not \(temperature).")
        }
        guard (0...1).contains(threshold ?? 0) else {
            throw ValidationError("--threshold must be a number from 0 to 1, not \(threshold ?? 0).")
        }
    }

    /// The parameters by the names that they have in requests, since they are checked as those of requests are.
    ///
    /// - Parameters:
    ///   - other: The method, if none is named.
    ///   - reading: What is read, if nothing is said.
    func parameters(method other: String, read reading: String) -> [String: String] {
        var parameters = [
            "method": method ?? other, "temperature": "\(temperature)", "downsample": "\(downsample)",
            "read": read ?? reading,
        ]
        parameters["threshold"] = threshold.map { "\($0)" }
        parameters["activation"] = activation
        parameters["normalize"] = normalize
        parameters["layout"] = layout
        parameters["resize"] = resize
        if alignCorners { parameters["align_corners"] = "true" }
        parameters["valid"] = valid
        parameters["classes"] = classes.map { "\($0)" }
        parameters["ignore_label"] = ignoreLabel
        parameters["colors"] = colors
        parameters["label_map"] = labelMap
        parameters["label_offset"] = labelOffset.map { "\($0)" }
        parameters["class_names"] = classNames
        if reduceZeroLabel { parameters["reduce_zero_label"] = "true" }
        return parameters
    }
}

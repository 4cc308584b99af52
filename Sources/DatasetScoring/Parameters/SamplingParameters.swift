package import Scoring
package import WebService

/// The parameters that say how predicted values lie in their array, and what brings them to the pixels of the labels.
package struct SamplingParameters: Equatable, Sendable {
    /// The order of an array's axes.
    private enum Layout: String, CaseIterable {
        case channelsFirst = "NCHW"
        case channelsLast = "NHWC"
    }

    /// A way to make values of pixels where an image has another size than its labels.
    private enum Resizing: String, CaseIterable {
        case bilinear
        case nearest
    }

    /// The names on the wire.
    static let names = ["layout", "resize", "align_corners", "valid"]

    private let layout: Layout?
    private let resizing: Resizing?
    private let alignsCorners: Bool?
    private let valid: Sampling.Valid?

    /// Reads the parameters.
    ///
    /// - Throws: A 400 problem for a value that is not allowed.
    init(_ parameters: Parameters) throws(Problem) {
        layout = try parameters.choice("layout")
        resizing = try parameters.choice("resize")
        alignsCorners = try parameters.boolean("align_corners")
        valid = try Self.valid(parameters)
    }

    /// Proves that the parameters go together. To be called once all of them have come.
    ///
    /// - Throws: A 400 problem for `align_corners` without `resize=bilinear`.
    func check() throws(Problem) {
        guard alignsCorners == true, resizing != .bilinear else { return }
        throw Problem(
            .invalidParameter, "align_corners is of resize=bilinear alone.", parameter: "align_corners",
            expected: "resize=bilinear with it", actual: resizing.map { "resize=\($0.rawValue)" } ?? "no resize")
    }

    /// What brings values to the pixels of the labels.
    package var sampling: Sampling {
        let interpolation: Sampling.Interpolation? =
            switch resizing {
            case .bilinear: .bilinear(alignsCorners: alignsCorners ?? false)
            case .nearest: .nearest
            case nil: nil
            }
        return Sampling(isChannelsLast: layout == .channelsLast, valid: valid, interpolation: interpolation)
    }

    /// The parameters as texts, by their names on the wire.
    var values: [String: String] {
        var values: [String: String] = [:]
        values["layout"] = layout?.rawValue
        values["resize"] = resizing?.rawValue
        values["align_corners"] = alignsCorners.map { "\($0)" }
        values["valid"] = valid.map { "\($0.height),\($0.width)" }
        return values
    }

    /// Writes the parameters as members of a job's document.
    package func write(to members: inout JSONWriter.Members) {
        if let layout { members.string("layout", layout.rawValue) }
        if let resizing { members.string("resize", resizing.rawValue) }
        if let alignsCorners { members.boolean("align_corners", alignsCorners) }
        if let valid { members.integers("valid", [valid.height, valid.width]) }
    }

    /// Reads `valid`: two whole numbers with a comma between them.
    private static func valid(_ parameters: Parameters) throws(Problem) -> Sampling.Valid? {
        guard let list = parameters.list("valid") else { return nil }
        let extents = list.compactMap { Int($0) }
        guard list.count == 2, extents.count == 2, extents.allSatisfy({ $0 >= 1 }) else {
            throw .invalidParameter(
                "valid", expected: "height and width without padding, h,w, each at least 1",
                actual: list.joined(separator: ","))
        }
        return Sampling.Valid(height: extents[0], width: extents[1])
    }
}

import Memory
import Scoring
package import WebService

/// The parameters that say what classes and images are called.
package struct NameParameters: Equatable, Sendable {
    /// The names of the parameters on the wire.
    private static let (classNames, imageNames) = ("class_names", "names")
    static let names = [classNames, imageNames]

    /// The most bytes that all names of classes may have, since each answer about the job repeats them.
    private static let classNameBytes = 1 << 20

    /// The names of the classes, one for each; nil if they have numbers alone.
    package let classes: NameList?
    /// The names of the images, one for each; nil if the client names none.
    package let images: NameList?

    /// Reads the parameters.
    ///
    /// - Throws: A 400 problem for a list that is none, and for a name that is not allowed; 503 if memory is short.
    init(_ parameters: Parameters) throws(Problem) {
        let classes = try parameters.texts(Self.classNames)
        if let classes {
            guard classes.reduce(0, { $0 + $1.utf8.count }) <= Self.classNameBytes else {
                throw .invalidParameter(
                    Self.classNames, expected: "names of at most \(Self.classNameBytes) bytes in all",
                    actual: "\(classes.count) names")
            }
            try Self.check(
                classes, Self.classNames, limit: ScoringShape.classLimit, expected: "names of 1 to 256 bytes",
                where: { Self.isText($0, byteLimit: 256) })
        }
        let images = try parameters.texts(Self.imageNames)
        if let images {
            try Self.check(
                images, Self.imageNames, limit: .max,
                expected: "paths of 1 to 1024 bytes and parts with / between them, none of which is empty, . or ..",
                where: Self.isNameOfImage)
        }
        (self.classes, self.images) = (try Self.list(classes), try Self.list(images))
    }

    private init(classes: NameList?, images: NameList) {
        (self.classes, self.images) = (classes, images)
    }

    /// The same parameters with other names of images, each of which can be one.
    ///
    /// - Throws: A 503 problem if memory is short.
    func naming(images: [String]) throws(Problem) -> NameParameters {
        NameParameters(
            classes: classes, images: try Problem.allocating { () throws(MemoryError) in try NameList(images) })
    }

    /// The parameters as texts, by their names on the wire.
    var values: [String: String] {
        var values: [String: String] = [:]
        values[Self.classNames] = classes.map { Parameters.text(of: $0.all) }
        values[Self.imageNames] = images.map { Parameters.text(of: $0.all) }
        return values
    }

    /// Proves that there is a name for each class, if there are any.
    ///
    /// - Throws: A 400 problem with both counts.
    func check(classCount: Int) throws(Problem) {
        if let classes { try Self.check(classNames: classes.all.count, classCount: classCount) }
    }

    /// Proves that there is a name for each class.
    ///
    /// - Throws: A 400 problem with both counts.
    package static func check(classNames count: Int, classCount: Int) throws(Problem) {
        guard count != classCount else { return }
        throw .invalidParameter(
            classNames, expected: "\(classCount) names, one for each class", actual: "\(count) names")
    }

    /// Proves that there is a name for each image, if there are any.
    ///
    /// - Throws: A 400 problem with both counts.
    func check(imageCount: Int) throws(Problem) {
        guard let count = images?.all.count, count != imageCount else { return }
        throw .invalidParameter(
            Self.imageNames, expected: "\(imageCount) names, one for each image", actual: "\(count) names")
    }

    /// Proves that the images have no names.
    ///
    /// - Parameter reason: Why they can have none.
    /// - Throws: A 400 problem with the reason.
    package func checkImagesHaveNone(_ reason: String) throws(Problem) {
        guard let images else { return }
        throw Problem(
            .invalidParameter, reason, parameter: Self.imageNames, expected: "no names",
            actual: "\(images.all.count) names")
    }

    private static func list(_ names: [String]?) throws(Problem) -> NameList? {
        try names.map { (names) throws(Problem) in
            try Problem.allocating { () throws(MemoryError) in try NameList(names) }
        }
    }

    // MARK: - Names

    private static func check(
        _ names: [String], _ parameter: String, limit: Int, expected: String, where isAllowed: (String) -> Bool
    ) throws(Problem) {
        guard (1...limit).contains(names.count) else {
            throw .invalidParameter(
                parameter, expected: limit == .max ? "at least one name" : "1 to \(limit) names",
                actual: "\(names.count) names")
        }
        var seen: Set<String> = []
        for name in names {
            guard isAllowed(name) else {
                throw .invalidParameter(parameter, expected: expected + ", without control characters", actual: name)
            }
            guard seen.insert(name).inserted else {
                throw .invalidParameter(parameter, expected: "names that differ", actual: name)
            }
        }
    }

    /// Whether images can be called so.
    static func isNameOfImage(_ name: String) -> Bool { isText(name, byteLimit: 1024) && isRelative(name) }

    private static func isText(_ name: String, byteLimit: Int) -> Bool {
        (1...byteLimit).contains(name.utf8.count) && !name.allSatisfy(\.isWhitespace) && !hasControls(name)
    }

    private static func hasControls(_ name: String) -> Bool {
        name.unicodeScalars.contains { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
    }

    /// Whether a name can be that of a file beneath any folder, since exports and outputs write files of these names.
    private static func isRelative(_ name: String) -> Bool {
        !name.utf8.contains(UInt8(ascii: "\\"))
            && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !["", ".", ".."].contains($0)
            }
    }
}

import Scoring
package import WebService

/// The parameters that say what the values of labels stand for.
///
/// `ignore_label` names values as they come. What is left goes through one of `label_map`, `label_offset` and
/// `reduce_zero_label`, and is a class then.
package struct LabelParameters: Equatable, Sendable {
    /// The names of the parameters that exclude one another.
    private static let changes = ["label_map", "label_offset", "reduce_zero_label"]

    /// The most values that may be ignored.
    private static let ignoredLimit = 256

    /// The values of pixels that do not take part, in the client's order; empty if all take part.
    let ignored: [Int64]
    private let map: NamedLabelMap?
    private let offset: Int64?
    private let reducesZero: Bool

    /// What is made of labels while they arrive; nil if they are classes and the method passes over the one that is
    /// ignored.
    let rule: LabelRule?

    /// Reads the parameters.
    ///
    /// - Throws: A 400 problem for a value that is not allowed, and for parameters that contradict one another.
    init(_ parameters: Parameters) throws(Problem) {
        ignored = try Self.ignored(parameters)
        map = try parameters.string("label_map").map { (text) throws(Problem) in try NamedLabelMap(text) }
        offset = try parameters.integer("label_offset", in: -Int64(Int32.max)...Int64(Int32.max))
        reducesZero = try parameters.boolean("reduce_zero_label") ?? false
        let changes = [map != nil, offset ?? 0 != 0, reducesZero]
        let named = zip(Self.changes, changes).filter(\.1).map(\.0)
        guard named.count <= 1 else {
            throw Problem(
                .invalidParameter, "\(named[0]) and \(named[1]) both say what becomes of labels: send one of them.",
                parameter: named[1], expected: "one of \(Self.changes.joined(separator: ", "))",
                actual: named.joined(separator: ", "))
        }
        let values = Set(ignored)
        if let map {
            try map.check(ignoring: ignored)
            rule = LabelRule(ignored: values, change: map.change)
        } else if reducesZero {
            rule = LabelRule(ignored: values, change: .reduceZero)
        } else if let offset, offset != 0 {
            rule = LabelRule(ignored: values, change: .offset(offset))
        } else {
            rule = LabelRule(ignored: values)
        }
    }

    /// The value that the method passes over, if labels came as they are. Labels by a rule know what is ignored
    /// themselves.
    package var ignoredLabel: Int64? { ignored.count == 1 ? ignored[0] : nil }

    /// The parameters as texts, by their names on the wire.
    var values: [String: String] {
        var values: [String: String] = [:]
        if !ignored.isEmpty { values["ignore_label"] = ignored.map(\.description).joined(separator: ",") }
        values["label_map"] = map?.text
        values["label_offset"] = offset.map(\.description)
        if reducesZero { values["reduce_zero_label"] = "true" }
        return values
    }

    /// Writes the parameters as members of a job's document.
    package func write(to members: inout JSONWriter.Members) {
        if ignored.count > 1 {
            members.integers("ignore_label", ignored.map(Int.init))
        } else {
            members.integer("ignore_label", ignored.first.map(Int.init))
        }
        map?.write(to: &members)
        if let offset { members.integer("label_offset", Int(offset)) }
        if reducesZero { members.boolean("reduce_zero_label", true) }
    }

    /// Reads `ignore_label`: whole numbers behind one another, each of which may be written as 255.0.
    private static func ignored(_ parameters: Parameters) throws(Problem) -> [Int64] {
        guard let list = parameters.list("ignore_label"), list.count > 1 else {
            let label = try parameters.integer("ignore_label", in: Int64.min...Int64.max)
            return [label].compactMap(\.self)
        }
        var result: [Int64] = []
        for text in list {
            let element = Parameters(known: ["ignore_label"], values: ["ignore_label": text])
            guard let label = try element.integer("ignore_label", in: Int64.min...Int64.max) else { continue }
            if !result.contains(label) { result.append(label) }
            guard result.count <= ignoredLimit else {
                throw .invalidParameter(
                    "ignore_label", expected: "at most \(ignoredLimit) whole numbers", actual: "\(list.count) of them")
            }
        }
        return result
    }
}

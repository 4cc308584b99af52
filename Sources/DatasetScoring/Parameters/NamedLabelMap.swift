import Memory
import Scoring
import WebService

/// A `label_map`: the class of each value of labels, or the name of a well-known one.
struct NamedLabelMap: Equatable, Sendable {
    /// The maps that have names.
    private enum Name: String, CaseIterable {
        /// The ids of the Cityscapes data set, as its masks `labelIds` have them, to its 19 `trainId`s.
        ///
        /// - SeeAlso: mcordts/cityscapesScripts `cityscapesscripts/helpers/labels.py`.
        case cityscapes
        /// The masks of ADE20K's 150 classes, in which 0 is everything else.
        case ade20k

        var change: LabelRule.Change {
            switch self {
            case .cityscapes:
                let classes: [Int64] = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
                var meanings: [Int64: LabelRule.Meaning] = [:]
                for id: Int64 in -1...33 { meanings[id] = .ignored }
                for (index, id) in classes.enumerated() { meanings[id] = .classIndex(index) }
                return .map(meanings)
            case .ade20k: return .reduceZero
            }
        }
    }

    private let name: Name?
    let change: LabelRule.Change
    /// Counts the memory of the map, which lives as long as its job is remembered; nil for a map that has a name.
    private let reservation: ByteReservation?

    /// The memory that one value of a map takes, in bytes.
    private static let byteCount = 128

    /// Reads a name, or a JSON object.
    ///
    /// - Throws: A 400 problem for anything else.
    init(_ text: String) throws(Problem) {
        name = Name(rawValue: text)
        if let name {
            (change, reservation) = (name.change, nil)
        } else if text.utf8.contains(UInt8(ascii: "{")) {
            var reader = LabelMapReader(text)
            let meanings = try reader.read()
            change = .map(meanings)
            do throws(MemoryError) {
                reservation = try ByteReservation(meanings.count * Self.byteCount)
            } catch {
                throw Problem(error)
            }
        } else {
            throw .invalidParameter(
                "label_map",
                expected: Name.allCases.map(\.rawValue).joined(separator: ", ") + " or an object {\"value\": class}",
                actual: text)
        }
    }

    static func == (left: NamedLabelMap, right: NamedLabelMap) -> Bool {
        (left.name, left.change) == (right.name, right.change)
    }

    private var meanings: [(value: Int64, LabelRule.Meaning)] {
        guard case .map(let meanings) = change else { return [] }
        return meanings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Proves that no value is ignored of which the map makes a class.
    ///
    /// - Throws: A 400 problem if one is.
    func check(ignoring ignored: [Int64]) throws(Problem) {
        guard case .map(let meanings) = change else { return }
        for value in ignored {
            guard case .classIndex(let index)? = meanings[value], !ignored.contains(Int64(index)) else { continue }
            throw Problem(
                .invalidParameter,
                "ignore_label names \(value), of which label_map makes class \(index): leave it out, or map it to null.",
                parameter: "ignore_label", expected: "values of which label_map makes no class", actual: "\(value)")
        }
    }

    /// The map as the wire has it.
    var text: String { name?.rawValue ?? object }

    private var object: String {
        let members = meanings.map { value, meaning in
            if case .classIndex(let index) = meaning { "\"\(value)\":\(index)" } else { "\"\(value)\":null" }
        }
        return "{\(members.joined(separator: ","))}"
    }

    /// Writes the map as a member of a job's document.
    func write(to members: inout JSONWriter.Members) {
        if let name {
            members.string("label_map", name.rawValue)
        } else {
            members.raw("label_map") { $0.append(contentsOf: object.utf8) }
        }
    }
}

import HTTPTypes
import Memory
import Scoring
import WebService

/// The files of two folders, matched by name: each image has its labels in one of them, and its predictions in the
/// other.
struct ImagePairs: Sendable {
    struct Pair: Sendable {
        let labels: ImageFolder.File
        let predictions: ImageFolder.File
    }

    /// The pairs in the order of the names' bytes, at least one.
    let pairs: [Pair]

    /// The files that were passed over, as problems name files; some of them if there are many.
    let others: [String]

    /// The memory that the lists take.
    private let reservations: [ByteReservation]

    /// Lists the folders, and matches their files.
    ///
    /// - Throws: A 422 problem if a folder cannot be used, or if a file has no partner; 503 if memory is short.
    init(_ labels: ImageFolder, _ predictions: ImageFolder) throws(Problem) {
        let masks = try labels.list()
        let outputs = try predictions.list()
        let table: ByteReservation
        do throws(MemoryError) {
            table = try ByteReservation((masks.files.count + outputs.files.count) * Self.bytesOfAnEntry)
        } catch {
            throw Problem(error)
        }
        let byName = Dictionary(outputs.files.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let known = Set(masks.files.map(\.name))
        let single = masks.files.filter { byName[$0.name] == nil }
        let others = outputs.files.filter { !known.contains($0.name) }
        guard single.isEmpty, others.isEmpty else {
            throw .unmatched(
                labels, Unmatched(names: single.map(\.name), of: masks.files.count), predictions,
                Unmatched(names: others.map(\.name), of: outputs.files.count))
        }
        pairs = masks.files.compactMap { file in byName[file.name].map { Pair(labels: file, predictions: $0) } }
        self.others = labels.texts(ofOthers: masks) + predictions.texts(ofOthers: outputs)
        reservations = [masks.reservation, outputs.reservation, table]
    }

    /// The memory that a file takes in a table of names, and as one of a pair.
    private static let bytesOfAnEntry = 256
}

/// The images of a folder that are not in the other one.
struct Unmatched {
    let names: [String]
    /// How many images the folder has.
    let of: Int

    /// Some of the names.
    fileprivate var listed: String {
        let some = names.prefix(3).map { $0.count > 60 ? "\($0.prefix(60))…" : $0 }.joined(separator: ", ")
        return names.count > 3 ? some + ", …" : some
    }

    fileprivate func sentence(_ folder: String, _ other: String) -> String? {
        guard let first = names.first else { return nil }
        guard names.count > 1 else { return "Of \(of) images in \(folder), 1 is not in \(other): \(first)." }
        return "Of \(of) images in \(folder), \(names.count) are not in \(other): \(listed)."
    }
}

extension Problem {
    /// The problem of images that are in one of two folders alone.
    fileprivate static func unmatched(
        _ labels: ImageFolder, _ masks: Unmatched, _ predictions: ImageFolder, _ outputs: Unmatched
    ) -> Problem {
        let sentences = [
            masks.sentence(labels.text, predictions.text), outputs.sentence(predictions.text, labels.text),
        ]
        let problem = Problem(
            .folderUnusable, sentences.compactMap(\.self).joined(separator: " "),
            parameter: masks.names.isEmpty ? labels.array.rawValue : predictions.array.rawValue,
            expected: "labels and predictions of each name",
            actual: "\(masks.names.count + outputs.names.count) without a partner")
        guard masks.names.count == masks.of, outputs.names.count == outputs.of else { return problem }
        return problem.explained("If they end differently, name the endings: FOLDER/*ENDING, the star is the name.")
    }
}

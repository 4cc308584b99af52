import Codecs
import Files
import HTTPTypes
import Memory
import Scoring
import WebService

/// The place of an array in a file in which its elements follow one another.
struct ArrayPlace {
    let layout: TensorLayout

    /// The offset of the first element in the file, in bytes.
    let offset: Int

    /// The bytes of all elements.
    var bytes: Range<Int> { offset..<offset + layout.byteCount }
}

extension FileArray {
    /// The place of the array in the file; nil if it is a member of an archive, which has to be read from its first
    /// byte to its last.
    ///
    /// - Throws: A problem with the file or its header.
    func place(of array: ScoringError.Array) throws(Problem) -> ArrayPlace? {
        try array.naming { () throws(Problem) in
            guard let place = try placeInFile(of: array) else { return nil }
            guard isOfOneImage else { return place }
            return ArrayPlace(layout: try place.layout.ofOneImage(array, labels: labelsOfImage), offset: place.offset)
        }
    }

    private func placeInFile(of array: ScoringError.Array) throws(Problem) -> ArrayPlace? {
        if isSafetensors { return try placeOfTensor(array) }
        guard member == nil else { return nil }
        try requireArray(array)
        return try placeInNpyFile(array)
    }

    /// The names of the file's tensors; empty if it is no safetensors file.
    var tensorNames: [String] {
        guard isSafetensors else { return [] }
        do throws(Problem) {
            return try tensorHeader(.labels).entries.map(\.name)
        } catch {
            // Whoever reads the file meets the same problem, and tells of it.
            return []
        }
    }

    private var isSafetensors: Bool {
        SafetensorsHeaderReader.begins(file.beginning(SafetensorsHeaderReader.beginningByteCount))
    }

    private func placeInNpyFile(_ array: ScoringError.Array) throws(Problem) -> ArrayPlace {
        let header = try header(NpyHeaderReader.self, of: array)
        do throws(CodecError) {
            guard let layout = header.layout else { preconditionFailure("a finished header has a layout") }
            let rest = file.byteCount - header.byteCount
            guard rest >= layout.byteCount else { throw .truncated(expected: layout.byteCount, actual: rest) }
            return ArrayPlace(layout: layout, offset: header.byteCount)
        } catch {
            throw Problem(error)
        }
    }

    /// The place of the tensor that is named; if none is, of the tensor that has the array's name, or of the only one.
    private func placeOfTensor(_ array: ScoringError.Array) throws(Problem) -> ArrayPlace {
        let header = try tensorHeader(array)
        let names = header.entries.map(\.name)
        let picked = member ?? array.tensor(among: names)
        guard let entry = header.entries.first(where: { $0.name == picked }) else {
            let listed = names.isEmpty ? "none" : names.joined(separator: ", ")
            throw Problem(
                .fileUnusable,
                member.map { "The file \(file.path) has no tensor \($0); it has \(listed)." }
                    ?? "The file \(file.path) has several tensors: name one of \(listed).",
                parameter: array.rawValue, expected: "\(file.path)#TENSOR", actual: file.path)
        }
        do throws(CodecError) {
            return ArrayPlace(layout: try entry.layout(), offset: header.byteCount + entry.bytes.lowerBound)
        } catch {
            throw Problem(error)
        }
    }

    private func tensorHeader(_ array: ScoringError.Array) throws(Problem) -> SafetensorsHeader {
        let reader = try header(SafetensorsHeaderReader.self, of: array)
        do throws(CodecError) {
            guard let header = reader.header else { preconditionFailure("a finished header is there") }
            guard file.byteCount >= header.fileByteCount else {
                throw .truncated(expected: header.fileByteCount, actual: file.byteCount)
            }
            guard file.byteCount == header.fileByteCount else { throw .trailingBytes }
            return header
        } catch {
            throw Problem(error)
        }
    }

    /// Reads the header of the file.
    private func header<Reader: HeaderReader>(
        _ type: Reader.Type, of array: ScoringError.Array
    ) throws(Problem) -> Reader {
        var reader = Reader()
        // What stands around the text is far shorter than the longest text.
        try file.read(0..<min(file.byteCount, 2 * Reader.textLimit), of: array) { (bytes) throws(Problem) in
            do throws(CodecError) {
                _ = try reader.read(bytes)
            } catch {
                throw Problem(error)
            }
        }
        do throws(CodecError) {
            try reader.finish()
        } catch {
            throw Problem(error)
        }
        return reader
    }
}

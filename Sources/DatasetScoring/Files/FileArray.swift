import Codecs
import Files
import HTTPTypes
import Scoring
import WebService

/// A file that holds an array: an npy file, an npz file with the array as a member, a safetensors file with the array as a
/// tensor, or a PNG image with the labels of one image.
struct FileArray {
    let file: InputFile

    /// The name of the member, with or without `.npy`, or of the tensor; nil for an npy file or a PNG image.
    let member: String?

    /// Whether the array is that of one image, with or without an axis of images.
    var isOfOneImage = false

    /// The shape of the labels of that image with its axis of images; nil if they have not been read.
    var labelsOfImage: [Int]?

    /// Reads the array from its first byte to its last, and brings it to the inputs of a request.
    ///
    /// - Throws: A problem with the file or the array.
    func read(_ array: ScoringError.Array, into inputs: any RequestInputs) throws(Problem) {
        let inputs: any RequestInputs = isOfOneImage ? OneImageInputs(inputs, labels: labelsOfImage) : inputs
        if array == .labels, member == nil, PNGLabelDecoder.isImage(file) { return try readImage(into: inputs) }
        guard let place = try place(of: array) else { return try readMember(array, into: inputs) }
        let receiver = InputReceiver(array, of: inputs)
        try array.naming { () throws(Problem) in
            try receiver.begin(place.layout, at: place.offset)
            try file.read(place.bytes, of: array) { (bytes) throws(Problem) in try receiver.receive(bytes) }
            try receiver.end()
        }
    }

    private func readImage(into inputs: any RequestInputs) throws(Problem) {
        let decoder = try PNGLabelDecoder(isOfOneImage ? nil : 0, name: nil, of: inputs)
        try file.read(0..<file.byteCount, of: .labels) { (bytes) throws(Problem) in try decoder.receive(bytes) }
        try decoder.finish()
    }

    private func readMember(_ array: ScoringError.Array, into inputs: any RequestInputs) throws(Problem) {
        guard let member else { preconditionFailure("whoever names no member has no archive") }
        let picker = MemberPicker(member.hasSuffix(".npy") ? member : member + ".npy", array, inputs)
        let decoder = NpzDecoder(receiver: picker, byteLimit: .max)
        try array.naming { () throws(Problem) in
            try file.read(0..<file.byteCount, of: array) { (bytes) throws(Problem) in try decoder.decode(bytes) }
            try decoder.finish()
        }
        guard picker.isFound else {
            throw Problem(
                .fileUnusable, "The file \(file.path) has no member \(member); it has \(memberNames).",
                parameter: array.rawValue, expected: "an npz file with that member", actual: file.path)
        }
    }

    /// Proves that the file itself is the array.
    ///
    /// - Throws: A 422 problem if the file is an archive and no member of it is named.
    func requireArray(_ array: ScoringError.Array) throws(Problem) {
        guard member == nil, ZipMembers.isArchive(file) else { return }
        throw Problem(
            .fileUnusable, "The file \(file.path) is an archive: name one of its members, which are \(memberNames).",
            parameter: array.rawValue, expected: "\(file.path)#MEMBER", actual: file.path)
    }

    private var memberNames: String {
        let names = ZipMembers.names(in: file).map { $0.hasSuffix(".npy") ? String($0.dropLast(4)) : $0 }
        return names.isEmpty ? "none" : names.joined(separator: ", ")
    }
}

/// Reads one member of an archive, and skips the others.
private final class MemberPicker: EntryReceiver {
    private let name: String
    private let array: ScoringError.Array
    private let inputs: any RequestInputs
    private var decoder: NpyArrayDecoder?
    private(set) var isFound = false

    init(_ name: String, _ array: ScoringError.Array, _ inputs: any RequestInputs) {
        self.name = name
        self.array = array
        self.inputs = inputs
    }

    func begin(entry name: String) throws(Problem) {
        guard name == self.name else { return }
        isFound = true
        decoder = NpyArrayDecoder(array, of: inputs)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try decoder?.receive(bytes)
    }

    func end(entry name: String) throws(Problem) {
        try decoder?.finish()
        decoder = nil
    }
}

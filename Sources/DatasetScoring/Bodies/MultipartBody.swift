import Codecs
import Memory
import Scoring
import WebService

/// Decodes a body that is a form: each array is an npy, npz or safetensors file in a part of its own, and parameters are
/// text parts. Labels may come as PNG images instead, each in a part of its own, and so do pictures of the images.
final class MultipartBody: BodyDecoder {
    private enum Part {
        case array(ArrayFileDecoder)
        case image(PNGLabelDecoder)
        case picture(ArrivingPictures)
        /// A picture or a parameter: its first bytes will tell.
        case pictureOrParameter(ArrivingPictures, beginning: [UInt8])
        case parameter(String, text: [UInt8], ByteReservation)
    }

    /// The most bytes that a parameter may have, and one that is a list of names. A text part that is longer is no
    /// parameter.
    private static let (textLimit, listLimit) = (1 << 16, 1 << 20)

    private let arrays: NamedArrays
    private let byteLimit: Int
    private let byteCount: Int?
    private var decoder: MultipartDecoder
    private let closingByteCount: Int
    private var part: Part?

    /// - Parameters:
    ///   - byteCount: The size of the whole form in bytes, if it is known beforehand.
    init(
        _ arrays: NamedArrays, _ type: MultipartType, _ limits: ArrayBody.Limits, byteCount: Int?
    ) throws(Problem) {
        self.arrays = arrays
        self.byteCount = byteCount
        byteLimit = limits.bodyBytes
        do throws(CodecError) {
            decoder = try MultipartDecoder(type)
        } catch {
            throw Problem(error)
        }
        closingByteCount = decoder.closingByteCount
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        try decoder.decode(bytes) { (part, offset, bytes) throws(Problem) in
            if offset == 0 {
                try endPart()
                try beginPart(part, firstByte: bytes.isEmpty ? nil : bytes[0])
            }
            try append(bytes)
            guard case .array(let array) = self.part else { return 0 }
            return array.certainBytes
        }
    }

    func finish() throws(Problem) {
        do throws(CodecError) {
            try decoder.finish()
        } catch {
            throw Problem(error)
        }
        try endPart()
    }

    func complete() throws(Problem) {}

    /// Begins a part. It is an array if it has the name of one, or if it came as a file.
    ///
    /// - Parameter firstByte: The first byte of the part; nil if the part is empty.
    private func beginPart(_ part: FormPart, firstByte: UInt8?) throws(Problem) {
        if arrays.array(named: part.name) == .labels, part.isImage(firstByte) {
            let index = try arrays.openLabelImage()
            self.part = .image(try PNGLabelDecoder(index, name: part.fileName, of: arrays.inputs))
        } else if part.name == Picture.parameter, let pictures = arrays.inputs.pictures {
            guard part.fileName != nil || part.mediaType?.lowercased().hasPrefix("image/") ?? false else {
                self.part = .pictureOrParameter(pictures, beginning: [])
                return
            }
            try pictures.beginFile(named: part.fileName)
            self.part = .picture(pictures)
        } else if part.fileName != nil || arrays.array(named: part.name) != nil {
            // The sizes of the form and of this part's array tell whether another part follows.
            let bytesToEnd = byteCount.map { $0 - Int(clamping: part.start) - closingByteCount }
            self.part = .array(
                ArrayFileDecoder(
                    try arrays.open(part.name), of: arrays.inputs, byteLimit: byteLimit, bytesToEnd: bytesToEnd))
        } else {
            self.part = .parameter(part.name, text: [], try Problem.reserve(0))
        }
    }

    private func append(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        switch part {
        case nil: return
        case .array(var array):
            part = nil
            try array.receive(bytes)
            part = .array(array)
        case .image(let image): try image.receive(bytes)
        case .picture(let pictures): try pictures.receiveFile(bytes)
        case .pictureOrParameter(let pictures, var beginning):
            part = nil
            let count = min(PictureKind.signatureByteCount - beginning.count, bytes.count)
            for index in 0..<count { beginning.append(bytes[index]) }
            part = .pictureOrParameter(pictures, beginning: beginning)
            guard beginning.count == PictureKind.signatureByteCount else { return }
            try decide()
            try append(bytes.extracting(count..<bytes.count))
        case .parameter(let name, var text, let reservation):
            part = nil
            let limit = ScoreParameters.textListNames.contains(name) ? Self.listLimit : Self.textLimit
            guard text.count + bytes.count <= limit else {
                throw .invalidParameter(name, expected: "at most \(limit) bytes", actual: "more")
            }
            let count = bytes.count
            try Problem.allocating { () throws(MemoryError) in try reservation.grow(by: count) }
            for index in 0..<bytes.count { text.append(bytes[index]) }
            part = .parameter(name, text: text, reservation)
        }
    }

    /// Finds whether a part that can be either is a picture or a parameter.
    private func decide() throws(Problem) {
        guard case .pictureOrParameter(let pictures, let beginning) = part else { return }
        if PictureKind(beginning.span) != nil {
            try pictures.beginFile(named: nil)
            part = .picture(pictures)
        } else {
            part = .parameter(Picture.parameter, text: [], try Problem.reserve(0))
        }
        try append(beginning.span)
    }

    private func endPart() throws(Problem) {
        try decide()
        defer { part = nil }
        switch part {
        case nil: return
        case .array(var array): try array.finish()
        case .image(let image): try image.finish()
        case .picture(let pictures): try pictures.endFile()
        case .pictureOrParameter: preconditionFailure("it was decided")
        case .parameter(let name, let text, _):
            try arrays.inputs.set(name, String(decoding: text, as: UTF8.self))
        }
    }
}

extension FormPart {
    /// Whether the part is a PNG image: it says so, or begins as one and not as an npy file, by which curl and browsers
    /// are known to send files of any media type.
    ///
    /// - Parameter firstByte: The first byte of the part; nil if the part is empty.
    fileprivate func isImage(_ firstByte: UInt8?) -> Bool {
        mediaType?.lowercased() == "image/png" || firstByte == 0x89
    }
}

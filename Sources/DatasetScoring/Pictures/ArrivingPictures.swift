import Codecs
import Foundation
import Memory
import Scoring
package import WebService

/// Takes the pictures that come with a request, as files one after the other, or as one array of pixels.
package final class ArrivingPictures {
    /// What is known of a file takes about as many bytes, besides its name.
    private static let bytesOfAFile = 128

    private let byteLimit: Int
    private var byteCount = 0
    private var buffers: [Buffer<UInt8>] = []
    private var form: KeptPictures.Form?

    // Of files.
    private var kinds: [PictureKind] = []
    private var file: ArrivingFile?
    private var stems = PictureStems()
    /// The memory for what is known of files besides their bytes.
    private let knowledge: ByteReservation

    // Of an array.
    private var pixels: (image: Buffer<UInt8>?, filled: Int, size: Int) = (nil, 0, 0)

    /// - Parameter byteLimit: The most bytes that all pictures may have.
    package init(byteLimit: Int) throws(Problem) {
        self.byteLimit = byteLimit
        knowledge = try Problem.reserve(0)
    }

    /// The pictures, once all of them have come; nil if there are none.
    var kept: KeptPictures? {
        if !kinds.isEmpty { return KeptPictures(.files(kinds), buffers) }
        return form.map { KeptPictures($0, buffers) }
    }

    /// The names of the files without folders and suffixes; nil unless each file has one and no two are equal.
    var names: [String]? { stems.names }

    // MARK: - Files

    /// Notes that the next file begins.
    ///
    /// - Parameter fileName: What the client calls the file; nil if it does not say.
    /// - Throws: A 400 problem if pixels have come besides.
    func beginFile(named fileName: String?) throws(Problem) {
        guard form == nil else { throw .repeated(Picture.parameter) }
        let byteCount = Self.bytesOfAFile + (fileName?.utf8.count ?? 0)
        try Problem.allocating { () throws(MemoryError) in try knowledge.grow(by: byteCount) }
        file = ArrivingFile()
        stems.add(fileName)
    }

    /// Takes the next bytes of a file.
    ///
    /// - Throws: A 400 problem for what is no picture; 413 if it is too large, or all pictures are; 503 if memory is
    ///   short.
    func receiveFile(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        guard let file else { return }
        try count(bytes.count)
        try file.receive(bytes)
        guard file.byteCount <= Picture.byteLimit else {
            throw Problem(
                .bodyTooLarge, "The picture in part \(kinds.count + 1) of images is too large.",
                parameter: Picture.parameter, expected: "at most \(Picture.byteLimit) bytes",
                limit: Picture.byteLimit)
        }
        if file.kind == nil, file.byteCount >= PictureKind.signatureByteCount { throw noPicture(file) }
    }

    /// Notes that all of the file has come.
    ///
    /// - Throws: A 400 problem for what is no picture; 503 if memory is short.
    func endFile() throws(Problem) {
        guard let file else { return }
        self.file = nil
        guard let kind = file.kind else { throw noPicture(file) }
        buffers.append(try file.joined())
        kinds.append(kind)
    }

    private func noPicture(_ file: ArrivingFile) -> Problem {
        let beginning = file.beginning.map { String(format: "%02x", $0) }.joined(separator: " ")
        let found = beginning.isEmpty ? "is empty" : "begins with the bytes \(beginning)"
        return Problem(
            .invalidParameter,
            "Part \(kinds.count + 1) of images, that of image \(kinds.count), is no picture: it \(found).",
            parameter: Picture.parameter, expected: "a PNG, JPEG or WebP file",
            actual: beginning.isEmpty ? "0 bytes" : beginning)
    }

    private func count(_ more: Int) throws(Problem) {
        guard more <= byteLimit - byteCount else {
            throw Problem(
                .jobTooLarge, "The images would be more than is kept of results.", parameter: Picture.parameter,
                expected: "at most \(byteLimit) bytes in all", actual: "more", limit: byteLimit)
        }
        byteCount += more
    }

    // MARK: - Pixels

    fileprivate func begin(_ layout: TensorLayout) throws(Problem) {
        guard form == nil, kinds.isEmpty, file == nil else { throw .repeated(Picture.parameter) }
        guard layout.elementType.scalar == .uint8 else {
            throw Problem(
                .unsupportedElementType, "images are pixels of 8 bits.", parameter: Picture.parameter,
                expected: "uint8",
                actual: "\(layout.elementType.scalar)")
        }
        guard layout.order == .c else {
            throw Problem(
                .unsupportedOrder, "images are taken in C order.", parameter: Picture.parameter, expected: "C order",
                actual: "Fortran order")
        }
        let shape = layout.shape.count == 3 ? layout.shape + [1] : layout.shape
        guard shape.count == 4, shape[3] == 1 || shape[3] == 3, !shape.contains(0) else {
            throw Problem(
                .shapeMismatch, "images are grey or red, green and blue.", parameter: Picture.parameter,
                expected: "(N, H, W), (N, H, W, 1) or (N, H, W, 3)", actual: layout.shape.inWords)
        }
        let size = layout.byteCount / shape[0]
        guard size <= Picture.byteLimit else {
            throw Problem(
                .bodyTooLarge, "Each image has more bytes than a picture may have.", parameter: Picture.parameter,
                expected: "at most \(Picture.byteLimit) bytes", actual: "\(size)",
                limit: Picture.byteLimit)
        }
        try count(layout.byteCount)
        form = .pixels(height: shape[1], width: shape[2], channelCount: shape[3])
        pixels.size = size
    }

    fileprivate func receivePixels(_ bytes: borrowing Span<UInt8>) throws(Problem) {
        var position = 0
        while position < bytes.count {
            let image: Buffer<UInt8>
            if let begun = pixels.image {
                image = begun
            } else {
                image = try Problem.allocating { () throws(MemoryError) in try Buffer(uninitialized: pixels.size) }
                (pixels.image, pixels.filled) = (image, 0)
            }
            let count = min(pixels.size - pixels.filled, bytes.count - position)
            image.fill(from: pixels.filled, bytes.extracting(position..<position + count))
            position += count
            pixels.filled += count
            if pixels.filled == pixels.size {
                buffers.append(image)
                pixels.image = nil
            }
        }
    }
}

/// Takes an array of pixels from a decoder.
final class PictureArrayReceiver: ArrayReceiver {
    private let pictures: ArrivingPictures

    init(_ pictures: ArrivingPictures) {
        self.pictures = pictures
    }

    func begin(_ layout: TensorLayout, at offset: Int) throws(Problem) { try pictures.begin(layout) }
    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem) { try pictures.receivePixels(bytes) }
    func end() throws(Problem) {}
}

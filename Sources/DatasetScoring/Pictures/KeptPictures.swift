import Codecs
package import Memory
package import Scoring
package import WebService

/// The pictures that came with the images of one body, one for each, as they are kept.
package struct KeptPictures: Sendable {
    /// What the bytes of each picture are.
    package enum Form: Codable, Equatable, Sendable {
        /// Whole files.
        case files([PictureKind])
        /// Pixels of 8 bits, `(height, width, channels)` of each picture; there are 1 or 3 channels.
        case pixels(height: Int, width: Int, channelCount: Int)
    }

    package let form: Form
    /// The size of each picture, in bytes.
    package let sizes: [Int]
    private let read: @Sendable (Int) throws(Problem) -> Buffer<UInt8>
    /// The bytes of the pictures in memory; nil if they are in a file.
    package let buffers: [Buffer<UInt8>]?

    /// Pictures in memory.
    init(_ form: Form, _ buffers: [Buffer<UInt8>]) {
        self.form = form
        self.buffers = buffers
        sizes = buffers.map(\.count)
        read = { buffers[$0] }
    }

    /// Pictures in a file.
    ///
    /// - Parameter read: Reads the bytes of a picture, of as many as its size says.
    package init(
        _ form: Form, sizes: [Int], read: @escaping @Sendable (Int) throws(Problem) -> Buffer<UInt8>
    ) {
        (self.form, self.sizes, self.read, buffers) = (form, sizes, read, nil)
    }

    /// The memory that the pictures take, or the room on the disk, in bytes.
    package var byteCount: Int { sizes.reduce(0, +) }

    /// Proves that there is a picture for each image, and that pixels are those of the labels.
    ///
    /// - Throws: A 400 problem for another number of files; 422 for pixels of another shape.
    package func check(_ labels: LabelShape) throws(Problem) {
        switch form {
        case .files(let kinds):
            guard kinds.count != labels.imageCount else { return }
            throw .invalidParameter(
                Picture.parameter, expected: "\(labels.imageCount) files, one for each image",
                actual: "\(kinds.count) files")
        case .pixels(let height, let width, _):
            guard sizes.count != labels.imageCount || labels.space != [height, width] else { return }
            throw Problem(
                .shapeMismatch, "images have other extents than labels.", parameter: Picture.parameter,
                expected: ([labels.imageCount] + labels.space).inWords, actual: [sizes.count, height, width].inWords)
        }
    }

    /// What is behind an image's name in the name of its picture's file, such as `.jpg`.
    func suffix(_ image: Int) -> String {
        switch form {
        case .files(let kinds): kinds[image].suffix
        case .pixels: PictureKind.png.suffix
        }
    }

    /// The picture of an image. Pixels are encoded as PNG.
    ///
    /// - Throws: A 500 problem if a file is not what was written; 503 if memory is short.
    func picture(_ image: Int) throws(Problem) -> Picture {
        let bytes = try read(image)
        switch form {
        case .files(let kinds): return Picture(kind: kinds[image], bytes: bytes)
        case .pixels(let height, let width, let channelCount):
            do throws(CodecError) {
                let file =
                    channelCount == 3
                    ? try PNGEncoder.encodeRGB(bytes.span, width: width, height: height)
                    : try PNGEncoder.encodeGrey(bytes.span, width: width, height: height)
                return Picture(kind: .png, bytes: file)
            } catch {
                throw Problem(error)
            }
        }
    }
}

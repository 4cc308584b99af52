import Codecs
import DatasetScoring
import HTTPTypes
import Memory
import Scoring
import ServiceInterface
import WebService

extension Response {
    /// An array of one image as a picture: a mask in grey, with 255 for an issue, scores as a heat map, or classes as
    /// the numbers of pixels, with PASCAL VOC's colours up to 255, and else as 16-bit grey.
    ///
    /// - Parameters:
    ///   - array: The array, `(H, W)`.
    /// - Throws: A 422 problem for an image that PNG cannot hold, as one of other dimensions than two; 503 if memory is
    ///   short.
    static func png(_ array: ArrayAnswer) throws(Problem) -> Response {
        var body = ResponseBody()
        body.append(try pngFile(array))
        return Response(.ok, .png, body)
    }

    /// Pictures of images in an archive.
    ///
    /// - Parameters:
    ///   - pictures: The name of each file, and its array, as ``png(_:)`` takes it.
    ///   - reservation: The memory that the archive takes besides the files.
    /// - Throws: The problems of ``png(_:)``.
    static func zip(
        _ pictures: [(name: String, array: ArrayAnswer)], _ reservation: ByteReservation
    ) throws(Problem) -> Response {
        let entries = try pictures.map { (name, array) throws(Problem) in
            let file = try pngFile(array)
            return NpzEntry(file: name, content: [(file, 0..<file.count)])
        }
        do throws(MemoryError) {
            var body = ResponseBody()
            for piece in try NpzEncoder.archive(of: entries) { body.append(piece.owner, piece.range) }
            body.reservation = reservation
            return Response(.ok, .zip, body)
        } catch {
            throw Problem(error)
        }
    }

    private static func pngFile(_ array: ArrayAnswer) throws(Problem) -> Buffer<UInt8> {
        guard array.layout.shape.count == 2 else {
            throw Problem(
                .notDrawable,
                "A picture has two dimensions, and the image has the extents \(array.layout.shape.inWords): ask for npy "
                    + "and draw a part of it.", parameter: "Accept", expected: "application/x-npy",
                actual: "image/png")
        }
        let (height, width) = (array.layout.shape[0], array.layout.shape[1])
        do throws(CodecError) {
            let piece = array.pieces[0]
            switch piece.elements {
            case .mask(let mask):
                return try .greyPNG(mask.span.extracting(piece.range), width: width, height: height)
            case .scores(.float32(let scores)):
                return try .heatMapPNG(scores.span.extracting(piece.range), width: width, height: height)
            case .scores(.float64(let scores)):
                return try .heatMapPNG(scores.span.extracting(piece.range), width: width, height: height)
            case .classes(.narrow(let codes)):
                return try PNGEncoder.encodePalette(
                    codes.span.extracting(piece.range), palette: ColourClasses.Colour.voc, width: width, height: height)
            case .classes(.wide(let codes)):
                return try PNGEncoder.encodeGrey16(codes.span.extracting(piece.range), width: width, height: height)
            case .numbers, .indices:
                preconditionFailure("only masks, classes and pixel scores are offered as pictures")
            }
        } catch {
            throw Problem(error)
        }
    }
}

extension Buffer<UInt8> {
    fileprivate static func greyPNG(
        _ mask: borrowing Span<UInt8>, width: Int, height: Int
    ) throws(CodecError) -> Buffer<UInt8> {
        let pixels: Buffer<UInt8>
        do throws(MemoryError) {
            pixels = try Buffer(uninitialized: mask.count)
        } catch {
            throw .outOfMemory(byteCount: mask.count)
        }
        pixels.withMutableSpan { pixels in
            for index in 0..<mask.count { pixels[index] = mask[index] == 0 ? 0 : 255 }
        }
        return try PNGEncoder.encodeGrey(pixels.span, width: width, height: height)
    }

    fileprivate static func heatMapPNG<Score: BinaryFloatingPoint & BitwiseCopyable>(
        _ scores: borrowing Span<Score>, width: Int, height: Int
    ) throws(CodecError) -> Buffer<UInt8> {
        let pixels: Buffer<UInt8>
        do throws(MemoryError) {
            pixels = try HeatMap.pixels(scores)
        } catch {
            throw .outOfMemory(byteCount: scores.count * 3)
        }
        return try PNGEncoder.encodeRGB(pixels.span, width: width, height: height)
    }
}

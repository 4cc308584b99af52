import Codecs
import CPNG
import Memory
import Testing

@Suite struct PNGEncoderTests {
    private func decode(_ file: Buffer<UInt8>, format: UInt32, channelCount: Int) throws -> (Int, Int, [UInt8]) {
        var image = png_image()
        image.version = UInt32(PNG_IMAGE_VERSION)
        let bytes = file.stableBytes
        try #require(png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0)
        // What the file holds is what comes out, without conversion.
        #expect(image.format == format)
        var pixels = [UInt8](repeating: 0, count: Int(image.width * image.height) * channelCount)
        try #require(png_image_finish_read(&image, nil, &pixels, 0, nil) != 0)
        return (Int(image.width), Int(image.height), pixels)
    }

    private func noise(_ count: Int) -> [UInt8] {
        var generator = SeededGenerator(state: UInt64(count))
        return (0..<count).map { _ in .random(in: 0...255, using: &generator) }
    }

    @Test(arguments: [(1, 1), (3, 2), (17, 31), (1, 300), (300, 1), (256, 255)])
    func writesGreyImagesThatAreReadBack(width: Int, height: Int) throws {
        // Noise is the worst case for the size.
        let pixels = noise(width * height)
        let file = try PNGEncoder.encodeGrey(pixels.span, width: width, height: height)
        #expect(try decode(file, format: 0, channelCount: 1) == (width, height, pixels))
    }

    @Test(arguments: [(1, 1), (5, 3), (129, 64)])
    func writesColourImagesThatAreReadBack(width: Int, height: Int) throws {
        let pixels = noise(width * height * 3)
        let file = try PNGEncoder.encodeRGB(pixels.span, width: width, height: height)
        #expect(try decode(file, format: PNG_FORMAT_FLAG_COLOR, channelCount: 3) == (width, height, pixels))
    }

    /// The values of a picture as labels are read from it.
    private func values(of file: Buffer<UInt8>) throws -> [Int] {
        let collector = TensorCollector()
        let decoder = try PNGDecoder(receiver: collector)
        try decoder.decode(file.span)
        try decoder.finish()
        return collector.values.map { Int($0) }
    }

    @Test(arguments: [1, 2, 3, 16, 17, 256]) func writesPalettesWhosePlacesAreReadBack(count: Int) throws {
        let pixels = noise(37 * 11).map { UInt8(Int($0) % count) }
        let palette = (0..<count).map {
            ColourClasses.Colour(red: UInt8($0), green: UInt8(255 - $0), blue: UInt8($0 / 2))
        }
        let file = try PNGEncoder.encodePalette(pixels.span, palette: palette, width: 37, height: 11)
        #expect(try values(of: file) == pixels.map { Int($0) })
    }

    @Test func writesGreyOf16BitsThatIsReadBack() throws {
        let pixels = (0..<65_536).map { UInt16(truncatingIfNeeded: $0 * 40_503) }
        let file = try PNGEncoder.encodeGrey16(pixels.span, width: 256, height: 256)
        #expect(try values(of: file) == pixels.map { Int($0) })
    }

    @Test func compressesAMask() throws {
        let pixels = [UInt8](repeating: 255, count: 512 * 512)
        #expect(try PNGEncoder.encodeGrey(pixels.span, width: 512, height: 512).count < 8192)
    }

    @Test(arguments: [(0, 4), (4, 0), (1_000_001, 1), (1, 1_000_001)])
    func refusesExtentsThatPNGDoesNotTake(width: Int, height: Int) {
        let pixels = noise(width * height)
        #expect(throws: CodecError.pngExtents(width: width, height: height)) {
            try PNGEncoder.encodeGrey(pixels.span, width: width, height: height)
        }
    }
}

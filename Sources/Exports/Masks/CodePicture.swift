import Codecs
import Memory
import Scoring

/// A picture of numbers, such as those of classes, as formats of pictures hold it.
struct CodePicture {
    private let width: Int
    private let height: Int
    /// `(H·W,)`, 0 of pixels that take no part.
    private let codes: Buffer<UInt16>

    /// The codes of classes: each pixel's, or those of regions' pixels, that have the class that they are to have.
    ///
    /// - Parameter code: The code of each class.
    /// - Throws: ``ExportError/memory(_:)``.
    init(_ image: ExportedImage, _ content: ExportContent, code: [Int]) throws(ExportError) {
        switch content {
        case .masks:
            guard let labels = image.labels else { preconditionFailure("labels are asked for") }
            self.init(image, try .export(image.width * image.height))
            codes.withMutableSpan { codes in
                let labels = labels.span
                for pixel in labels.indices {
                    let label = Int(labels[pixel])
                    codes[pixel] = label < code.count ? UInt16(code[label]) : 0
                }
            }
        case .regions:
            try self.init(image) { label in code.indices.contains(label) ? code[label] : 0 }
        }
    }

    /// The numbers of regions, from 1 on; nil if an image has more than a palette holds.
    ///
    /// - Throws: ``ExportError/memory(_:)``.
    init?(instancesOf image: ExportedImage, _ classes: ExportClasses) throws(ExportError) {
        let count = image.regions.count { classes.names.indices.contains($0.label) }
        guard count < 256 else { return nil }
        var number = 0
        try self.init(image) { label in
            guard classes.names.indices.contains(label) else { return 0 }
            number += 1
            return number
        }
    }

    private init(_ image: ExportedImage, _ codes: Buffer<UInt16>) {
        (width, height, self.codes) = (image.width, image.height, codes)
    }

    /// - Parameter code: Gives the code of a region, by its label.
    private init(_ image: ExportedImage, _ code: (_ label: Int) -> Int) throws(ExportError) {
        self.init(image, try .export(image.width * image.height))
        let rowWidth = width
        codes.withMutableSpan { codes in
            for region in image.regions {
                let value = UInt16(code(region.label))
                guard value != 0 else { continue }
                let (mask, pixels) = (region.mask, region.mask.mask.span)
                for row in 0..<mask.height {
                    let start = (mask.top + row) * rowWidth + mask.left
                    for column in 0..<mask.width where pixels[row * mask.width + column] != 0 {
                        codes[start + column] = value
                    }
                }
            }
        }
    }

    /// A PNG whose grey values are the codes, of 8 bits, or of 16.
    ///
    /// - Throws: ``ExportError/memory(_:)`` or ``ExportError/codec(_:)``.
    func grey(isWide: Bool) throws(ExportError) -> Buffer<UInt8> {
        let narrow = isWide ? nil : try narrowed()
        do throws(CodecError) {
            guard let narrow else { return try PNGEncoder.encodeGrey16(codes.span, width: width, height: height) }
            return try PNGEncoder.encodeGrey(narrow.span, width: width, height: height)
        } catch {
            throw .codec(error)
        }
    }

    /// A PNG of each code's colour in Pascal VOC, with a palette if that holds all of them.
    ///
    /// - Parameter count: How many codes there are.
    /// - Throws: ``ExportError/memory(_:)`` or ``ExportError/codec(_:)``.
    func coloured(count: Int) throws(ExportError) -> Buffer<UInt8> {
        let isNarrow = count <= 256
        let pixels = isNarrow ? try narrowed() : try painted()
        do throws(CodecError) {
            guard isNarrow else { return try PNGEncoder.encodeRGB(pixels.span, width: width, height: height) }
            return try PNGEncoder.encodePalette(
                pixels.span, palette: Array(ColourClasses.Colour.voc.prefix(count)), width: width, height: height)
        } catch {
            throw .codec(error)
        }
    }

    private func narrowed() throws(ExportError) -> Buffer<UInt8> {
        let narrow: Buffer<UInt8> = try .export(codes.count)
        narrow.withMutableSpan { narrow in
            let codes = codes.span
            for pixel in codes.indices { narrow[pixel] = UInt8(truncatingIfNeeded: codes[pixel]) }
        }
        return narrow
    }

    private func painted() throws(ExportError) -> Buffer<UInt8> {
        let painted: Buffer<UInt8> = try .export(3 * codes.count)
        painted.withMutableSpan { painted in
            let codes = codes.span
            var (last, colour) = (UInt16(0), ColourClasses.Colour.voc(0))
            for pixel in codes.indices {
                // Most pixels have the colour of their neighbour.
                if codes[pixel] != last { (last, colour) = (codes[pixel], .voc(Int(codes[pixel]))) }
                painted[3 * pixel] = colour.red
                painted[3 * pixel + 1] = colour.green
                painted[3 * pixel + 2] = colour.blue
            }
        }
        return painted
    }
}

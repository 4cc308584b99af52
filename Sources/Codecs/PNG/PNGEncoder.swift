private import CPNG
import Glibc
package import Memory
import Threads

/// Encodes images as PNG, at libpng's fastest settings.
package enum PNGEncoder {
    /// The most that libpng allows for either extent.
    private static let extentLimit = 1_000_000

    /// Encodes an 8-bit grey image; 255 is white.
    ///
    /// - Parameter pixels: The pixels, `(height, width)`, as many as the extents say.
    /// - Returns: A whole PNG file.
    /// - Throws: ``CodecError/pngExtents(width:height:)`` for an extent of 0 or above a million,
    ///   ``CodecError/png(reason:)`` or ``CodecError/outOfMemory(byteCount:)``.
    package static func encodeGrey(
        _ pixels: borrowing Span<UInt8>, width: Int, height: Int
    ) throws(CodecError) -> Buffer<UInt8> {
        try encode(pixels, format: 0, channelCount: 1, width: width, height: height)
    }

    /// Encodes a 16-bit grey image.
    ///
    /// The file says that its values are linear, since libpng writes no others of 16 bits; readers of labels take the
    /// values as they stand.
    ///
    /// - Parameter pixels: The pixels, `(height, width)`, as many as the extents say.
    /// - Returns: A whole PNG file.
    /// - Throws: The errors that ``encodeGrey(_:width:height:)`` throws.
    package static func encodeGrey16(
        _ pixels: borrowing Span<UInt16>, width: Int, height: Int
    ) throws(CodecError) -> Buffer<UInt8> {
        try encode(pixels, format: PNG_FORMAT_FLAG_LINEAR, channelCount: 1, width: width, height: height)
    }

    /// Encodes an image of places in a palette.
    ///
    /// - Parameters:
    ///   - pixels: The pixels, `(height, width)`, as many as the extents say, each less than the number of colours.
    ///   - palette: The colours, from 1 to 256.
    /// - Returns: A whole PNG file.
    /// - Throws: The errors that ``encodeGrey(_:width:height:)`` throws.
    package static func encodePalette(
        _ pixels: borrowing Span<UInt8>, palette: [ColourClasses.Colour], width: Int, height: Int
    ) throws(CodecError) -> Buffer<UInt8> {
        precondition((1...256).contains(palette.count))
        let colours = palette.flatMap { [$0.red, $0.green, $0.blue] }
        return try encode(
            pixels, format: PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_COLORMAP, channelCount: 1, width: width,
            height: height, palette: colours)
    }

    /// Encodes an image of 8-bit red, green and blue.
    ///
    /// - Parameter pixels: The pixels, `(height, width, 3)`, as many as the extents say.
    /// - Returns: A whole PNG file.
    /// - Throws: The errors that ``encodeGrey(_:width:height:)`` throws.
    package static func encodeRGB(
        _ pixels: borrowing Span<UInt8>, width: Int, height: Int
    ) throws(CodecError) -> Buffer<UInt8> {
        try encode(pixels, format: PNG_FORMAT_FLAG_COLOR, channelCount: 3, width: width, height: height)
    }

    /// - Parameter palette: Red, green and blue of each colour of the palette, if the format has one.
    private static func encode<Sample: BitwiseCopyable>(
        _ pixels: borrowing Span<Sample>, format: UInt32, channelCount: Int, width: Int, height: Int,
        palette: [UInt8] = []
    ) throws(CodecError) -> Buffer<UInt8> {
        DaemonThread.refuse("to encode a picture")
        guard (1...extentLimit).contains(width), (1...extentLimit).contains(height) else {
            throw .pngExtents(width: width, height: height)
        }
        precondition(pixels.count == width * height * channelCount)
        var image = unsafe png_image()
        unsafe image.version = UInt32(PNG_IMAGE_VERSION)
        unsafe image.width = UInt32(width)
        unsafe image.height = UInt32(height)
        unsafe image.format = format
        unsafe image.flags = UInt32(PNG_IMAGE_FLAG_FAST)
        unsafe image.colormap_entries = UInt32(palette.count / 3)

        // The size that deflated data can grow to, computed as PNG_IMAGE_PNG_SIZE_MAX does. The macro itself multiplies
        // in 32 bits.
        let dataCount = pixels.count * MemoryLayout<Sample>.stride + height
        let capacity =
            1024 + 4 * palette.count + dataCount + ((dataCount + 7) >> 3) + ((dataCount + 63) >> 6) + 11 + 12
            * (dataCount >> 12)
        // The memory counts against the budget while the file is written; afterwards the answer's buffer counts for
        // what is left of it.
        guard let reservation = try? ByteReservation(capacity), let memory = unsafe malloc(capacity) else {
            throw .outOfMemory(byteCount: capacity)
        }
        defer {
            unsafe free(memory)
            withExtendedLifetime(reservation) {}
        }
        var count = png_alloc_size_t(capacity)
        let isWritten = unsafe pixels.withUnsafeBufferPointer { buffer in
            unsafe png_image_write_to_memory(&image, memory, &count, 0, buffer.baseAddress, 0, palette)
        }
        guard isWritten != 0 else { throw .png(reason: unsafe message(of: image)) }
        do {
            let written = unsafe UnsafeRawBufferPointer(start: memory, count: Int(count))
            return try unsafe written.withMemoryRebound(to: UInt8.self) { try unsafe Buffer(copying: $0.span) }
        } catch {
            throw .outOfMemory(byteCount: Int(count))
        }
    }

    private static func message(of image: png_image) -> String {
        unsafe withUnsafeBytes(of: image.message) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

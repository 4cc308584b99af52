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

    /// Encodes an image whose pixels are numbers of colours.
    ///
    /// - Parameters:
    ///   - pixels: The pixels, `(height, width)`, as many as the extents say.
    ///   - palette: Red, green and blue of each of the 256 numbers.
    /// - Returns: A whole PNG file.
    /// - Throws: The errors that ``encodeGrey(_:width:height:)`` throws.
    package static func encodeIndices(
        _ pixels: borrowing Span<UInt8>, palette: [UInt8], width: Int, height: Int
    ) throws(CodecError) -> Buffer<UInt8> {
        precondition(palette.count == 3 * 256)
        return try encode(
            pixels, format: PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_COLORMAP, channelCount: 1, width: width,
            height: height, palette: palette)
    }

    /// Encodes a 16-bit grey image.
    ///
    /// - Parameter pixels: The pixels, `(height, width)`, as many as the extents say.
    /// - Returns: A whole PNG file.
    /// - Throws: The errors that ``encodeGrey(_:width:height:)`` throws.
    package static func encodeGrey(
        _ pixels: borrowing Span<UInt16>, width: Int, height: Int
    ) throws(CodecError) -> Buffer<UInt8> {
        // libpng takes 16-bit samples as linear light, and writes them as they are.
        try unsafe pixels.withUnsafeBytes { (bytes) throws(CodecError) in
            try unsafe encode(
                bytes.bindMemory(to: UInt8.self).span, format: PNG_FORMAT_FLAG_LINEAR, channelCount: 2, width: width,
                height: height)
        }
    }

    /// - Parameter channelCount: The bytes of a pixel.
    private static func encode(
        _ pixels: borrowing Span<UInt8>, format: UInt32, channelCount: Int, width: Int, height: Int,
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
        let dataCount = pixels.count + height
        let capacity = 2048 + dataCount + ((dataCount + 7) >> 3) + ((dataCount + 63) >> 6) + 11 + 12 * (dataCount >> 12)
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
            unsafe palette.withUnsafeBufferPointer { palette in
                unsafe png_image_write_to_memory(
                    &image, memory, &count, 0, buffer.baseAddress, 0, palette.isEmpty ? nil : palette.baseAddress)
            }
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

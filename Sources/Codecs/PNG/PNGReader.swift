private import CPNGReading

/// libpng's reader of one image. A subclass says what becomes of the image; ``PNGDecoder`` is generic, which no class
/// that C calls back can be.
@safe
class PNGReader {
    /// What an image is, as it stands in its head.
    struct Head {
        let width: Int
        let height: Int
        /// The bits of a sample: 1, 2, 4, 8 or 16.
        let depth: Int
        /// The samples of a pixel, from 1 to 4; even with alpha.
        let channels: Int
        let isInterlaced: Bool
    }

    private let reader: OpaquePointer

    /// The most bytes that a chunk without pixels may have. Palettes have at most 768.
    private static let chunkLimit: UInt32 = 4096

    /// - Throws: ``CodecError/outOfMemory(byteCount:)``.
    init() throws(CodecError) {
        let callbacks = unsafe segscore_png_callbacks(
            take_head: { context, head, image in
                guard let context = unsafe context, let head = unsafe head?.pointee else { return false }
                let own = unsafe Unmanaged<PNGReader>.fromOpaque(context).takeUnretainedValue()
                let rows = own.take(
                    Head(
                        width: Int(head.width), height: Int(head.height), depth: Int(head.depth),
                        channels: Int(head.channels), isInterlaced: head.is_interlaced))
                unsafe image?.pointee = unsafe own.image
                return rows
            },
            take_rows: { context, bytes, count in
                guard let context = unsafe context else { return false }
                let own = unsafe Unmanaged<PNGReader>.fromOpaque(context).takeUnretainedValue()
                return own.take(rows: unsafe UnsafeBufferPointer(start: bytes, count: count).span)
            })
        guard let reader = unsafe segscore_png_open(callbacks, Self.chunkLimit) else {
            throw .outOfMemory(byteCount: Self.byteCount)
        }
        unsafe self.reader = reader
    }

    deinit {
        unsafe segscore_png_close(reader)
    }

    /// The bytes that libpng and zlib take for themselves, mostly zlib's window, and those of a block of rows.
    static let byteCount = 80 << 10

    /// The memory for the rows of an interlaced image; nil for any other.
    @unsafe
    var image: UnsafeMutablePointer<UInt8>? { nil }

    /// Takes the head, before anything is allocated for the image.
    ///
    /// - Returns: Whether the image is wanted.
    func take(_ head: Head) -> Bool { false }

    /// Takes the next rows of an image that is not interlaced, each of which is whole.
    ///
    /// - Returns: Whether further rows are wanted.
    func take(rows: borrowing Span<UInt8>) -> Bool { false }

    /// Reads the next bytes.
    ///
    /// - Returns: Whether the image is wanted.
    /// - Throws: ``CodecError/pngUnreadable(reason:)``.
    final func feed(_ bytes: borrowing Span<UInt8>) throws(CodecError) -> Bool {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        let status = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe segscore_png_read(reader, buffer.baseAddress, buffer.count, context)
        }
        switch status {
        case .ok: return true
        case .unwanted: return false
        case .unreadable:
            throw .pngUnreadable(reason: unsafe String(cString: segscore_png_reason(reader)))
        }
    }

    /// Whether the last chunk and all rows have been read.
    final var isComplete: Bool { unsafe segscore_png_is_complete(reader) }
}

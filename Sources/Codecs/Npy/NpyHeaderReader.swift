package import Memory

/// Gathers the header of an npy file: everything up to the first element.
package struct NpyHeaderReader: HeaderReader {
    /// The most bytes that a header's text may have; NumPy itself refuses more than 10 000 characters.
    package static let textLimit = 64 * 1024
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    private enum Stage {
        case magic, version, length, text
    }

    private var stage = Stage.magic
    private var gathered = HeaderBytes(needed: NpyHeaderReader.magic.count)
    private var bytes: [UInt8] { gathered.bytes }

    /// What the header says, once it is complete.
    package private(set) var layout: TensorLayout?

    /// The size of the header, once it is complete.
    package var byteCount: Int { gathered.needed }

    package init() {}

    /// Takes bytes up to the end of the header.
    ///
    /// - Returns: How many bytes of `input` belong to the header: all of them, unless ``layout`` is known now.
    /// - Throws: `npy…`, ``CodecError/twoBytes(descr:)`` or ``CodecError/shape(_:)``.
    package mutating func read(_ input: borrowing Span<UInt8>) throws(CodecError) -> Int {
        var position = 0
        while layout == nil, gathered.take(input, from: &position) { try advance() }
        return position
    }

    /// Fails unless the header is complete.
    ///
    /// - Throws: ``CodecError/npyMagic(found:)`` or ``CodecError/truncated(expected:actual:)``.
    package func finish() throws(CodecError) {
        guard layout == nil else { return }
        guard Self.magic.starts(with: bytes.prefix(Self.magic.count)) else { throw .npyMagic(found: bytes) }
        throw .truncated(expected: gathered.needed, actual: bytes.count)
    }

    private mutating func advance() throws(CodecError) {
        switch stage {
        case .magic:
            guard bytes == Self.magic else { throw .npyMagic(found: bytes) }
            stage = .version
            gathered.needed += 2
        case .version:
            switch (bytes[6], bytes[7]) {
            case (1, 0): gathered.needed += 2
            case (2, 0), (3, 0): gathered.needed += 4
            case (let major, let minor): throw .npyVersion(major, minor)
            }
            stage = .length
        case .length:
            let length = bytes[8...].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard length <= Self.textLimit else { throw .npyHeaderTooLong(length, limit: Self.textLimit) }
            stage = .text
            gathered.needed += length
            // An empty text is parsed at once, since no further byte comes that would have it parsed.
            if length == 0 { try advance() }
        case .text:
            var parser = NpyHeaderParser(bytes[(bytes[6] == 1 ? 10 : 12)...])
            layout = try parser.parse()
            gathered.forget()
        }
    }
}

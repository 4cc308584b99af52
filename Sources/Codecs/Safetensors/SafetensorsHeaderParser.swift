/// Parses the text of a safetensors header: a JSON object with a member for each tensor.
///
///     {"__metadata__": {"format": "pt"},
///      "labels": {"dtype": "U8", "shape": [2, 3, 4], "data_offsets": [0, 24]}}
///
/// Only what the format allows is understood, so that nothing in the text is deeper than three levels, and no key can
/// stand twice. simdjson would need the text on a worker and would pass over keys that stand twice.
///
/// - SeeAlso: huggingface/safetensors `README.md` and `safetensors/src/tensor.rs`; RFC 8259.
struct SafetensorsHeaderParser {
    private let text: ArraySlice<UInt8>
    private var position: Int

    /// - Parameters:
    ///   - text: The text, which may end in blanks.
    init(_ text: ArraySlice<UInt8>) {
        self.text = text
        position = text.startIndex
    }

    /// The tensors in the order of the text.
    ///
    /// - Throws: ``CodecError/safetensorsHeader(_:position:)``, ``CodecError/shape(_:)``,
    ///   ``CodecError/tensorSize(name:expected:actual:)``.
    mutating func parse() throws(CodecError) -> [SafetensorsEntry] {
        guard String(validating: text, as: UTF8.self) != nil else { throw fault(.utf8) }
        var entries: [SafetensorsEntry] = []
        try parseObject { (parser, name, start) throws(CodecError) in
            if name == "__metadata__" {
                try parser.parseObject { (parser, _, _) throws(CodecError) in _ = try parser.parseString() }
            } else {
                entries.append(try parser.parseEntry(name, from: start))
            }
        }
        skipSpace()
        guard peek() == nil else { throw fault(.syntax) }
        return entries
    }

    private mutating func parseEntry(_ name: String, from start: Int) throws(CodecError) -> SafetensorsEntry {
        var dtype: String?
        var shape: [Int]?
        var offsets: [Int]?
        try parseObject { (parser, key, start) throws(CodecError) in
            switch key {
            case "dtype": dtype = try parser.parseString()
            case "shape": shape = try parser.parseIntegers()
            case "data_offsets": offsets = try parser.parseIntegers()
            default: throw parser.fault(.unknownKey(key), at: start)
            }
        }
        guard let dtype else { throw fault(.missingKey("dtype"), at: start) }
        guard let shape else { throw fault(.missingKey("shape"), at: start) }
        guard let offsets else { throw fault(.missingKey("data_offsets"), at: start) }
        guard offsets.count == 2, offsets[0] <= offsets[1] else { throw fault(.offsets, at: start) }
        return try SafetensorsEntry(name: name, dtype: dtype, shape: shape, bytes: offsets[0]..<offsets[1])
    }

    /// Parses an object.
    ///
    /// - Parameters:
    ///   - member: Called with the parser ahead of each value, the key, and the place of the key.
    private mutating func parseObject(
        _ member: (inout SafetensorsHeaderParser, String, Int) throws(CodecError) -> Void
    ) throws(CodecError) {
        var keys: Set<String> = []
        try expect("{")
        skipSpace()
        if take("}") { return }
        while true {
            let start = position
            let key = try parseString()
            guard keys.insert(key).inserted else { throw fault(.repeatedKey(key), at: start) }
            skipSpace()
            try expect(":")
            skipSpace()
            try member(&self, key, start)
            skipSpace()
            if take("}") { return }
            try expect(",")
            skipSpace()
        }
    }

    private mutating func parseIntegers() throws(CodecError) -> [Int] {
        var integers: [Int] = []
        try expect("[")
        skipSpace()
        if take("]") { return [] }
        while true {
            integers.append(try parseInteger())
            skipSpace()
            if take("]") { return integers }
            try expect(",")
            skipSpace()
        }
    }

    private mutating func parseInteger() throws(CodecError) -> Int {
        let start = position
        var value = 0
        while let digit = peek(), (0x30...0x39).contains(digit) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(digit) - 0x30)
            guard !overflow, !carry else { throw fault(.numberTooLarge, at: start) }
            value = sum
            position += 1
        }
        // JSON has no zeros ahead of other digits.
        let isWritten = position == start + 1 || position > start && text[start] != UInt8(ascii: "0")
        guard isWritten else { throw fault(.syntax, at: start) }
        return value
    }

    private mutating func parseString() throws(CodecError) -> String {
        try expect("\"")
        var bytes: [UInt8] = []
        while let byte = peek() {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): bytes += try parseEscape().utf8
            case 0..<0x20: throw fault(.syntax, at: position - 1)
            default: bytes.append(byte)
            }
        }
        throw fault(.syntax)
    }

    /// The character of an escape, behind its backslash.
    private mutating func parseEscape() throws(CodecError) -> Unicode.Scalar {
        let start = position
        guard let letter = peek() else { throw fault(.syntax) }
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var value = try parseHexadecimal()
            // A character beyond the first 65536 is written as a pair of surrogates.
            if (0xD800..<0xDC00).contains(value), take("\\"), take("u") {
                let low = try parseHexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw fault(.syntax, at: start) }
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(value) else { throw fault(.syntax, at: start) }
            return scalar
        default: throw fault(.syntax, at: start)
        }
    }

    private mutating func parseHexadecimal() throws(CodecError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw fault(.syntax)
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private func peek() -> UInt8? {
        position < text.endIndex ? text[position] : nil
    }

    private mutating func skipSpace() {
        while let byte = peek(), [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(CodecError) {
        guard take(character) else { throw fault(.syntax) }
    }

    private func fault(_ fault: SafetensorsFault, at place: Int? = nil) -> CodecError {
        .safetensorsHeader(fault, position: (place ?? position) - text.startIndex)
    }
}

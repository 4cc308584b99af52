import Memory

/// Parses the text of an npy header: a Python dict with the keys `descr`, `fortran_order` and `shape`.
///
/// Only such texts are understood as NumPy writes, under Python 2 too, and nothing is evaluated.
///
/// - SeeAlso: numpy/numpy `numpy/lib/_format_impl.py`.
struct NpyHeaderParser {
    /// The most dimensions that NumPy's arrays have.
    private static let rankLimit = 64

    private let text: ArraySlice<UInt8>
    private var position: Int

    private var elementType: ElementType?
    private var order: TensorLayout.Order?
    private var shape: [Int]?

    init(_ text: ArraySlice<UInt8>) {
        self.text = text
        position = text.startIndex
    }

    mutating func parse() throws(CodecError) -> TensorLayout {
        skipSpace()
        try expect("{")
        skipSpace()
        while !take("}") {
            try parseMember()
            skipSpace()
            if take(",") {
                skipSpace()
            } else if peek() != UInt8(ascii: "}") {
                throw fault(.syntax)
            }
        }
        skipSpace()
        guard peek() == nil else { throw fault(.syntax) }
        guard let elementType else { throw fault(.missingKey("descr")) }
        guard let order else { throw fault(.missingKey("fortran_order")) }
        guard let shape else { throw fault(.missingKey("shape")) }
        do {
            return try TensorLayout(elementType: elementType, shape: shape, order: order)
        } catch {
            throw .shape(error)
        }
    }

    private mutating func parseMember() throws(CodecError) {
        let start = position
        let key = try parseString()
        skipSpace()
        try expect(":")
        skipSpace()
        let isRepeated: Bool
        switch key {
        case "descr":
            isRepeated = elementType != nil
            elementType = try parseElementType()
        case "fortran_order":
            isRepeated = order != nil
            order = try parseBoolean() ? .fortran : .c
        case "shape":
            isRepeated = shape != nil
            shape = try parseShape()
        default:
            throw fault(.unknownKey(key), at: start)
        }
        guard !isRepeated else { throw fault(.repeatedKey(key), at: start) }
    }

    private mutating func parseElementType() throws(CodecError) -> ElementType {
        if let opening = peek(), opening == UInt8(ascii: "[") || opening == UInt8(ascii: "(") {
            // The elements have fields or are arrays themselves. Which ones does not matter.
            throw .npyElementType(descr: bracketedText())
        }
        let descr = try parseString()
        if let type = ElementType(descr: descr) { return type }
        if descr.drop(while: { "<>=|".contains($0) }) == "V2" { throw .twoBytes(descr: descr) }
        throw .npyElementType(descr: descr)
    }

    private mutating func parseBoolean() throws(CodecError) -> Bool {
        if take("True") { return true }
        if take("False") { return false }
        throw fault(.syntax)
    }

    private mutating func parseShape() throws(CodecError) -> [Int] {
        var extents: [Int] = []
        var endsInComma = false
        try expect("(")
        skipSpace()
        while !take(")") {
            guard extents.isEmpty || endsInComma else { throw fault(.syntax) }
            guard extents.count < Self.rankLimit else { throw fault(.tooManyDimensions(limit: Self.rankLimit)) }
            extents.append(try parseInteger())
            skipSpace()
            endsInComma = take(",")
            skipSpace()
        }
        // In Python `(3)` is a number, not a tuple.
        guard extents.count != 1 || endsInComma else { throw fault(.syntax) }
        return extents
    }

    private mutating func parseInteger() throws(CodecError) -> Int {
        let start = position
        let isNegative = take("-")
        var value = 0
        var digitCount = 0
        while let digit = peek().flatMap({ (0x30...0x39).contains($0) ? Int($0) - 0x30 : nil }) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(digit)
            guard !overflow, !carry else { throw fault(.extentTooLarge, at: start) }
            value = sum
            digitCount += 1
            position += 1
        }
        guard digitCount > 0 else { throw fault(.syntax) }
        // Python 2 wrote an L behind its long integers.
        _ = take("L")
        return isNegative ? -value : value
    }

    /// A string in either kind of quotes. NumPy writes no escapes for the types that are supported.
    private mutating func parseString() throws(CodecError) -> String {
        // Python 2 wrote a u ahead of Unicode strings.
        _ = take("u")
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw fault(.syntax)
        }
        position += 1
        let start = position
        while let byte = peek(), byte != quote {
            guard byte != UInt8(ascii: "\\"), byte >= 0x20 else { throw fault(.syntax) }
            position += 1
        }
        guard peek() == quote else { throw fault(.syntax) }
        defer { position += 1 }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    /// The text from here to the end of the bracket that opens here.
    private func bracketedText() -> String {
        var depth = 0
        for (offset, byte) in text[position...].enumerated() {
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "("): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: ")"): depth -= 1
            default: break
            }
            if depth == 0 { return String(decoding: text[position...(position + offset)], as: UTF8.self) }
        }
        return String(decoding: text[position...], as: UTF8.self)
    }

    private func peek() -> UInt8? {
        position < text.endIndex ? text[position] : nil
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
    }

    private mutating func take(_ token: StaticString) -> Bool {
        let count = token.utf8CodeUnitCount
        let matches = token.withUTF8Buffer { unsafe text[position...].prefix(count).elementsEqual($0) }
        if matches { position += count }
        return matches
    }

    private mutating func expect(_ token: StaticString) throws(CodecError) {
        guard take(token) else { throw fault(.syntax) }
    }

    private func fault(_ fault: NpyHeaderFault, at place: Int? = nil) -> CodecError {
        .npyHeader(fault, position: (place ?? position) - text.startIndex)
    }
}

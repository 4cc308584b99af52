package import ServiceInterface
package import Tensors

/// A JSON text that is written in pieces of about a size: one that holds arrays may be much larger than these, and than memory.
package struct JSONPieces: Sendable {
    /// What a part of the text is written from.
    enum Section: Sendable {
        case text([UInt8])
        /// So many elements of an array, as nested lists, written some at a time.
        case elements(Int, @Sendable (_ elements: Range<Int>, _ text: inout [UInt8]) -> Void)
        /// A list of rows, each written by itself.
        case rows(Int, @Sendable (_ row: Int, _ text: inout [UInt8]) -> Void)

        /// How many numbers or rows it has.
        fileprivate var count: Int {
            switch self {
            case .text: 0
            case .elements(let count, _), .rows(let count, _): count
            }
        }
    }

    /// The size that a piece has at least, but for the last.
    static let pieceBytes = 64 << 10

    /// What two pieces and the writing of a third take.
    static let heldBytes = 4 * pieceBytes

    /// So many numbers and rows are written at once between looks at the size.
    private static let elementsAtOnce = 1024

    /// Texts with so many numbers and rows are answered as one.
    private static let fewElements = 1024

    private let sections: [Section]
    private var index = 0
    /// How much of the section at `index` is written.
    private var done = 0

    init(_ sections: [Section]) {
        self.sections = sections
    }

    /// Whether all of it is hardly larger than a piece.
    var isSmall: Bool {
        var count = 0
        for section in sections {
            count += section.count
            guard count <= Self.fewElements else { return false }
        }
        return true
    }

    /// Writes the next piece; nil at the end.
    mutating func next() -> [UInt8]? {
        guard index < sections.count else { return nil }
        var text: [UInt8] = []
        while index < sections.count, text.count < Self.pieceBytes { append(to: &text) }
        return text.isEmpty ? nil : text
    }

    /// Writes all of it.
    mutating func all() -> [UInt8] {
        var text: [UInt8] = []
        while index < sections.count { append(to: &text) }
        return text
    }

    /// Writes the rest of a section, or some of it.
    private mutating func append(to text: inout [UInt8]) {
        let section = sections[index]
        let end = min(done + Self.elementsAtOnce, section.count)
        switch section {
        case .text(let part): text += part
        case .elements(_, let write): write(done..<end, &text)
        case .rows(let count, let write):
            if done == 0 { text.append(UInt8(ascii: "[")) }
            for row in done..<end {
                if row > 0 { text.append(UInt8(ascii: ",")) }
                write(row, &text)
            }
            if end == count { text.append(UInt8(ascii: "]")) }
        }
        done = end
        guard end == section.count else { return }
        (index, done) = (index + 1, 0)
    }
}

extension JSONPieces {
    /// The text as a body: as one where it is small, else written while it is sent.
    ///
    /// - Parameters:
    ///   - otherBytes: What else is held for it until it is sent.
    /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
    package func body(holding otherBytes: Int = 0) throws(TensorError) -> ResponseBody {
        var pieces = self
        guard !isSmall else { return try ResponseBody(copying: pieces.all()) }
        let writer = JSONPieceWriter(pieces, try ByteReservation(Self.heldBytes + otherBytes))
        return ResponseBody(stream: ByteStream(pieces: { writer.next() }))
    }

    /// The text in counted memory, for a body of which the size has to be known beforehand.
    ///
    /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
    package func buffers() throws(TensorError) -> [Buffer<UInt8>] {
        var pieces = self
        let reservation = try ByteReservation(Self.heldBytes)
        defer { withExtendedLifetime(reservation) {} }
        var buffers: [Buffer<UInt8>] = []
        while let piece = pieces.next() { buffers.append(try Buffer(piece)) }
        return buffers
    }
}

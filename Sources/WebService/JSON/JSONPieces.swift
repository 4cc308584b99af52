package import Memory
package import ServiceInterface

/// A JSON text that is written in pieces of about one size. A text that holds arrays may be much larger than those
/// arrays, and larger than memory.
package struct JSONPieces: Sendable {
    /// The source of a part of the text.
    enum Section: Sendable {
        case text([UInt8])
        /// An array of so many elements, written some at a time as nested lists.
        case elements(Int, @Sendable (_ elements: Range<Int>, _ text: inout [UInt8]) -> Void)
        /// A list of so many rows, each written by itself.
        case rows(Int, @Sendable (_ row: Int, _ text: inout [UInt8]) -> Void)

        /// How many numbers or rows the section has.
        fileprivate var count: Int {
            switch self {
            case .text: 0
            case .elements(let count, _), .rows(let count, _): count
            }
        }
    }

    /// The least size of a piece other than the last, in bytes.
    static let pieceBytes = 64 << 10

    /// The memory that two pieces take, and the writing of a third, in bytes.
    static let heldBytes = 4 * pieceBytes

    /// How many numbers or rows are written before the size of the piece is looked at again.
    private static let elementsAtOnce = 1024

    /// Texts with at most this many numbers and rows are sent as one piece.
    private static let fewElements = 1024

    private let sections: [Section]
    private var index = 0
    /// How many elements or rows of the section at `index` are written.
    private var done = 0

    init(_ sections: [Section]) {
        self.sections = sections
    }

    /// Whether the whole text is hardly larger than one piece.
    var isSmall: Bool {
        var count = 0
        for section in sections {
            count += section.count
            guard count <= Self.fewElements else { return false }
        }
        return true
    }

    /// Writes the next piece; nil at the end of the text.
    mutating func next() -> [UInt8]? {
        guard index < sections.count else { return nil }
        var text: [UInt8] = []
        while index < sections.count, text.count < Self.pieceBytes { append(to: &text) }
        return text.isEmpty ? nil : text
    }

    /// Writes the whole text.
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
    /// The text as the body of an answer: in one piece if it is small, otherwise written while it is sent.
    ///
    /// - Parameters:
    ///   - otherBytes: The size of what else is held for the text until it is sent, in bytes.
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)`` if the memory budget has no room.
    package func body(holding otherBytes: Int = 0) throws(MemoryError) -> ResponseBody {
        var pieces = self
        guard !isSmall else { return try ResponseBody(copying: pieces.all()) }
        let writer = JSONPieceWriter(pieces, try ByteReservation(Self.heldBytes + otherBytes))
        return ResponseBody(stream: ByteStream(pieces: { writer.next() }))
    }

    /// The text in memory that the budget counts, for bodies whose size has to be known before they are sent.
    ///
    /// - Throws: ``MemoryError/outOfMemory(byteCount:)`` if the memory budget has no room.
    package func buffers() throws(MemoryError) -> [Buffer<UInt8>] {
        var pieces = self
        let reservation = try ByteReservation(Self.heldBytes)
        defer { withExtendedLifetime(reservation) {} }
        var buffers: [Buffer<UInt8>] = []
        while let piece = pieces.next() { buffers.append(try Buffer(piece)) }
        return buffers
    }
}

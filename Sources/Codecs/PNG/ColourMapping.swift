import Memory

/// Turns rows of colours into rows of classes, and counts the pixels of the first colour that stands for none.
struct ColourMapping {
    private typealias Colour = ColourClasses.Colour

    private let colours: ColourClasses
    /// The bytes of a pixel: three, or four with alpha.
    private let pixelSize: Int
    private var row = 0
    /// The colour of the pixel before, since most pixels have that of their neighbour.
    private var last: (colour: Colour, value: UInt16)?
    private var firstUnknown: (colour: Colour, row: Int, column: Int)?
    private var unknownCount = 0

    /// The classes of the last row, `(W,)`, in two bytes each, of which the lower comes first.
    private(set) var classes: [UInt8]

    /// The bytes of a row of the image.
    let rowSize: Int

    /// The type of ``classes``.
    static var elementType: ElementType { ElementType(.uint16, isByteSwapped: UInt16(littleEndian: 1) != 1) }

    init(_ colours: ColourClasses, channels: Int, width: Int) {
        self.colours = colours
        pixelSize = channels
        rowSize = channels * width
        classes = [UInt8](repeating: 0, count: 2 * width)
    }

    /// The error of the first colour that stands for no class; nil if all do.
    var unknown: CodecError? {
        firstUnknown.map { .pngUnknownColour($0.colour, count: unknownCount, row: $0.row, column: $0.column) }
    }

    /// Takes the next row of the image.
    ///
    /// - Throws: ``CodecError/pngTransparent(row:column:)`` if a pixel is not opaque.
    mutating func map(_ pixels: borrowing Span<UInt8>) throws(CodecError) {
        for column in 0..<classes.count / 2 {
            let start = column * pixelSize
            if pixelSize == 4, pixels[start + 3] != .max { throw .pngTransparent(row: row, column: column) }
            let value = classIndex(
                of: Colour(red: pixels[start], green: pixels[start + 1], blue: pixels[start + 2]), column)
            classes[2 * column] = UInt8(truncatingIfNeeded: value)
            classes[2 * column + 1] = UInt8(value >> 8)
        }
        row += 1
    }

    private mutating func classIndex(of colour: Colour, _ column: Int) -> UInt16 {
        if let last, last.colour == colour { return last.value }
        guard let value = colours[colour] else {
            if firstUnknown == nil { firstUnknown = (colour, row, column) }
            if firstUnknown?.colour == colour { unknownCount += 1 }
            // The image is refused at its end, whatever stands here.
            return 0
        }
        last = (colour, value)
        return value
    }
}

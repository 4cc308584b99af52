/// The classes that colours stand for in images of labels.
package struct ColourClasses: Equatable, Sendable {
    /// A colour: red, green and blue, of 8 bits each.
    package struct Colour: Hashable, Sendable, CustomStringConvertible {
        package let red: UInt8
        package let green: UInt8
        package let blue: UInt8

        package init(red: UInt8, green: UInt8, blue: UInt8) {
            (self.red, self.green, self.blue) = (red, green, blue)
        }

        /// Reads a colour as in HTML.
        ///
        /// - Parameter text: Six hexadecimal digits, with or without a `#` ahead of them.
        /// - Returns: Nil for any other text.
        package init?(hexadecimal text: some StringProtocol) {
            let digits = text.hasPrefix("#") ? text.dropFirst() : text[...]
            guard digits.utf8.count == 6, digits.allSatisfy(\.isHexDigit), let number = UInt32(digits, radix: 16) else {
                return nil
            }
            self.init(
                red: UInt8(number >> 16), green: UInt8(number >> 8 & 0xFF), blue: UInt8(number & 0xFF))
        }

        /// The colour as in HTML: `#` and six digits.
        package var description: String {
            "#"
                + [red, green, blue].map { sample in
                    let digits = String(sample, radix: 16)
                    return digits.utf8.count == 1 ? "0" + digits : digits
                }.joined()
        }
    }

    private let classes: [Colour: UInt16]

    /// - Parameter classes: The class of each colour.
    package init(_ classes: [Colour: UInt16]) {
        self.classes = classes
    }

    /// The class of a colour; nil if it stands for none.
    subscript(colour: Colour) -> UInt16? { classes[colour] }
}

extension ColourClasses.Colour {
    /// The colour that Pascal VOC gives to a number below 2²⁴: its bits, the lowest first, go to red, green and blue in
    /// turn, the highest bit of each first. No two have the same, and 0 is black.
    package static func voc(_ number: Int) -> ColourClasses.Colour {
        var channels: [UInt8] = [0, 0, 0]
        for bit in 0..<24 where number >> bit & 1 == 1 { channels[bit % 3] |= 0x80 >> UInt8(bit / 3) }
        return ColourClasses.Colour(red: channels[0], green: channels[1], blue: channels[2])
    }

    /// The colours of the numbers that 8 bits hold.
    package static let voc = (0..<256).map { voc($0) }
}

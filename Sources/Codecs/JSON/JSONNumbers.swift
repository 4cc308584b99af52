private import CSimdJSON
import Threads

/// A value that JSON arrays are made of: a number or a boolean.
package protocol JSONNumber: BitwiseCopyable {
    /// Adds the value's text: at most 32 bytes.
    func appendJSON(to text: inout [UInt8])
}

/// Writes arrays as nested JSON lists.
package enum JSONNumbers {
    /// Adds an array as nested lists.
    ///
    /// A floating-point number is written with the fewest digits that read back as the same number of its type, and
    /// always with a point or an exponent. A number that is not finite is written as `null`.
    ///
    /// - Parameters:
    ///   - elements: The elements in C order, as many as the shape says.
    ///   - shape: The extents; empty for a single value.
    package static func append<Number: JSONNumber>(
        _ elements: borrowing Span<Number>, shape: [Int], to text: inout [UInt8]
    ) {
        precondition(shape.reduce(1, *) == elements.count)
        append(elements, at: 0, of: shape, to: &text)
    }

    /// Adds some neighbouring elements of an array, with the brackets and commas ahead of and behind them. If all
    /// elements are added in order, piece by piece, the text is the same as ``append(_:shape:to:)`` writes.
    ///
    /// - Parameters:
    ///   - position: The first element's index in the array, in C order.
    package static func append<Number: JSONNumber>(
        _ elements: borrowing Span<Number>, at position: Int, of shape: [Int], to text: inout [UInt8]
    ) {
        DaemonThread.refuse("to encode JSON")
        var index = 0
        appendElements(position..<position + elements.count, of: shape, to: &text) { text in
            elements[index].appendJSON(to: &text)
            index += 1
        }
    }

    /// Adds a mask as nested lists of `true` and `false`.
    ///
    /// - Parameters:
    ///   - elements: The elements in C order, as many as the shape says; 0 is false, everything else true.
    ///   - shape: The extents; empty for a single value.
    package static func append(mask elements: borrowing Span<UInt8>, shape: [Int], to text: inout [UInt8]) {
        precondition(shape.reduce(1, *) == elements.count)
        append(mask: elements, at: 0, of: shape, to: &text)
    }

    /// Adds some neighbouring elements of a mask; see ``append(_:at:of:to:)``.
    package static func append(
        mask elements: borrowing Span<UInt8>, at position: Int, of shape: [Int], to text: inout [UInt8]
    ) {
        DaemonThread.refuse("to encode JSON")
        var index = 0
        appendElements(position..<position + elements.count, of: shape, to: &text) { text in
            (elements[index] != 0).appendJSON(to: &text)
            index += 1
        }
    }

    /// Adds a range of the elements of a shape, and the brackets of the lists that begin and end in that range. For
    /// each element in order, `appendElement` is called.
    private static func appendElements(
        _ range: Range<Int>, of shape: [Int], to text: inout [UInt8], _ appendElement: (inout [UInt8]) -> Void
    ) {
        guard !shape.contains(0) else { return appendEmptyList(shape[...], to: &text) }
        // How many elements a list of each depth holds, the innermost first.
        var sizes: [Int] = []
        for extent in shape.reversed() { sizes.append(extent * (sizes.last ?? 1)) }
        precondition(range.lowerBound >= 0 && range.upperBound <= sizes.last ?? 1)
        guard let row = sizes.first else { return appendElement(&text) }
        var column = range.lowerBound % row
        for position in range {
            if position > 0 { text.append(UInt8(ascii: ",")) }
            if column == 0 {
                for size in sizes where position % size == 0 { text.append(UInt8(ascii: "[")) }
            }
            appendElement(&text)
            column += 1
            if column == row {
                for size in sizes where (position + 1) % size == 0 { text.append(UInt8(ascii: "]")) }
                column = 0
            }
        }
    }

    /// Adds the lists of a shape without elements.
    private static func appendEmptyList(_ shape: ArraySlice<Int>, to text: inout [UInt8]) {
        guard let extent = shape.first else { return }
        text.append(UInt8(ascii: "["))
        for index in 0..<extent {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            appendEmptyList(shape.dropFirst(), to: &text)
        }
        text.append(UInt8(ascii: "]"))
    }

    /// Adds the bytes that `write` puts into a place of 32 bytes; `write` returns how many these are.
    fileprivate static func append(to text: inout [UInt8], write: (UnsafeMutablePointer<CChar>) -> Int) {
        let limit = Int(SEGSCORE_JSON_NUMBER_SIZE)
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: limit) { scratch in
            guard let start = scratch.baseAddress else { return }
            let count = unsafe write(start)
            unsafe text.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
        }
    }
}

extension Float: JSONNumber {
    package func appendJSON(to text: inout [UInt8]) {
        unsafe JSONNumbers.append(to: &text) { unsafe segscore_json_write_float(self, $0) }
    }
}

extension Double: JSONNumber {
    package func appendJSON(to text: inout [UInt8]) {
        unsafe JSONNumbers.append(to: &text) { unsafe segscore_json_write_double(self, $0) }
    }
}

extension Int64: JSONNumber {
    package func appendJSON(to text: inout [UInt8]) {
        unsafe JSONNumbers.append(to: &text) { unsafe segscore_json_write_integer(self, $0) }
    }
}

extension Int: JSONNumber {
    package func appendJSON(to text: inout [UInt8]) {
        Int64(self).appendJSON(to: &text)
    }
}

extension UInt8: JSONNumber {
    package func appendJSON(to text: inout [UInt8]) {
        Int64(self).appendJSON(to: &text)
    }
}

extension UInt16: JSONNumber {
    package func appendJSON(to text: inout [UInt8]) {
        Int64(self).appendJSON(to: &text)
    }
}

extension Bool: JSONNumber {
    package func appendJSON(to text: inout [UInt8]) {
        text.append(contentsOf: (self ? "true" : "false").utf8)
    }
}

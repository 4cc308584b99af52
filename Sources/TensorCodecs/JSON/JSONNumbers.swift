private import CSimdJSON
import Threads

/// A number, or a boolean, that JSON arrays are made of.
package protocol JSONNumber: BitwiseCopyable {
    /// Adds the value's text: at most 32 bytes.
    func appendJSON(to text: inout [UInt8])
}

/// Writes arrays as nested JSON lists.
package enum JSONNumbers {
    /// Adds an array as nested lists.
    ///
    /// Floating-point numbers are written with the fewest digits that read back as the same number of their type, and
    /// always with a point or an exponent; those that are not finite as `null`.
    ///
    /// - Parameters:
    ///   - elements: In C order, as many as the shape says.
    ///   - shape: The extents; empty for a single value.
    package static func append<Number: JSONNumber>(
        _ elements: borrowing Span<Number>, shape: [Int], to text: inout [UInt8]
    ) {
        DaemonThread.refuse("to encode JSON")
        precondition(shape.reduce(1, *) == elements.count)
        var position = 0
        appendList(shape[...], to: &text) { text in
            elements[position].appendJSON(to: &text)
            position += 1
        }
    }

    /// Adds a mask as nested lists of `true` and `false`.
    ///
    /// - Parameters:
    ///   - elements: In C order, as many as the shape says; 0 is false, everything else true.
    ///   - shape: The extents; empty for a single value.
    package static func append(mask elements: borrowing Span<UInt8>, shape: [Int], to text: inout [UInt8]) {
        DaemonThread.refuse("to encode JSON")
        precondition(shape.reduce(1, *) == elements.count)
        var position = 0
        appendList(shape[...], to: &text) { text in
            (elements[position] != 0).appendJSON(to: &text)
            position += 1
        }
    }

    /// Adds the lists of a shape; `appendElement` is called for each element in order.
    private static func appendList(
        _ shape: ArraySlice<Int>, to text: inout [UInt8], _ appendElement: (inout [UInt8]) -> Void
    ) {
        guard let extent = shape.first else { return appendElement(&text) }
        text.append(UInt8(ascii: "["))
        for index in 0..<extent {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            appendList(shape.dropFirst(), to: &text, appendElement)
        }
        text.append(UInt8(ascii: "]"))
    }

    /// Adds what `write` puts into a place of 32 bytes, of which it returns how many it used.
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

extension Bool: JSONNumber {
    package func appendJSON(to text: inout [UInt8]) {
        text.append(contentsOf: (self ? "true" : "false").utf8)
    }
}

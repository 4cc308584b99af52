/// Writes small JSON documents whose members keep the order they were written in.
struct JSONWriter {
    private(set) var text: [UInt8] = []

    /// The members of an object that is being written.
    struct Members {
        fileprivate var text: [UInt8]
        fileprivate var isFirst = true

        /// A member whose value the caller writes, as JSON.
        mutating func raw(_ name: String, _ write: (inout [UInt8]) -> Void) {
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            JSONWriter.append(string: name, to: &text)
            text.append(UInt8(ascii: ":"))
            write(&text)
        }

        mutating func string(_ name: String, _ value: String?) {
            raw(name) { text in
                if let value {
                    JSONWriter.append(string: value, to: &text)
                } else {
                    text.append(contentsOf: "null".utf8)
                }
            }
        }

        mutating func integer(_ name: String, _ value: Int?) {
            raw(name) { $0.append(contentsOf: (value.map(String.init) ?? "null").utf8) }
        }

        /// A number that reads back as the same float64; null where it is not finite.
        mutating func number(_ name: String, _ value: Double?) {
            raw(name) { $0.append(contentsOf: (value.flatMap { $0.isFinite ? $0.description : nil } ?? "null").utf8) }
        }

        mutating func boolean(_ name: String, _ value: Bool) {
            raw(name) { $0.append(contentsOf: (value ? "true" : "false").utf8) }
        }

        mutating func integers(_ name: String, _ values: [Int]) {
            raw(name) { $0.append(contentsOf: values.description.utf8) }
        }

        mutating func strings(_ name: String, _ values: [String]) {
            raw(name) { text in
                text.append(UInt8(ascii: "["))
                for (index, value) in values.enumerated() {
                    if index > 0 { text.append(UInt8(ascii: ",")) }
                    JSONWriter.append(string: value, to: &text)
                }
                text.append(UInt8(ascii: "]"))
            }
        }

        mutating func object(_ name: String, _ body: (inout Members) -> Void) {
            raw(name) { JSONWriter.append(object: body, to: &$0) }
        }

        mutating func array<Element>(
            _ name: String, of elements: some Sequence<Element>, _ body: (inout Members, Element) -> Void
        ) {
            raw(name) { JSONWriter.append(array: elements, body, to: &$0) }
        }
    }

    /// Writes one object.
    mutating func object(_ body: (inout Members) -> Void) {
        Self.append(object: body, to: &text)
    }

    /// Writes one list of objects.
    mutating func array<Element>(
        of elements: some Sequence<Element>, _ body: (inout Members, Element) -> Void
    ) {
        Self.append(array: elements, body, to: &text)
    }

    private static func append<Element>(
        array elements: some Sequence<Element>, _ body: (inout Members, Element) -> Void, to text: inout [UInt8]
    ) {
        text.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            append(object: { body(&$0, element) }, to: &text)
        }
        text.append(UInt8(ascii: "]"))
    }

    private static func append(object body: (inout Members) -> Void, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        // The text moves into the members and back, so that it is never copied.
        var members = Members(text: [])
        swap(&text, &members.text)
        body(&members)
        swap(&text, &members.text)
        text.append(UInt8(ascii: "}"))
    }

    /// Appends a quoted string, escaped as RFC 8259 section 7 asks.
    private static func append(string: String, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text.append(UInt8(ascii: "\\"))
                text.append(byte)
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                text.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
            default:
                text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}

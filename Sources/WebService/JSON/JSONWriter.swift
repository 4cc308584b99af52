import Memory

/// Writes JSON documents whose members keep the order in which they were written.
///
/// The writer turns values into text at once. Of arrays, and of lists with many rows, it only notes how to write them,
/// and ``JSONPieces`` does so while the document is sent.
package struct JSONWriter {
    /// The document, as far as it is written.
    fileprivate struct Output {
        /// The sections that stand before `text`.
        var sections: [JSONPieces.Section] = []
        var text: [UInt8] = []

        mutating func add(_ section: JSONPieces.Section) {
            if !text.isEmpty { sections.append(.text(text)) }
            text = []
            sections.append(section)
        }
    }

    private var output = Output()

    /// Creates a writer of an empty document.
    package init() {
    }

    /// The document as text. It must contain neither arrays nor lists of many rows.
    package var text: [UInt8] {
        precondition(output.sections.isEmpty, "this document is larger than its text")
        return output.text
    }

    /// The document in pieces.
    package var pieces: JSONPieces {
        JSONPieces(output.text.isEmpty ? output.sections : output.sections + [.text(output.text)])
    }

    /// The members of an object that is being written.
    package struct Members {
        fileprivate var output: Output
        fileprivate var isFirst = true

        /// Writes a member whose value the caller writes as JSON.
        package mutating func raw(_ name: String, _ write: (inout [UInt8]) -> Void) {
            begin(name)
            write(&output.text)
        }

        /// Writes an array as nested lists.
        ///
        /// - Parameters:
        ///   - write: Appends some of the elements, with the brackets around them. It is called while the document is
        ///     sent, from any thread.
        package mutating func elements(
            _ name: String, count: Int,
            _ write: @escaping @Sendable (_ elements: Range<Int>, _ text: inout [UInt8]) -> Void
        ) {
            begin(name)
            output.add(.elements(count, write))
        }

        /// Writes a list of objects of which there may be many.
        ///
        /// - Parameters:
        ///   - body: Writes one object. It is called while the document is sent, from any thread.
        package mutating func rows(_ name: String, count: Int, _ body: @escaping @Sendable (inout Members, Int) -> Void)
        {
            begin(name)
            output.add(JSONWriter.rows(count, body))
        }

        private mutating func begin(_ name: String) {
            if !isFirst { output.text.append(UInt8(ascii: ",")) }
            isFirst = false
            JSONWriter.append(string: name, to: &output.text)
            output.text.append(UInt8(ascii: ":"))
        }

        /// Writes a string, or null for nil.
        package mutating func string(_ name: String, _ value: String?) {
            raw(name) { text in
                if let value {
                    JSONWriter.append(string: value, to: &text)
                } else {
                    text.append(contentsOf: "null".utf8)
                }
            }
        }

        /// Writes a whole number, or null for nil.
        package mutating func integer(_ name: String, _ value: Int?) {
            raw(name) { $0.append(contentsOf: (value.map(String.init) ?? "null").utf8) }
        }

        /// Writes a number that reads back as the same float64, or null if the number is not finite.
        package mutating func number(_ name: String, _ value: Double?) {
            raw(name) { $0.append(contentsOf: (value.flatMap { $0.isFinite ? $0.description : nil } ?? "null").utf8) }
        }

        /// Writes true or false.
        package mutating func boolean(_ name: String, _ value: Bool) {
            raw(name) { $0.append(contentsOf: (value ? "true" : "false").utf8) }
        }

        /// Writes a list of whole numbers.
        package mutating func integers(_ name: String, _ values: [Int]) {
            raw(name) { $0.append(contentsOf: values.description.utf8) }
        }

        /// Writes a list of finite numbers that read back as the same float64.
        package mutating func numbers(_ name: String, _ values: [Double]) {
            raw(name) { $0.append(contentsOf: values.description.utf8) }
        }

        /// Writes a list of strings.
        package mutating func strings(_ name: String, _ values: [String]) {
            raw(name) { JSONWriter.append(strings: values, values.indices, to: &$0) }
        }

        /// Writes a list of strings of which there may be many, at least one. They are written while the document is
        /// sent.
        package mutating func manyStrings(_ name: String, _ values: [String]) {
            elements(name, count: values.count) { JSONWriter.append(strings: values, $0, to: &$1) }
        }

        /// Writes an object, whose members `body` writes.
        package mutating func object(_ name: String, _ body: (inout Members) -> Void) {
            begin(name)
            JSONWriter.append(object: body, to: &output)
        }

        /// Writes a list, each element of which `write` writes by itself.
        package mutating func list<Element>(
            _ name: String, of elements: some Sequence<Element>, _ write: (inout JSONWriter, Element) -> Void
        ) {
            begin(name)
            // The output moves into a writer and back, so that it is never copied.
            var writer = JSONWriter()
            swap(&output, &writer.output)
            writer.list(of: elements, write)
            swap(&output, &writer.output)
        }

        /// Writes a list of objects, each of which `body` writes.
        package mutating func array<Element>(
            _ name: String, of elements: some Sequence<Element>, _ body: (inout Members, Element) -> Void
        ) {
            begin(name)
            JSONWriter.append(array: elements, body, to: &output)
        }
    }

    /// Writes one object.
    package mutating func object(_ body: (inout Members) -> Void) {
        Self.append(object: body, to: &output)
    }

    /// Writes one array as nested lists; see ``Members/elements(_:count:_:)``.
    package mutating func elements(
        count: Int, _ write: @escaping @Sendable (_ elements: Range<Int>, _ text: inout [UInt8]) -> Void
    ) {
        output.add(.elements(count, write))
    }

    /// Writes one list, each element by itself.
    package mutating func list<Element>(
        of elements: some Sequence<Element>, _ write: (inout JSONWriter, Element) -> Void
    ) {
        output.text.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { output.text.append(UInt8(ascii: ",")) }
            write(&self, element)
        }
        output.text.append(UInt8(ascii: "]"))
    }

    /// Writes one list of strings.
    package mutating func strings(_ values: [String]) {
        Self.append(strings: values, values.indices, to: &output.text)
    }

    /// Writes one list of strings of which there may be many, at least one; see ``Members/manyStrings(_:_:)``.
    package mutating func manyStrings(_ values: [String]) {
        elements(count: values.count) { Self.append(strings: values, $0, to: &$1) }
    }

    /// Appends some strings of a list, with the brackets and commas ahead of and behind them.
    private static func append(strings values: [String], _ range: Range<Int>, to text: inout [UInt8]) {
        if range.lowerBound == 0 { text.append(UInt8(ascii: "[")) }
        for index in range {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            append(string: values[index], to: &text)
        }
        if range.upperBound == values.count { text.append(UInt8(ascii: "]")) }
    }

    /// Writes one list of objects of which there may be many.
    ///
    /// - Parameters:
    ///   - body: Writes one object. It is called while the document is sent, from any thread.
    package mutating func rows(count: Int, _ body: @escaping @Sendable (inout Members, Int) -> Void) {
        output.add(Self.rows(count, body))
    }

    private static func rows(
        _ count: Int, _ body: @escaping @Sendable (inout Members, Int) -> Void
    ) -> JSONPieces.Section {
        .rows(count) { row, text in
            var output = Output()
            swap(&text, &output.text)
            append(object: { body(&$0, row) }, to: &output)
            swap(&text, &output.text)
        }
    }

    /// Writes one list of objects.
    package mutating func array<Element>(
        of elements: some Sequence<Element>, _ body: (inout Members, Element) -> Void
    ) {
        Self.append(array: elements, body, to: &output)
    }

    private static func append<Element>(
        array elements: some Sequence<Element>, _ body: (inout Members, Element) -> Void, to output: inout Output
    ) {
        output.text.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { output.text.append(UInt8(ascii: ",")) }
            append(object: { body(&$0, element) }, to: &output)
        }
        output.text.append(UInt8(ascii: "]"))
    }

    private static func append(object body: (inout Members) -> Void, to output: inout Output) {
        output.text.append(UInt8(ascii: "{"))
        // The text moves into the members and back, so that it is never copied.
        var members = Members(output: Output())
        swap(&output, &members.output)
        body(&members)
        swap(&output, &members.output)
        output.text.append(UInt8(ascii: "}"))
    }

    /// Appends a quoted string, escaped as RFC 8259, section 7 asks.
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

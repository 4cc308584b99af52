import Testing

@testable import ServiceInterface

/// W3C Trace Context, section 3.2.2.
@Suite struct TraceContextTests {
    private static let example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func readsVersionZero() throws {
        let context = try #require(TraceContext(Self.example))
        #expect(context.parent == Self.example)
        #expect(context.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
    }

    @Test(arguments: ["", "-", "-what-the-future-holds", "-\u{e9}"])
    func dropsWhatLaterVersionsAdd(addition: String) throws {
        let later = "cc" + Self.example.dropFirst(2)
        #expect(try #require(TraceContext(later + addition)).parent == later)
    }

    @Test(arguments: [
        "", "00", "00-", String(example.dropLast()), example + "0", example + "-", example + "-00", " " + example,
        example + " ", example.uppercased(), example + ", " + example,
        "ff" + example.dropFirst(2), "0g" + example.dropFirst(2), "cc" + example.dropFirst(2) + ".",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bX-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0z",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e47\u{e9}-00f067aa0ba902b7-01",
    ])
    func passesOverWhatIsMalformed(field: String) {
        #expect(TraceContext(field) == nil)
    }
}

import HTTPTypes
import Testing

@testable import WebService

@Suite struct ByteRangeTests {
    @Test(
        arguments: [
            ("bytes=0-499", .part(0..<500)), ("bytes=500-999", .part(500..<1000)), ("bytes=-500", .part(500..<1000)),
            ("bytes=9500-", .unsatisfiable), ("bytes=999-", .part(999..<1000)), ("bytes=1000-", .unsatisfiable),
            ("bytes=0-0", .part(0..<1)), ("bytes=-1", .part(999..<1000)), ("bytes=-0", .unsatisfiable),
            // A last byte beyond the end, or none, is the end; a longer suffix is everything.
            ("bytes=0-", .part(0..<1000)), ("bytes=990-5000", .part(990..<1000)), ("bytes=-5000", .part(0..<1000)),
            ("bytes=0-99999999999999999999", .part(0..<1000)), ("bytes=-99999999999999999999", .part(0..<1000)),
            ("bytes=99999999999999999999-", .unsatisfiable),
            ("bytes=9223372036854775807-9223372036854775807", .unsatisfiable),
            ("BYTES= 1 - 2 ", .part(1..<3)),
            // Anything else is passed over: the whole is sent.
            ("bytes=2-1", .whole), ("bytes=-", .whole), ("bytes=", .whole), ("bytes", .whole), ("", .whole),
            ("lines=0-1", .whole), ("bytes=0-1,3-4", .whole), ("bytes=0-1,-1", .whole), ("bytes=a-b", .whole),
            ("bytes=0x1-2", .whole), ("bytes=+1-2", .whole), ("bytes=--1", .whole), ("bytes=1", .whole),
            ("bytes=5\u{301}-", .whole), ("bytes=٣-٤", .whole),
        ] as [(String, ByteRange)])
    func readsWhatRFC9110Describes(field: String, expected: ByteRange) {
        #expect(ByteRange(field, of: 1000) == expected)
    }

    @Test(arguments: ["bytes=0-", "bytes=-1", "bytes=0-0"]) func findsNothingInAnEmptyBody(field: String) {
        #expect(ByteRange(field, of: 0) == .unsatisfiable)
    }
}

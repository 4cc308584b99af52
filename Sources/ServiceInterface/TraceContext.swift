/// The place of a request in its caller's trace: the `traceparent` of W3C Trace Context, section 3.2.
package struct TraceContext: Equatable, Sendable {
    /// Version, trace id, parent id and flags, as the caller sent them.
    package let parent: String

    /// The trace id: 32 lower-case hexadecimal digits, not all zero.
    package var traceID: Substring { parent.dropFirst(3).prefix(32) }

    /// Reads the value of a `traceparent` field, or returns nil if the value is malformed.
    ///
    /// Versions after 00 may append more behind the flags. That is dropped, as the specification asks.
    package init?(_ field: String) {
        let bytes = Array(field.utf8.prefix(56))
        guard bytes.count >= 55, [2, 35, 52].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }) else { return nil }
        let version = bytes[0..<2]
        guard Self.areDigits(version), !version.elementsEqual("ff".utf8) else { return nil }
        let isFirst = version.elementsEqual("00".utf8)
        guard bytes.count == 55 || (!isFirst && bytes[55] == UInt8(ascii: "-")) else { return nil }
        for id in [bytes[3..<35], bytes[36..<52]] {
            guard Self.areDigits(id), id.contains(where: { $0 != UInt8(ascii: "0") }) else { return nil }
        }
        guard Self.areDigits(bytes[53..<55]) else { return nil }
        parent = String(decoding: bytes[..<55], as: UTF8.self)
    }

    private static func areDigits(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.allSatisfy {
            switch $0 {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
            default: false
            }
        }
    }
}

/// Where a request stands in its caller's trace: the `traceparent` of W3C Trace Context, section 3.2.
package struct TraceContext: Equatable, Sendable {
    /// Version, trace id, parent id and flags, as they came.
    package let parent: String

    /// 32 lower-case hexadecimal digits, not all zero.
    package var traceID: Substring { parent.dropFirst(3).prefix(32) }

    /// Reads the value of a `traceparent` field; nil where it says nothing that can be relied on.
    ///
    /// A version beyond 00 may have more behind the flags, which is dropped.
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

import HTTPTypes

/// The ids by which requests are found in the log.
enum RequestID {
    /// The id that a client gave its request in `X-Request-Id`; nil if there is none, or none that a log can hold.
    static func given(in fields: HTTPFields) -> String? {
        guard let id = fields[.requestID], (1...64).contains(id.utf8.count) else { return nil }
        let isPlain = id.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
        return isPlain ? id : nil
    }

    /// A new id: 16 hexadecimal digits.
    static func random() -> String {
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

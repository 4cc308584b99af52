import HTTPTypes

/// One call of the library's access handler; the pointers are valid during it.
@unsafe
struct AccessCall {
    /// What the library does when the call has returned.
    enum Step {
        case goOn
        case closeConnection
    }

    let method: UnsafePointer<CChar>
    let target: UnsafePointer<CChar>
    let version: UnsafePointer<CChar>
    let bytes: UnsafePointer<CChar>?
    let byteCount: UnsafeMutablePointer<Int>

    /// The request's fields as they came.
    @unsafe
    func fields(of connection: Connection) throws(ServerRefusal) -> HTTPFields {
        try unsafe FieldCollector.collect(
            connection, method: method, version: version,
            maxHeaderBytes: connection.core.configuration.maxHeaderBytes)
    }

    /// The request's head, checked.
    ///
    /// - Parameters:
    ///   - fields: As they came.
    ///   - target: As it came with the first line; nil where it holds a byte that no target may.
    @unsafe
    func head(_ fields: HTTPFields, target: String?, isSecure: Bool) throws(ServerRefusal) -> RequestHead {
        // A target that a NUL cut short does not reach up to the version.
        let gap = unsafe UInt(bitPattern: version) &- UInt(bitPattern: self.target)
        let target = target.flatMap { gap == UInt($0.utf8.count) + 1 ? $0 : nil }
        return try unsafe RequestHead(
            method: String(cString: method), target: target, version: String(cString: version), fields: fields,
            scheme: isSecure ? "https" : "http")
    }
}

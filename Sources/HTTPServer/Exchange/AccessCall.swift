import HTTPTypes

/// One call of the library's access handler. Its pointers are valid during the call.
@unsafe
struct AccessCall {
    /// The step that the library takes once the call has returned.
    enum Step {
        case goOn
        case closeConnection
    }

    let method: UnsafePointer<CChar>
    let target: UnsafePointer<CChar>
    let version: UnsafePointer<CChar>
    let bytes: UnsafePointer<CChar>?
    let byteCount: UnsafeMutablePointer<Int>

    /// The fields of the request as they came over the wire.
    ///
    /// - Throws: ``ServerRefusal/malformed`` or ``ServerRefusal/headerTooLarge(limit:)``.
    @unsafe
    func fields(of connection: Connection) throws(ServerRefusal) -> HTTPFields {
        var collector = try unsafe FieldCollector(
            method: method, version: version, size: connection.headSize,
            maxHeaderBytes: connection.core.configuration.maxHeaderBytes)
        unsafe connection.forEachField { name, value in unsafe collector.add(name: name, value: value) }
        return try collector.collected()
    }

    /// The head of the request, checked.
    ///
    /// - Parameters:
    ///   - fields: The fields as they came over the wire.
    ///   - target: The target as it came with the first line; nil if it contains a byte that no target may contain.
    ///   - isSecure: Whether the request came over TLS.
    /// - Throws: ``ServerRefusal/malformed`` or ``ServerRefusal/unsupportedTransferCoding``.
    @unsafe
    func head(_ fields: HTTPFields, target: String?, isSecure: Bool) throws(ServerRefusal) -> RequestHead {
        // If a NUL cut the target short, the version does not begin just behind it.
        let gap = unsafe UInt(bitPattern: version) &- UInt(bitPattern: self.target)
        let target = target.flatMap { gap == UInt($0.utf8.count) + 1 ? $0 : nil }
        return try unsafe RequestHead(
            method: String(cString: method), target: target, version: String(cString: version), fields: fields,
            scheme: isSecure ? "https" : "http")
    }
}

import CMicroHTTPD
import Glibc
import HTTPTypes

/// Copies the fields of a request out of libmicrohttpd, and proves that they are what came over the wire.
///
/// The library's parser changes some lines: it ends a value at a NUL, it appends a folded line (`obs-fold`) to the name
/// of the previous field, and it accepts LF alone as the end of a line, which a proxy in front of this server may not.
/// Each of these shows in the addresses of the strings. A head that was taken as it came lies in memory in one piece,
/// line after line, with only the ends of the lines overwritten by NULs (libmicrohttpd 0.9.75
/// `src/microhttpd/connection.c`, `get_next_header_line` and `process_broken_line`).
struct FieldCollector {
    /// The most fields that a request may have. Real clients send far fewer, and `HTTPFields` holds at most 65535.
    static let maxFields = 1000

    private(set) var fields = HTTPFields()
    private(set) var refusal: ServerRefusal?
    private let maxHeaderBytes: Int
    /// The address at which the previous line ended.
    private var lineEnd: UInt

    /// Reads the fields of the request that a connection has before it.
    ///
    /// - Parameters:
    ///   - method: As the library gave it: the first byte of the head.
    ///   - version: As the library gave it: the last word of the first line.
    @unsafe
    static func collect(
        _ connection: Connection, method: UnsafePointer<CChar>, version: UnsafePointer<CChar>, maxHeaderBytes: Int
    ) throws(ServerRefusal) -> HTTPFields {
        let firstLineEnd = unsafe UInt(bitPattern: version) &+ UInt(strlen(version))
        var collector = FieldCollector(maxHeaderBytes: maxHeaderBytes, lineEnd: firstLineEnd)
        let size = connection.headSize
        guard size <= maxHeaderBytes else { throw .headerTooLarge(limit: maxHeaderBytes) }
        unsafe withUnsafeMutablePointer(to: &collector) { pointer in
            _ = unsafe MHD_get_connection_values_n(connection.handle, .HEADER_KIND, takeField, pointer)
        }
        if let refusal = collector.refusal { throw refusal }
        // After the last field come its own line end and the empty line.
        let end = UInt(bitPattern: method) &+ UInt(size)
        guard end &- collector.lineEnd == 4 else { throw .malformed }
        return collector.fields
    }

    private init(maxHeaderBytes: Int, lineEnd: UInt) {
        self.maxHeaderBytes = maxHeaderBytes
        self.lineEnd = lineEnd
    }

    /// - Returns: Whether to go on.
    @unsafe
    fileprivate mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
        let (nameStart, valueStart) = unsafe (Self.address(name), Self.address(value))
        let nameEnd = nameStart &+ UInt(name.count)
        let gap = valueStart &- nameEnd
        guard nameStart &- lineEnd == 2, (1...UInt(maxHeaderBytes)).contains(gap),
            let name = HTTPField.Name(unsafe String(decoding: name, as: UTF8.self))
        else {
            refusal = .malformed
            return false
        }
        lineEnd = valueStart &+ UInt(value.count)
        var bytes = unsafe value[...]
        while let last = unsafe bytes.last, last == 0x20 || last == 0x09 { unsafe bytes.removeLast() }
        guard unsafe HTTPField.isValidValue(bytes) else {
            refusal = .malformed
            return false
        }
        guard fields.count < Self.maxFields else {
            refusal = .headerTooLarge(limit: maxHeaderBytes)
            return false
        }
        fields.append(unsafe HTTPField(name: name, value: bytes))
        return true
    }

    @unsafe
    private static func address(_ bytes: UnsafeRawBufferPointer) -> UInt {
        UInt(bitPattern: bytes.baseAddress)
    }
}

/// `MHD_KeyValueIteratorN`.
private func takeField(
    context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?, nameCount: Int,
    value: UnsafePointer<CChar>?, valueCount: Int
) -> MHD_Result {
    guard let collector = unsafe context?.assumingMemoryBound(to: FieldCollector.self) else { return .NO }
    let name = unsafe UnsafeRawBufferPointer(start: name, count: nameCount)
    return unsafe collector.pointee.add(name: name, value: .init(start: value, count: valueCount)) ? .YES : .NO
}

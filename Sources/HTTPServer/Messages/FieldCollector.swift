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

    private var fields = HTTPFields()
    private var refusal: ServerRefusal?
    private let maxHeaderBytes: Int
    /// The address at which the previous line ended.
    private var lineEnd: UInt
    /// The address at which the head ends.
    private let headEnd: UInt

    /// Begins with the fields of a head.
    ///
    /// - Parameters:
    ///   - method: The library's pointer to the method, which is the first byte of the head.
    ///   - version: The library's pointer to the version, which is the last word of the first line.
    ///   - size: The size of the head on the wire, in bytes.
    ///   - maxHeaderBytes: The greatest size that a head may have, in bytes.
    /// - Throws: ``ServerRefusal/headerTooLarge(limit:)``.
    @unsafe
    init(
        method: UnsafePointer<CChar>, version: UnsafePointer<CChar>, size: Int, maxHeaderBytes: Int
    ) throws(ServerRefusal) {
        guard size <= maxHeaderBytes else { throw .headerTooLarge(limit: maxHeaderBytes) }
        self.maxHeaderBytes = maxHeaderBytes
        lineEnd = unsafe UInt(bitPattern: version) &+ UInt(strlen(version))
        headEnd = UInt(bitPattern: method) &+ UInt(size)
    }

    /// The fields, once all of them are added.
    ///
    /// - Throws: ``ServerRefusal/malformed`` or ``ServerRefusal/headerTooLarge(limit:)``.
    consuming func collected() throws(ServerRefusal) -> HTTPFields {
        if let refusal { throw refusal }
        // The last field is followed by the end of its line and the empty line.
        guard headEnd &- lineEnd == 4 else { throw .malformed }
        return fields
    }

    /// Adds the next field, given by its name and value as they lie in the library's buffer.
    ///
    /// - Returns: Whether to go on; false if the field is refused.
    @unsafe
    mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> Bool {
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

import Glibc

/// Decodes a `multipart/form-data` body (RFC 7578 over RFC 2046 5.1) in one pass as its bytes arrive, and hands on the
/// bytes of its parts without copying them.
///
/// libmicrohttpd has a decoder too, its post processor, which is not used for three reasons. Version 0.9.75 moves its
/// whole buffer for each `-` before the first boundary and for each line of a part's head, so that a small body keeps a
/// thread busy for minutes. It announces a part whose first bytes are still to come as an empty part, which cannot be
/// told from an empty part that is followed by another of the same name. And it takes a body without any boundary for a
/// form without parts.
///
/// A decoder that has thrown is of no further use.
///
/// - Complexity: O(n) for n bytes in all, O(1) memory.
package struct MultipartDecoder {
    /// Takes the next bytes of a part.
    ///
    /// - Parameters:
    ///   - offset: The place of the bytes in the part. An offset of 0 means that a new part begins, which may be empty.
    /// - Returns: For how many bytes at least the part goes on, if its content says so; otherwise 0. The decoder does
    ///   not look for the end of the part among these bytes, so that large arrays need not be searched for a boundary.
    package typealias Output<Failure: Error> = (
        _ part: FormPart, _ offset: UInt64, _ bytes: borrowing Span<UInt8>
    ) throws(Failure) -> Int

    /// The most bytes that one part's head may have.
    private static let maxHeadBytes = 8 << 10

    private enum State {
        /// Within the preamble or a part's bytes. The last `matched` bytes that were read may begin a delimiter.
        case content(matched: Int)
        /// Right behind a delimiter, which is followed by `--`, or by blanks and a line end.
        case delimiter(dashes: Int, sawReturn: Bool)
        case head
        /// Behind the last delimiter. The bytes that follow mean nothing.
        case epilogue
    }

    private let delimiter: [UInt8]
    private var state: State
    /// How many bytes at the start of `matched` were never in the body: at the start of the form, and right behind a
    /// part's head, a delimiter may stand without the line end that belongs to it.
    private var virtualBytes = 2
    private var isPreamble = true
    private var head: [UInt8] = []
    private var part = FormPart(name: "", fileName: nil, mediaType: nil, start: 0)
    private var offset: UInt64 = 0
    /// How many of the bytes that come next belong to the part, whatever they are.
    private var certain = 0
    /// How many bytes of the form came before those that are being read.
    private var readCount: UInt64 = 0

    /// - Throws: ``CodecError/formBoundaryMissing`` or ``CodecError/formBoundary(_:)``.
    package init(_ type: MultipartType) throws(CodecError) {
        delimiter = Array("\r\n--".utf8) + (try type.checkedBoundary())
        state = .content(matched: virtualBytes)
    }

    /// Takes the next bytes of the form.
    ///
    /// - Parameter output: Takes the parts' bytes, piece by piece.
    /// - Throws: What `output` throws, or an error made from ``CodecError/form``.
    package mutating func decode<Failure: CodecFailure>(
        _ bytes: borrowing Span<UInt8>, _ output: Output<Failure>
    ) throws(Failure) {
        var index = 0
        while index < bytes.count {
            switch state {
            case .content(let matched): index = try readContent(bytes, from: index, matched, output)
            case .delimiter(let dashes, let sawReturn):
                do throws(CodecError) {
                    try readDelimiterEnd(bytes[index], dashes, sawReturn)
                } catch {
                    throw Failure(error)
                }
                index += 1
            case .head:
                do throws(CodecError) {
                    index = try readHead(bytes, from: index)
                } catch {
                    throw Failure(error)
                }
            case .epilogue: index = bytes.count
            }
        }
        readCount += UInt64(bytes.count)
    }

    /// How many bytes follow the last part of a form: the delimiter, two dashes and a line end.
    package var closingByteCount: Int { delimiter.count + 4 }

    /// The form is complete.
    ///
    /// - Throws: ``CodecError/form`` if the form ends before its closing boundary.
    package func finish() throws(CodecError) {
        guard case .epilogue = state else { throw .form }
    }

    // MARK: - Content

    /// Reads up to the end of the next delimiter, or of the bytes.
    private mutating func readContent<Failure: CodecFailure>(
        _ bytes: borrowing Span<UInt8>, from start: Int, _ carried: Int, _ output: Output<Failure>
    ) throws(Failure) -> Int {
        if certain > carried {
            // The bytes that looked like the start of a delimiter belong to the part.
            let delimiter = delimiter
            try give(delimiter.span.extracting(0..<carried), output)
            state = .content(matched: 0)
            let count = min(certain, bytes.count - start)
            try give(bytes.extracting(start..<start + count), output)
            return start + count
        }
        var index = start
        if carried > 0 {
            let matched = carried + matchLength(bytes, from: start, of: carried)
            index += matched - carried
            if matched == delimiter.count { return try endPart(index, output) }
            guard index < bytes.count else {
                state = .content(matched: matched)
                return index
            }
            // There is no delimiter: the bytes that were held back belong to the part. No other delimiter begins among
            // them, since a carriage return stands only at a delimiter's start.
            let delimiter = delimiter
            let held = delimiter.span.extracting(min(virtualBytes, matched)..<matched)
            virtualBytes = 0
            try give(held, output)
        }
        virtualBytes = 0
        let runStart = index
        while let found = firstReturn(bytes, from: index) {
            let matched = matchLength(bytes, from: found, of: 0)
            index = found + matched
            guard matched == delimiter.count || index == bytes.count else { continue }
            try give(bytes.extracting(runStart..<found), output)
            if matched == delimiter.count { return try endPart(index, output) }
            state = .content(matched: matched)
            return index
        }
        state = .content(matched: 0)
        try give(bytes.extracting(runStart..<bytes.count), output)
        return bytes.count
    }

    /// How many bytes from `start` on agree with the delimiter's from `offset` on.
    private func matchLength(_ bytes: borrowing Span<UInt8>, from start: Int, of offset: Int) -> Int {
        let delimiter = delimiter
        var count = 0
        while offset + count < delimiter.count, start + count < bytes.count,
            delimiter[offset + count] == bytes[start + count]
        {
            count += 1
        }
        return count
    }

    private func firstReturn(_ bytes: borrowing Span<UInt8>, from start: Int) -> Int? {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            guard start < buffer.count, let base = buffer.baseAddress,
                let found = unsafe memchr(base + start, 0x0D, buffer.count - start)
            else { return nil }
            return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
        }
    }

    private mutating func give<Failure: CodecFailure>(
        _ bytes: borrowing Span<UInt8>, _ output: Output<Failure>
    ) throws(Failure) {
        guard !isPreamble, bytes.count > 0 else { return }
        let start = offset
        offset += UInt64(bytes.count)
        certain = max(try output(part, start, bytes), 0)
    }

    private mutating func endPart<Failure: CodecFailure>(
        _ index: Int, _ output: Output<Failure>
    ) throws(Failure) -> Int {
        state = .delimiter(dashes: 0, sawReturn: false)
        if !isPreamble, offset == 0 { _ = try output(part, 0, Span()) }
        isPreamble = false
        return index
    }

    // MARK: - Between parts

    private mutating func readDelimiterEnd(_ byte: UInt8, _ dashes: Int, _ sawReturn: Bool) throws(CodecError) {
        switch byte {
        case 0x2D where dashes == 1: state = .epilogue
        case 0x2D where dashes == 0 && !sawReturn: state = .delimiter(dashes: 1, sawReturn: false)
        case 0x20 where dashes == 0 && !sawReturn, 0x09 where dashes == 0 && !sawReturn: break
        case 0x0D where dashes == 0 && !sawReturn: state = .delimiter(dashes: 0, sawReturn: true)
        case 0x0A where sawReturn:
            head.removeAll(keepingCapacity: true)
            state = .head
        default: throw .form
        }
    }

    /// Gathers a part's head up to and with its empty line.
    private mutating func readHead(_ bytes: borrowing Span<UInt8>, from start: Int) throws(CodecError) -> Int {
        for index in start..<bytes.count {
            head.append(bytes[index])
            if bytes[index] == 0x0A, head.count == 2 || head.suffix(4) == [0x0D, 0x0A, 0x0D, 0x0A] {
                try parseHead(end: readCount + UInt64(index) + 1)
                return index + 1
            }
            guard head.count < Self.maxHeadBytes else { throw .form }
        }
        return bytes.count
    }

    private mutating func parseHead(end: UInt64) throws(CodecError) {
        guard head.starts(with: [0x0D, 0x0A]) || head.count > 2 else { throw .form }
        part = FormPart(name: "", fileName: nil, mediaType: nil, start: end)
        offset = 0
        certain = 0
        virtualBytes = 2
        state = .content(matched: virtualBytes)
        for line in String(decoding: head, as: UTF8.self).split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":") else { throw .form }
            let value = String(line[line.index(after: colon)...])
            switch line[..<colon].lowercased() {
            case "content-disposition":
                guard let disposition = FieldParameters(value), disposition.value == "form-data" else {
                    throw .form
                }
                part.name = disposition["name"] ?? ""
                part.fileName = disposition["filename"]
            case "content-type": part.mediaType = FieldParameters(value)?.value
            case "content-transfer-encoding":
                // RFC 7578 4.7 has clients send no other encoding, in which the bytes would not be those of the file.
                guard let encoding = FieldParameters(value)?.value, ["binary", "7bit", "8bit"].contains(encoding)
                else { throw .form }
            default: break
            }
        }
    }
}

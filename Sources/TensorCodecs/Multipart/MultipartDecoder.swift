import Glibc

/// Decodes a `multipart/form-data` body (RFC 7578 over RFC 2046 5.1) in one pass as its bytes arrive, and hands on the
/// parts' bytes where they lie in what is pushed in.
///
/// libmicrohttpd has a post processor, which is not used: 0.9.75 moves its whole buffer for each `-` before the first
/// boundary and for each line of a part's head, so that a small body keeps a thread busy for minutes; it announces a
/// part whose first bytes are still to come as an empty one, which nobody can tell from an empty part followed by
/// another of its name; and it takes a body without any boundary for a form without parts.
///
/// A decoder that has thrown is of no further use.
///
/// - Complexity: O(n) for n bytes in all, O(1) memory.
package struct MultipartDecoder {
    /// Takes the next bytes of a part.
    ///
    /// - Parameters:
    ///   - offset: Where in the part the bytes belong; 0 begins a new part, an empty one too.
    /// - Returns: For how many bytes at least the part goes on, where it says so itself; 0 where it does not. The
    ///   decoder takes its word for it, and does not look for the end of the part among them: large arrays need not be
    ///   searched for a boundary that no array of that size holds.
    package typealias Output<Failure: Error> = (
        _ part: FormPart, _ offset: UInt64, _ bytes: borrowing Span<UInt8>
    ) throws(Failure) -> Int

    /// Bytes of one part's head.
    private static let maxHeadBytes = 8 << 10

    private enum State {
        /// In the preamble or in a part's bytes, of which `matched` bytes of a delimiter have been seen at the end.
        case content(matched: Int)
        /// Right behind a delimiter, where `--`, or blanks and a line end follow.
        case delimiter(dashes: Int, sawReturn: Bool)
        case head
        /// Behind the last delimiter; what follows means nothing.
        case epilogue
    }

    private let delimiter: [UInt8]
    private var state: State
    /// Bytes at the start of `matched` that were never in the body: a delimiter may stand at the start of the form, and
    /// right behind a part's head, without the line end that belongs to it.
    private var virtualBytes = 2
    private var isPreamble = true
    private var head: [UInt8] = []
    private var part = FormPart(name: "", fileName: nil, start: 0)
    private var offset: UInt64 = 0
    /// Bytes of the part that are known to be its own.
    private var certain = 0
    /// Bytes of the form before those that are being read.
    private var readCount: UInt64 = 0

    /// - Throws: ``CodecError/formBoundaryMissing`` or ``CodecError/formBoundary(_:)``.
    package init(_ type: MultipartType) throws(CodecError) {
        delimiter = Array("\r\n--".utf8) + (try type.checkedBoundary())
        state = .content(matched: virtualBytes)
    }

    /// Takes the next bytes of the form.
    ///
    /// - Parameter output: Takes the parts' bytes, piece by piece.
    /// - Throws: What `output` throws, or made from ``CodecError/form``.
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

    /// How many bytes end a form in which no part follows: the delimiter, two dashes and a line end.
    package var closingByteCount: Int { delimiter.count + 4 }

    /// The form is complete.
    ///
    /// - Throws: ``CodecError/form`` where it ends before its closing boundary.
    package func finish() throws(CodecError) {
        guard case .epilogue = state else { throw .form }
    }

    // MARK: - Content

    /// Reads up to the end of the next delimiter, or of the bytes.
    private mutating func readContent<Failure: CodecFailure>(
        _ bytes: borrowing Span<UInt8>, from start: Int, _ carried: Int, _ output: Output<Failure>
    ) throws(Failure) -> Int {
        if certain > carried {
            // What looked like a delimiter's start was none.
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
            // It was none: what was held back belongs to the part. A carriage return stands only at a delimiter's
            // start, so none begins within it.
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
        part = FormPart(name: "", fileName: nil, start: end)
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
            case "content-transfer-encoding":
                // RFC 7578 4.7: nobody sends others; their bytes would not be the part's.
                guard let encoding = FieldParameters(value)?.value, ["binary", "7bit", "8bit"].contains(encoding)
                else { throw .form }
            default: break
            }
        }
    }
}

import Glibc
import ServiceInterface

/// Reads a `multipart/form-data` body (RFC 7578 over RFC 2046 5.1) in one pass, handing on the parts' bytes where they
/// lie in what is pushed in.
///
/// libmicrohttpd has a post processor, which is not used: 0.9.75 moves its whole buffer for each `-` before the first
/// boundary and for each line of a part's head, so that a small body keeps a thread busy for minutes; it announces a
/// part whose first bytes are still to come as an empty one, which nobody can tell from an empty part followed by
/// another of its name; and it takes a body without any boundary for a form without parts.
///
/// - Complexity: O(n) for n bytes in all, O(1) memory.
final class FormReader: MultipartReader {
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
    private let receiver: any PartReceiver
    private var state: State
    private var failure: MultipartError?
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

    init(boundary: [UInt8], receiver: any PartReceiver) {
        delimiter = Array("\r\n--".utf8) + boundary
        self.receiver = receiver
        state = .content(matched: virtualBytes)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(MultipartError) {
        if let failure { throw failure }
        do throws(MultipartError) {
            var index = 0
            while index < bytes.count {
                switch state {
                case .content(let matched): index = try readContent(bytes, from: index, matched)
                case .delimiter(let dashes, let sawReturn):
                    try readDelimiterEnd(bytes[index], dashes, sawReturn)
                    index += 1
                case .head: index = try readHead(bytes, from: index)
                case .epilogue: index = bytes.count
                }
            }
        } catch {
            failure = error
            throw error
        }
        readCount += UInt64(bytes.count)
    }

    /// The delimiter, two dashes and a line end.
    var closingByteCount: Int { delimiter.count + 4 }

    func finish() throws(MultipartError) {
        if let failure { throw failure }
        guard case .epilogue = state else { throw .malformed }
    }

    // MARK: - Content

    /// Reads up to the end of the next delimiter, or of the bytes.
    private func readContent(
        _ bytes: borrowing Span<UInt8>, from start: Int, _ carried: Int
    ) throws(MultipartError) -> Int {
        if certain > carried {
            // What looked like a delimiter's start was none.
            let delimiter = delimiter
            try give(delimiter.span.extracting(0..<carried))
            state = .content(matched: 0)
            let count = min(certain, bytes.count - start)
            try give(bytes.extracting(start..<start + count))
            return start + count
        }
        var index = start
        if carried > 0 {
            let matched = carried + matchLength(bytes, from: start, of: carried)
            index += matched - carried
            if matched == delimiter.count { return try endPart(index) }
            guard index < bytes.count else {
                state = .content(matched: matched)
                return index
            }
            // It was none: what was held back belongs to the part. A carriage return stands only at a delimiter's
            // start, so none begins within it.
            let delimiter = delimiter
            let held = delimiter.span.extracting(min(virtualBytes, matched)..<matched)
            virtualBytes = 0
            try give(held)
        }
        virtualBytes = 0
        let runStart = index
        while let found = firstReturn(bytes, from: index) {
            let matched = matchLength(bytes, from: found, of: 0)
            index = found + matched
            guard matched == delimiter.count || index == bytes.count else { continue }
            try give(bytes.extracting(runStart..<found))
            if matched == delimiter.count { return try endPart(index) }
            state = .content(matched: matched)
            return index
        }
        state = .content(matched: 0)
        try give(bytes.extracting(runStart..<bytes.count))
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

    private func give(_ bytes: borrowing Span<UInt8>) throws(MultipartError) {
        guard !isPreamble, bytes.count > 0 else { return }
        let demand = receiver.receive(part, offset: offset, bytes: bytes)
        offset += UInt64(bytes.count)
        switch demand {
        case .stop: throw .refused
        case .more: certain = 0
        case .atLeast(let count): certain = max(count, 0)
        }
    }

    private func endPart(_ index: Int) throws(MultipartError) -> Int {
        state = .delimiter(dashes: 0, sawReturn: false)
        if !isPreamble, offset == 0 {
            if receiver.receive(part, offset: 0, bytes: Span()) == .stop { throw .refused }
        }
        isPreamble = false
        return index
    }

    // MARK: - Between parts

    private func readDelimiterEnd(_ byte: UInt8, _ dashes: Int, _ sawReturn: Bool) throws(MultipartError) {
        switch byte {
        case 0x2D where dashes == 1: state = .epilogue
        case 0x2D where dashes == 0 && !sawReturn: state = .delimiter(dashes: 1, sawReturn: false)
        case 0x20 where dashes == 0 && !sawReturn, 0x09 where dashes == 0 && !sawReturn: break
        case 0x0D where dashes == 0 && !sawReturn: state = .delimiter(dashes: 0, sawReturn: true)
        case 0x0A where sawReturn:
            head.removeAll(keepingCapacity: true)
            state = .head
        default: throw .malformed
        }
    }

    /// Gathers a part's head up to and with its empty line.
    private func readHead(_ bytes: borrowing Span<UInt8>, from start: Int) throws(MultipartError) -> Int {
        for index in start..<bytes.count {
            head.append(bytes[index])
            if bytes[index] == 0x0A, head.count == 2 || head.suffix(4) == [0x0D, 0x0A, 0x0D, 0x0A] {
                try parseHead(end: readCount + UInt64(index) + 1)
                return index + 1
            }
            guard head.count < Self.maxHeadBytes else { throw .malformed }
        }
        return bytes.count
    }

    private func parseHead(end: UInt64) throws(MultipartError) {
        guard head.starts(with: [0x0D, 0x0A]) || head.count > 2 else { throw .malformed }
        part = FormPart(name: "", fileName: nil, start: end)
        offset = 0
        certain = 0
        virtualBytes = 2
        state = .content(matched: virtualBytes)
        for line in String(decoding: head, as: UTF8.self).split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":") else { throw .malformed }
            let value = String(line[line.index(after: colon)...])
            switch line[..<colon].lowercased() {
            case "content-disposition":
                guard let disposition = FieldParameters(value), disposition.value == "form-data" else {
                    throw .malformed
                }
                part.name = disposition["name"] ?? ""
                part.fileName = disposition["filename"]
            case "content-transfer-encoding":
                // RFC 7578 4.7: nobody sends others; their bytes would not be the part's.
                guard let encoding = FieldParameters(value)?.value, ["binary", "7bit", "8bit"].contains(encoding)
                else { throw .malformed }
            default: break
            }
        }
    }
}

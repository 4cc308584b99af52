/// Decodes an npz file, which is a zip archive of npy files, as its bytes arrive.
///
/// Entries, stored or deflated, are read in the order of the stream from their local headers, in constant memory. The
/// central directory is passed over and not trusted; the archive is complete with its end record. Stored content is
/// handed to the receiver without a copy.
///
/// In an archive that was written to a pipe or a socket, as NumPy's `savez` can, an entry's sizes stand only in the
/// descriptor behind the entry. Deflated content marks its own end. Stored content does not: there the decoder looks
/// into the entry, which is an npy file and says in its header how long it is. The checksum behind the entry proves
/// that right.
///
/// A decoder that has thrown is of no further use.
///
/// - SeeAlso: PKWARE's APPNOTE.TXT 6.3.10, section 4.3.
package final class NpzDecoder<Receiver: EntryReceiver> {
    private static var nameLimit: Int { 1024 }
    private static var entryLimit: Int { 64 }

    private enum State {
        /// The first four bytes of any record.
        case signature
        case localHeader, nameAndExtraFields
        case content(ZipEntry)
        case descriptorSignature(ZipEntry)
        case descriptor(ZipEntry)
        case directoryHeader, zip64EndRecord, endRecord
        case skip(UInt64)
        case comment(UInt64)
        case end
    }

    private let receiver: Receiver
    private let byteLimit: Int
    private var state = State.signature
    /// The record that is being gathered, and the size at which it can be read.
    private var record: [UInt8] = []
    private var needed = 4
    /// How many bytes of the archive came before the chunk that is being read.
    private var consumedCount = 0
    private var isPastEntries = false

    private var names: Set<String> = []
    private var decodedCount = 0
    private var inflater: Inflater?

    /// - Parameters:
    ///   - receiver: Takes the entries.
    ///   - byteLimit: The most bytes that all entries together may decode to, npy headers included.
    package init(receiver: Receiver, byteLimit: Int) {
        self.receiver = receiver
        self.byteLimit = byteLimit
    }

    /// Takes the next bytes of the archive.
    ///
    /// - Throws: What the receiver throws, or an error made from a ``CodecError``: `zip…`,
    ///   ``CodecError/tooManyEntries(limit:)``, ``CodecError/duplicateEntry(_:)``, ``CodecError/deflate(reason:)``,
    ///   ``CodecError/tooLarge(limit:)``, ``CodecError/trailingBytes``; for stored entries of unknown size also what is
    ///   wrong with their npy header.
    package func decode(_ bytes: borrowing Span<UInt8>) throws(Receiver.Failure) {
        var position = 0
        while position < bytes.count {
            let rest = bytes.extracting(position..<bytes.count)
            switch state {
            case .content(let entry):
                position += try decodeContent(of: entry, rest)
            case .skip(let count):
                let taken = min(count, UInt64(rest.count))
                position += Int(taken)
                skip(count - taken)
            case .comment(let count):
                let taken = min(count, UInt64(rest.count))
                position += Int(taken)
                skipComment(count - taken)
            case .end:
                throw Receiver.Failure(.trailingBytes)
            case .signature, .localHeader, .nameAndExtraFields, .descriptorSignature, .descriptor, .directoryHeader,
                .zip64EndRecord, .endRecord:
                let count = min(needed - record.count, rest.count)
                for index in 0..<count { record.append(rest[index]) }
                position += count
                if record.count == needed {
                    try readRecord(at: consumedCount + position - record.count)
                }
            }
        }
        consumedCount += bytes.count
    }

    /// The archive is complete.
    ///
    /// - Throws: An error made from ``CodecError/zipTruncated(entry:)``.
    package func finish() throws(Receiver.Failure) {
        switch state {
        case .end: return
        case .content(let entry), .descriptorSignature(let entry), .descriptor(let entry):
            throw Receiver.Failure(.zipTruncated(entry: entry.name))
        case .signature, .localHeader, .nameAndExtraFields, .directoryHeader, .zip64EndRecord, .endRecord, .skip,
            .comment:
            throw Receiver.Failure(.zipTruncated(entry: nil))
        }
    }

    // MARK: - Records

    /// Goes on with the record gathered so far.
    private func gather(_ next: State, upTo count: Int) {
        state = next
        needed = count
    }

    /// Drops the record gathered so far and begins another.
    private func gatherAnew(_ next: State, upTo count: Int = 4) {
        record.removeAll(keepingCapacity: true)
        gather(next, upTo: count)
    }

    private func skip(_ count: UInt64) {
        if count > 0 { state = .skip(count) } else { gatherAnew(.signature) }
    }

    private func skipComment(_ count: UInt64) {
        state = count > 0 ? .comment(count) : .end
    }

    /// Reads the record gathered so far and decides what comes next.
    private func readRecord(at position: Int) throws(Receiver.Failure) {
        switch state {
        case .signature:
            try readSignature(at: position)
        case .localHeader:
            let header = ZipLocalHeader(record)
            guard header.nameByteCount <= Self.nameLimit else {
                throw Receiver.Failure(.zipNameTooLong(header.nameByteCount, limit: Self.nameLimit))
            }
            gather(.nameAndExtraFields, upTo: record.count + header.nameByteCount + header.extraByteCount)
            if record.count == needed { try beginEntry() }
        case .nameAndExtraFields:
            try beginEntry()
        case .descriptorSignature(let entry):
            let sizes = entry.hasWideDescriptor ? 16 : 8
            // The signature is optional (4.3.9.3); without it these four bytes are the checksum.
            if record.integer(at: 0, as: UInt32.self) == 0x0807_4B50 {
                gatherAnew(.descriptor(entry), upTo: 4 + sizes)
            } else {
                gather(.descriptor(entry), upTo: 4 + sizes)
            }
        case .descriptor(let entry):
            try readDescriptor(of: entry)
        case .directoryHeader:
            // The lengths of name, extra fields and comment.
            skip([28, 30, 32].reduce(0) { $0 + UInt64(record.integer(at: $1, as: UInt16.self)) })
        case .zip64EndRecord:
            skip(record.integer(at: 4, as: UInt64.self))
        case .endRecord:
            skipComment(UInt64(record.integer(at: 20, as: UInt16.self)))
        case .content, .skip, .comment, .end:
            preconditionFailure("No record is gathered in this state.")
        }
    }

    private func readSignature(at position: Int) throws(Receiver.Failure) {
        let signature = record.integer(at: 0, as: UInt32.self)
        switch signature {
        case ZipLocalHeader.signature where !isPastEntries:
            gather(.localHeader, upTo: ZipLocalHeader.fixedByteCount)
        case 0x0201_4B50:
            isPastEntries = true
            gather(.directoryHeader, upTo: 46)
        case 0x0606_4B50:
            isPastEntries = true
            gather(.zip64EndRecord, upTo: 12)
        case 0x0706_4B50:
            isPastEntries = true
            skip(16)
        case 0x0605_4B50:
            gather(.endRecord, upTo: 22)
        default:
            throw Receiver.Failure(.zipSignature(signature, position: position))
        }
    }

    // MARK: - Entries

    private func beginEntry() throws(Receiver.Failure) {
        var header = ZipLocalHeader(record)
        header.readExtraFields(record)
        let name = String(decoding: record[header.nameRange], as: UTF8.self)
        let entry: ZipEntry
        do throws(CodecError) {
            guard names.count < Self.entryLimit else { throw CodecError.tooManyEntries(limit: Self.entryLimit) }
            guard names.insert(name).inserted else { throw CodecError.duplicateEntry(name) }
            entry = try ZipEntry(name: name, header: header, makeInflater: readyInflater)
            // An entry that is too large by its own header is refused before the receiver is told of it.
            guard header.knownSize ?? 0 <= UInt64(byteLimit - decodedCount) else {
                throw CodecError.tooLarge(limit: byteLimit)
            }
        } catch {
            throw Receiver.Failure(error)
        }
        state = .content(entry)
        try receiver.begin(entry: name)
        if entry.isEmpty { try endContent(of: entry) }
    }

    private func decodeContent(of entry: ZipEntry, _ bytes: borrowing Span<UInt8>) throws(Receiver.Failure) -> Int {
        let (consumed, isAtEnd) = try entry.decode(bytes, budget: byteLimit - decodedCount, limit: byteLimit) {
            (decoded) throws(Receiver.Failure) in
            decodedCount += decoded.count
            try receiver.receive(decoded)
        }
        if isAtEnd { try endContent(of: entry) }
        return consumed
    }

    private func endContent(of entry: ZipEntry) throws(Receiver.Failure) {
        if entry.header.hasDescriptor {
            gatherAnew(.descriptorSignature(entry))
        } else {
            let header = entry.header
            try end(
                entry, checksum: header.checksum, compressedSize: header.compressedSize, size: header.size)
        }
    }

    private func readDescriptor(of entry: ZipEntry) throws(Receiver.Failure) {
        let isWide = entry.hasWideDescriptor
        try end(
            entry, checksum: record.integer(at: 0, as: UInt32.self),
            compressedSize: isWide
                ? record.integer(at: 4, as: UInt64.self) : UInt64(record.integer(at: 4, as: UInt32.self)),
            size: isWide ? record.integer(at: 12, as: UInt64.self) : UInt64(record.integer(at: 8, as: UInt32.self)))
    }

    private func end(
        _ entry: ZipEntry, checksum: UInt32, compressedSize: UInt64, size: UInt64
    ) throws(Receiver.Failure) {
        do {
            try entry.verify(checksum: checksum, compressedSize: compressedSize, size: size)
        } catch {
            throw Receiver.Failure(error)
        }
        gatherAnew(.signature)
        try receiver.end(entry: entry.name)
    }

    private func readyInflater() throws(CodecError) -> Inflater {
        if let inflater {
            inflater.reset()
            return inflater
        }
        let made = try Inflater(.raw)
        inflater = made
        return made
    }
}

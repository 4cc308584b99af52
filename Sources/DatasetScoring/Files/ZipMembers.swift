import Files

/// Reads the names in the directory of a zip archive. Problems list them, so that a client sees what it could have
/// meant.
enum ZipMembers {
    /// The most names that are read, since a longer list would help nobody.
    private static let nameLimit = 64

    /// The most bytes that are read of the directory, and of the record behind it, which may carry a comment of that
    /// length.
    private static let byteLimit = nameLimit * 512
    private static let endByteCount = 22 + Int(UInt16.max)

    /// Whether a file begins as archives do.
    static func isArchive(_ file: InputFile) -> Bool {
        file.beginning(4) == [0x50, 0x4B, 0x03, 0x04]
    }

    /// The names in the order of the directory, without those of folders; empty if the directory cannot be read.
    static func names(in file: InputFile) -> [String] {
        let start = max(file.byteCount - endByteCount, 0)
        guard let tail = file.bytes(start..<file.byteCount), tail.count >= 22,
            let end = (0...tail.count - 22).last(where: { number(tail, $0, 4) == 0x0605_4B50 })
        else { return [] }
        let (size, offset) = (number(tail, end + 12, 4), number(tail, end + 16, 4))
        guard offset <= file.byteCount,
            let directory = file.bytes(offset..<min(offset + min(size, byteLimit), file.byteCount))
        else { return [] }
        var (names, position) = ([String](), 0)
        while position + 46 <= directory.count, number(directory, position, 4) == 0x0201_4B50, names.count < nameLimit {
            let lengths = [28, 30, 32].map { number(directory, position + $0, 2) }
            let name = position + 46..<position + 46 + lengths[0]
            guard name.upperBound <= directory.count else { break }
            names.append(String(decoding: directory[name], as: UTF8.self))
            position = name.upperBound + lengths[1] + lengths[2]
        }
        return names.filter { !$0.hasSuffix("/") && !$0.hasPrefix("__MACOSX/") }
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}

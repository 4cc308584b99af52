/// The keys that callers may show.
package struct KeyRing: Sendable {
    /// How many bytes a key may have.
    package static let lengths = 16...256

    private struct Entry {
        /// Filled up with zeros to the longest length, and with its own length behind.
        let padded: [UInt8]
        let caller: Caller
    }

    private let entries: [Entry]

    /// Reads keys as a file lists them: one a line, empty lines and those that begin with `#` passed over. Behind a key and a blank may
    /// stand `overseer`, for one that sees all jobs, and `name=NAME`: keys of one name see each other's jobs.
    ///
    /// - Throws: ``KeyRingError``, which never holds a part of a key.
    package init(lines text: some Sequence<UInt8>) throws(KeyRingError) {
        var entries: [Entry] = []
        for (index, line) in Array(text).split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            guard let key = words.first, key.first != UInt8(ascii: "#") else { continue }
            guard words.joined().allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .unprintable(line: index + 1) }
            var owner = JobOwner(key: Array(key))
            var isOverseer = false
            for word in words.dropFirst() {
                let mark = String(decoding: word, as: UTF8.self)
                if mark == "overseer" {
                    isOverseer = true
                } else if mark.hasPrefix("name="), mark.utf8.count > 5, mark.utf8.count <= 69 {
                    owner = JobOwner(name: mark.dropFirst(5))
                } else {
                    throw .mark(line: index + 1)
                }
            }
            guard Self.lengths.contains(key.count) else { throw .length(line: index + 1, count: key.count) }
            entries.append(Entry(padded: Self.pad(Array(key)), caller: Caller(owner: owner, seesAll: isOverseer)))
        }
        guard !entries.isEmpty else { throw .empty }
        self.entries = entries
    }

    package var count: Int { entries.count }

    /// Who shows a key; nil for one that is not among them.
    ///
    /// Takes as long for a wrong key as for a right one, and for one that is nearly right: every key is held against the
    /// candidate, over the longest length, to the last byte.
    func caller(_ candidate: some Collection<UInt8>) -> Caller? {
        guard candidate.count <= Self.lengths.upperBound else { return nil }
        let candidate = Self.pad(Array(candidate))
        // The number of the entry, counted from 1; of equal ones the last.
        var found = 0
        for (number, entry) in entries.enumerated() {
            var difference: UInt8 = 0
            for index in candidate.indices { difference |= entry.padded[index] ^ candidate[index] }
            // The top bit of 0 − 1 alone, of all differences: no branch.
            let isSame = Int((UInt16(difference) &- 1) >> 15)
            found = isSame * (number + 1) + (1 - isSame) * found
        }
        return found == 0 ? nil : entries[found - 1].caller
    }

    private static func pad(_ key: [UInt8]) -> [UInt8] {
        key + [UInt8](repeating: 0, count: lengths.upperBound - key.count) + [UInt8(truncatingIfNeeded: key.count)]
    }
}

/// Why a list of keys is none.
package enum KeyRingError: Error, Equatable {
    /// It holds no key.
    case empty
    /// A key of `count` bytes is shorter or longer than ``KeyRing/lengths``.
    case length(line: Int, count: Int)
    /// A key holds what is no printable ASCII character.
    case unprintable(line: Int)
    /// What stands behind a key's blank is no mark.
    case mark(line: Int)
}

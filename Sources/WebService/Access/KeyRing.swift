/// The keys that callers may show.
package struct KeyRing: Sendable {
    /// The lengths that a key may have, in bytes.
    package static let lengths = 16...256

    private struct Entry {
        /// The key, filled up with zeros to the greatest length and followed by its own length in one byte.
        let padded: [UInt8]
        let caller: Caller
    }

    private let entries: [Entry]

    /// Reads the lines of a key file.
    ///
    /// Each line holds one key; empty lines and lines that begin with `#` are skipped. After the key and a blank may
    /// follow `overseer`, for a key that sees all jobs, and `name=NAME`, for keys that see each other's jobs because
    /// they share the name.
    ///
    /// - Throws: ``KeyRingError``, which never contains a part of a key.
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

    /// How many keys there are.
    package var count: Int { entries.count }

    /// The caller to whom a key belongs; nil for an unknown key.
    ///
    /// The time that this takes does not depend on the candidate, so that nobody can guess a key byte by byte: every
    /// key is compared with the candidate over the greatest length, to the last byte.
    func caller(_ candidate: some Collection<UInt8>) -> Caller? {
        guard candidate.count <= Self.lengths.upperBound else { return nil }
        let candidate = Self.pad(Array(candidate))
        // The number of the matching entry, counted from 1; if several are equal, that of the last.
        var found = 0
        for (number, entry) in entries.enumerated() {
            var difference: UInt8 = 0
            for index in candidate.indices { difference |= entry.padded[index] ^ candidate[index] }
            // Subtracting 1 from 0 alone sets the top bit, so this needs no branch.
            let isSame = Int((UInt16(difference) &- 1) >> 15)
            found = isSame * (number + 1) + (1 - isSame) * found
        }
        return found == 0 ? nil : entries[found - 1].caller
    }

    private static func pad(_ key: [UInt8]) -> [UInt8] {
        key + [UInt8](repeating: 0, count: lengths.upperBound - key.count) + [UInt8(truncatingIfNeeded: key.count)]
    }
}

/// A fault in a list of keys.
package enum KeyRingError: Error, Equatable {
    /// The list holds no key.
    case empty
    /// A key of `count` bytes is shorter or longer than ``KeyRing/lengths`` allow.
    case length(line: Int, count: Int)
    /// A key contains a byte that is no printable ASCII character.
    case unprintable(line: Int)
    /// A word behind a key is neither `overseer` nor `name=NAME`.
    case mark(line: Int)
}

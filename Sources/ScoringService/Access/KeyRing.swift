/// The keys that callers may show.
package struct KeyRing: Sendable {
    /// How many bytes a key may have.
    package static let lengths = 16...256

    /// Each filled up with zeros to the longest length, and with its own length behind.
    private let padded: [[UInt8]]

    /// Reads keys as a file lists them: one a line, empty lines and those that begin with `#` passed over.
    ///
    /// - Throws: ``KeyRingError``, which never holds a part of a key.
    package init(lines text: some Sequence<UInt8>) throws(KeyRingError) {
        var keys: [[UInt8]] = []
        for (index, line) in Array(text).split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            let key = line.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
            guard let first = key.first, first != UInt8(ascii: "#") else { continue }
            guard key.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .unprintable(line: index + 1) }
            guard Self.lengths.contains(key.count) else { throw .length(line: index + 1, count: key.count) }
            keys.append(Self.pad(Array(key)))
        }
        guard !keys.isEmpty else { throw .empty }
        padded = keys
    }

    package var count: Int { padded.count }

    /// Whether a key is among them.
    ///
    /// Takes as long for a wrong key as for a right one, and for one that is nearly right: every key is held against the
    /// candidate, over the longest length, to the last byte.
    func contains(_ candidate: some Collection<UInt8>) -> Bool {
        guard candidate.count <= Self.lengths.upperBound else { return false }
        let candidate = Self.pad(Array(candidate))
        var found: UInt8 = 0
        for key in padded {
            var difference: UInt8 = 0
            for index in candidate.indices { difference |= key[index] ^ candidate[index] }
            // The top bit of 0 − 1 alone, of all differences: no branch.
            found |= UInt8(truncatingIfNeeded: (UInt16(difference) &- 1) >> 8)
        }
        return found != 0
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
    /// A key holds a blank, or what is no printable ASCII character.
    case unprintable(line: Int)
}

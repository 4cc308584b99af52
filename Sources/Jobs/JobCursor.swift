/// A place in the list of jobs. It stays good when jobs are added, end, or are forgotten, its own included.
package struct JobCursor: Hashable, Sendable, CustomStringConvertible {
    /// The number of the last job of a page, in order of creation.
    let sequence: UInt64

    init(sequence: UInt64) {
        self.sequence = sequence
    }

    /// Reads what ``description`` writes; anything else is nil.
    package init?(_ text: String) {
        guard let sequence = UInt64(text, radix: 16) else { return nil }
        self.sequence = sequence
        guard description == text else { return nil }
    }

    package var description: String { String(sequence, radix: 16) }
}

/// A part of the list of jobs.
package struct JobPage<Kind: JobKind>: Sendable {
    /// Newest first.
    package let jobs: [Job<Kind>]
    /// Where the next page goes on; nil if nothing is left.
    package let next: JobCursor?
}

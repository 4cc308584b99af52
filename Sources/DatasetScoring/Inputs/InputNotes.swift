package import WebService

/// What was found in the arrays of a request and did not keep them from being scored, but should be known to the
/// client.
package struct InputNotes: Codable, Equatable, Sendable {
    /// How many of the values of `pred_probs` that were looked at are outside [0, 1] by rounding alone. Each counts as
    /// the nearer end of that range.
    private(set) var clampedCount = 0

    /// The names of what stood beside the arrays and was passed over; not more than ``nameLimit``.
    private(set) var ignored: [String] = []

    /// The most names that are kept, even of a job with many archives: as many as one archive has entries.
    private static let nameLimit = 64

    package init(clampedCount: Int = 0, ignored: [String] = []) {
        self.clampedCount = clampedCount
        add(ignored)
    }

    /// The notes of all batches of a job together.
    package init(_ batches: [InputNotes]) {
        self.init()
        for notes in batches { add(notes) }
    }

    /// Adds what was found in further arrays of the same job.
    package mutating func add(_ other: InputNotes) {
        clampedCount += other.clampedCount
        add(other.ignored)
    }

    /// Adds the names of what was passed over.
    mutating func add(_ names: [String]) {
        for name in names where ignored.count < Self.nameLimit && !ignored.contains(name) { ignored.append(name) }
    }

    package func write(to members: inout JSONWriter.Members) {
        members.integer("clamped", clampedCount)
        members.strings("ignored", ignored)
    }

    /// Writes those notes that say something.
    package func writeAny(to members: inout JSONWriter.Members) {
        if clampedCount > 0 { members.integer("clamped", clampedCount) }
        if !ignored.isEmpty { members.strings("ignored", ignored) }
    }
}

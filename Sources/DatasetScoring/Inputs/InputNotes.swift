package import WebService

/// Facts about the arrays of a request that did not keep them from being scored, but that the client should know.
package struct InputNotes: Codable, Equatable, Sendable {
    /// How many of the values of `pred_probs` that were looked at lie outside [0, 1] by no more than rounding. Each is
    /// scored as the nearer end of that range.
    private(set) var clampedCount = 0

    /// The names of what the body held besides the arrays, which was ignored; at most ``nameLimit``.
    private(set) var ignored: [String] = []

    /// The most names that are kept, even of a job with many archives.
    private static let nameLimit = 64

    /// Creates notes, with at most ``nameLimit`` of the names.
    package init(clampedCount: Int = 0, ignored: [String] = []) {
        self.clampedCount = clampedCount
        add(ignored)
    }

    /// The notes of all batches of a job together.
    package init(_ batches: [InputNotes]) {
        self.init()
        for notes in batches { add(notes) }
    }

    /// Adds the notes on further arrays of the same job.
    package mutating func add(_ other: InputNotes) {
        clampedCount += other.clampedCount
        add(other.ignored)
    }

    /// Adds the names of what was ignored.
    mutating func add(_ names: [String]) {
        for name in names where ignored.count < Self.nameLimit && !ignored.contains(name) { ignored.append(name) }
    }

    /// Writes all notes.
    package func write(to members: inout JSONWriter.Members) {
        members.integer("clamped", clampedCount)
        members.strings("ignored", ignored)
    }

    /// Writes those notes that tell the client something.
    package func writeAny(to members: inout JSONWriter.Members) {
        if clampedCount > 0 { members.integer("clamped", clampedCount) }
        if !ignored.isEmpty { members.strings("ignored", ignored) }
    }
}

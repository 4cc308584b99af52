package import WebService

/// What was found in the arrays of a request that stood in no way, but that its client should know.
package struct InputNotes: Codable, Equatable, Sendable {
    /// How many values of `pred_probs` that were looked at were beyond [0, 1] by rounding, and count as its nearer end.
    private(set) var clampedCount = 0

    /// The names of what stood beside the arrays and was passed over, as far as they are kept.
    private(set) var ignored: [String] = []

    /// As many names as an archive has entries, of a job with many archives too.
    private static let nameLimit = 64

    package init(clampedCount: Int = 0, ignored: [String] = []) {
        self.clampedCount = clampedCount
        add(ignored)
    }

    /// Those of all batches of a job.
    package init(_ batches: [InputNotes]) {
        self.init()
        for notes in batches { add(notes) }
    }

    /// Adds what was found in further arrays of the same job.
    package mutating func add(_ other: InputNotes) {
        clampedCount += other.clampedCount
        add(other.ignored)
    }

    /// Adds names.
    mutating func add(_ names: [String]) {
        for name in names where ignored.count < Self.nameLimit && !ignored.contains(name) { ignored.append(name) }
    }

    package func write(to members: inout JSONWriter.Members) {
        members.integer("clamped", clampedCount)
        members.strings("ignored", ignored)
    }

    /// Writes of these what there is.
    package func writeAny(to members: inout JSONWriter.Members) {
        if clampedCount > 0 { members.integer("clamped", clampedCount) }
        if !ignored.isEmpty { members.strings("ignored", ignored) }
    }
}

/// How many jobs a queue knows, by status, and what their outputs take.
package struct JobCounts: Sendable, Equatable {
    private var counts: [JobStatus: Int] = [:]

    /// Counts nothing.
    package init() {}

    /// The memory of the outputs that are kept, in bytes.
    package internal(set) var outputBytes = 0

    package internal(set) subscript(status: JobStatus) -> Int {
        get { counts[status, default: 0] }
        set { counts[status] = newValue == 0 ? nil : newValue }
    }

    /// The jobs that ``JobLimits/backlog`` bounds.
    package var backlog: Int { self[.receiving] + self[.queued] }
}

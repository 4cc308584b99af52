/// Where a job is in its life. The raw value is the word on the wire.
package enum JobStatus: String, Sendable, CaseIterable {
    /// Takes batches until it is told that there are no more.
    case open
    /// Its input is on the way in.
    case receiving
    /// Its input is complete; it waits for a worker.
    case queued
    case running
    case succeeded
    case failed
    case canceled

    /// Whether the job has ended. A final status never changes, unless an output turns out to be damaged.
    package var isFinal: Bool {
        switch self {
        case .open, .receiving, .queued, .running: false
        case .succeeded, .failed, .canceled: true
        }
    }
}

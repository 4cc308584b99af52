import HTTPTypes

/// Paths that lead nowhere.
extension Problem {
    /// The problem of a path that no endpoint has.
    package static func notFound(_ path: some StringProtocol) -> Problem {
        Problem(.notFound, "There is nothing at \(path).", actual: String(path))
    }

    /// The problem of an id that no job has, or none that the caller may know of.
    package static func unknownJob(_ id: String) -> Problem {
        Problem(.unknownJob, "There is no job \(id); it may have been deleted or forgotten.", actual: id)
    }
}

import HTTPTypes

/// Paths that lead nowhere.
extension Problem {
    package static func notFound(_ path: some StringProtocol) -> Problem {
        Problem(.notFound, "There is nothing at \(path).", actual: String(path))
    }

    package static func unknownJob(_ id: String) -> Problem {
        Problem(.unknownJob, "There is no job \(id); it may have been deleted or forgotten.", actual: id)
    }
}

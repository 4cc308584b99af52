import ArgumentParser

/// How lines of the log are written.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    /// For people: time, level, metadata, message.
    case text
    /// One JSON object a line, for collectors of logs.
    case json
}

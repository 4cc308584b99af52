import Foundation

/// A file of the cgroup file system: one line of text.
enum ControlGroupFile {
    /// The text, without the blanks around it; nil if there is no such file.
    static func text(_ path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return String(data: data, encoding: .utf8)?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

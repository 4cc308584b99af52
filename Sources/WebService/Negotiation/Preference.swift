package import HTTPTypes
import ServiceInterface

/// The wishes in a `Prefer` field (RFC 7240): an answer before the result is there, and how long to wait for the result
/// first.
package struct Preference: Equatable {
    /// Whether the field holds `respond-async`.
    package private(set) var isAsync = false

    /// The seconds of `wait=N`, at most ``longestWait``; nil if the field holds none.
    package private(set) var wait: Int?

    /// The longest time for which a request is held open, in seconds.
    package static let longestWait = 60

    /// Reads the fields of a request. Preferences that are unknown or malformed are ignored, as RFC 7240, section 2
    /// asks.
    package init(_ fields: HTTPFields) {
        for member in fields[values: .prefer].flatMap({ $0.split(separator: ",") }) {
            let pair = member.split(separator: ";").first.map { $0.filter { !$0.isWhitespace } } ?? ""
            let parts = pair.split(separator: "=", maxSplits: 1)
            switch parts.first?.lowercased() {
            case "respond-async": isAsync = true
            case "wait":
                guard parts.count == 2, let seconds = Int(parts[1]), seconds >= 0 else { continue }
                wait = wait ?? min(seconds, Self.longestWait)
            default: continue
            }
        }
    }

    /// The preferences that were honoured, for `Preference-Applied`; nil if there were none.
    package var applied: String? {
        guard isAsync else { return nil }
        return wait.map { "respond-async, wait=\($0)" } ?? "respond-async"
    }
}

extension HTTPField.Name {
    package static let prefer = Self.known("Prefer")
    package static let preferenceApplied = Self.known("Preference-Applied")
}

package import Scoring

/// Of which pixels regions are made. The raw values are those of the wire and of the state directory.
package enum RegionSource: String, CaseIterable, Sendable {
    case labelIssues = "label_issues"
    case issues
    case disagreements
}

extension RegionKind {
    /// - Parameter threshold: The score below which pixels are issues, which no other source has.
    /// - Returns: Nil for issues without a threshold.
    package init?(_ source: RegionSource, threshold: Double?) {
        switch source {
        case .labelIssues: self = .labelIssues
        case .issues:
            guard let threshold else { return nil }
            self = .issues(threshold: threshold)
        case .disagreements: self = .disagreements
        }
    }

    package var source: RegionSource {
        switch self {
        case .labelIssues: .labelIssues
        case .issues: .issues
        case .disagreements: .disagreements
        }
    }

    /// The threshold below which pixels are issues; nil if regions are of others.
    package var threshold: Double? {
        guard case .issues(let threshold) = self else { return nil }
        return threshold
    }
}

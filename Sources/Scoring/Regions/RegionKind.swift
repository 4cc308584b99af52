/// Of which pixels regions are made. All of them are predicted as another class than their label, which is not ignored.
package enum RegionKind: Hashable, Sendable {
    /// The label issues that confident learning has found.
    case labelIssues
    /// The pixels whose score is below a threshold.
    case issues(threshold: Double)
    /// All of them.
    case disagreements
}

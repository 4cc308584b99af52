/// The help and the buckets of a metric, which swift-metrics has no place for.
package struct MetricDescription: Sendable {
    package let name: String

    /// One sentence, without its full stop.
    package let help: String

    /// The upper ends of a histogram's buckets, except the last bucket, which has none.
    package let bounds: [Double]

    /// Bounds, in seconds, for what takes from milliseconds to seconds.
    package static let defaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// - Parameter bounds: Finite, each above the one before.
    package init(_ name: String, _ help: String, bounds: [Double] = Self.defaultBounds) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 } && bounds.allSatisfy(\.isFinite))
        self.name = name
        self.help = help
        self.bounds = bounds
    }
}

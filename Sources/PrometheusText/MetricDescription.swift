/// What is known of a metric beside its values.
package struct MetricDescription: Sendable {
    package let name: String

    /// One sentence, without its full stop.
    package let help: String

    /// Of a histogram, the upper ends of its buckets but for the last, which has none.
    package let bounds: [Double]

    /// For things that take milliseconds to seconds.
    package static let defaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// - Parameter bounds: Finite, each above the one before.
    package init(_ name: String, _ help: String, bounds: [Double] = Self.defaultBounds) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 } && bounds.allSatisfy(\.isFinite))
        self.name = name
        self.help = help
        self.bounds = bounds
    }
}

/// All metrics of one name.
struct MetricFamily: Sendable {
    let kind: MetricKind
    var series: [LabelSet: any MetricSeries] = [:]

    init(kind: MetricKind) {
        self.kind = kind
    }
}

/// The raw value is the word on the `TYPE` line.
enum MetricKind: String {
    case counter, gauge, histogram
}

/// What is counted under one name and one set of labels.
protocol MetricSeries: AnyObject, Sendable {
    static var kind: MetricKind { get }

    /// Writes its lines, with its values as they are now.
    func write(_ name: String, _ labels: LabelSet, to writer: inout TextWriter)
}

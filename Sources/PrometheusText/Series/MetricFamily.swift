/// All metrics of one name.
struct MetricFamily: Sendable {
    let kind: MetricKind
    var series: [LabelSet: any MetricSeries] = [:]

    init(kind: MetricKind) {
        self.kind = kind
    }
}

/// The numbers that are counted under one name and one set of labels: lines of the text.
protocol MetricSeries: AnyObject, Sendable {
    static var kind: MetricKind { get }

    /// Writes the lines of the series, with its values as they are now.
    func write(_ name: String, _ labels: LabelSet, to writer: inout TextWriter)
}

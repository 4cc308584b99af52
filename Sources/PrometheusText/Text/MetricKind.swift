/// What Prometheus takes a metric for. The raw value is the word on the `TYPE` line.
enum MetricKind: String {
    case counter, gauge, histogram
}

import Glibc

/// A bar on the standard error stream, shown only if that is a terminal.
struct ProgressBar {
    private let isShown = isatty(STDERR_FILENO) == 1
    private var last = -1

    /// - Parameters:
    ///   - share: The share that is done, in `[0, 1]`.
    mutating func show(_ share: Double) {
        let percent = Int(share * 100)
        guard isShown, percent != last else { return }
        last = percent
        let done = String(repeating: "█", count: percent * 2 / 5)
        let rest = String(repeating: "░", count: 40 - percent * 2 / 5)
        write("\r\(done)\(rest) \(percent) %")
    }

    mutating func clear() {
        guard isShown, last >= 0 else { return }
        last = -1
        write("\r\u{1B}[K")
    }

    private func write(_ text: String) {
        StandardStreams.complain(text)
    }
}

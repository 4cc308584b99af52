import ArgumentParser

/// A size as people write it: `1048576`, `64KiB`, `512Mi`, `2GB`.
struct ByteCount: ExpressibleByArgument, Equatable, CustomStringConvertible {
    let bytes: Int

    private static let units: [(names: [String], factor: Int)] = [
        (["", "B"], 1),
        (["Ki", "KiB"], 1 << 10), (["Mi", "MiB"], 1 << 20), (["Gi", "GiB"], 1 << 30), (["Ti", "TiB"], 1 << 40),
        (["k", "K", "kB", "KB"], 1000), (["M", "MB"], 1_000_000), (["G", "GB"], 1_000_000_000),
        (["T", "TB"], 1_000_000_000_000),
    ]

    init(_ bytes: Int) {
        self.bytes = bytes
    }

    init?(argument: String) {
        let digits = argument.prefix { ("0"..."9").contains($0) }
        let suffix = argument.dropFirst(digits.count)
        guard let number = Int(digits), let unit = Self.units.first(where: { $0.names.contains(String(suffix)) }) else {
            return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.factor)
        guard !overflow, bytes > 0 else { return nil }
        self.bytes = bytes
    }

    var defaultValueDescription: String { description }

    var description: String {
        for (names, factor) in Self.units.prefix(5).reversed() where bytes % factor == 0 {
            return "\(bytes / factor)\(names[factor == 1 ? 0 : 1])"
        }
        return "\(bytes)"
    }
}

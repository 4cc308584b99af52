import ArgumentParser
import Scoring

/// The value of `--cpu`: a level that this processor can run.
extension KernelLevel: ExpressibleByArgument {
    package init?(argument: String) {
        guard let level = Self.available.first(where: { $0.description == argument }) else { return nil }
        self = level
    }

    package static var allValueStrings: [String] { available.map(\.description) }

    package var defaultValueDescription: String { description }
}

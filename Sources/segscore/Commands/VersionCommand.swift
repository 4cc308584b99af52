import ArgumentParser
import Scoring
import ScoringService

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")

    @Flag(help: "Prints also for which processors the loops over pixels are compiled that run here.")
    var cpu = false

    func run() {
        print("segscore \(Service.version)")
        guard cpu else { return }
        let available = KernelLevel.available.map(\.description).joined(separator: ", ")
        print("loops for \(KernelLevel.current); this processor runs \(available)")
    }
}

import ArgumentParser
import ScoringService

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")

    func run() {
        print("segscore \(Service.version)")
    }
}

import ArgumentParser
import Foundation
import ScoringService

@main
struct Segscore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segscore",
        abstract: "Finds the wrong masks in a segmentation data set.",
        discussion: "Scores labels against a model's probabilities, as cleanlab.segmentation does.",
        version: "segscore \(Service.version)",
        subcommands: [
            ServeCommand.self, ScoreCommand.self, ReviewCommand.self, ExportCommand.self, HealthcheckCommand.self,
            VersionCommand.self,
        ])

    static func main() {
        StandardStreams.fill()
        let arguments = Array(CommandLine.arguments.dropFirst())
        main(EnvironmentArguments(ProcessInfo.processInfo.environment).merged(into: arguments))
    }
}

import ArgumentParser
import HTTPServer

struct HealthcheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck", abstract: "Asks a server whether it is well; for containers.",
        discussion: """
            Exits 0 if the server answers 200, 1 otherwise. Asks the first address of \
            SEGSCORE_ADMIN_LISTEN, else of SEGSCORE_LISTEN, which must be one without TLS.
            """)

    @Option(help: "The address that the server listens on.")
    var listen: [String] = ["127.0.0.1:8080"]

    @Option(help: "The address that the server answers such questions on; if it is given, it is asked instead.")
    var adminListen: [String] = []

    @Option(help: "What to ask: /livez or /readyz.")
    var path = "/livez"

    func run() throws {
        do throws(ServerError) {
            let address = try ListenAddress(adminListen.first ?? listen[0])
            let status = try HealthProbe(address).status(of: path)
            print("\(address)\(path): \(status.map(String.init) ?? "no answer")")
            if status == 200 { return }
        } catch {
            StandardStreams.complain("segscore: \(error.sentence.onOneLine)\n")
        }
        throw ExitCode.failure
    }
}

import ArgumentParser

/// Flags from the environment: `SEGSCORE_MAX_BODY_BYTES` stands for `--max-body-bytes`.
///
/// Other variables that begin with `SEGSCORE_` are passed over, since Kubernetes makes `SEGSCORE_PORT` and more for a
/// service that is named segscore.
struct EnvironmentArguments {
    private let environment: [String: String]

    init(_ environment: [String: String]) {
        self.environment = environment
    }

    /// The arguments, and ahead of them the flags of the environment that they do not name.
    ///
    /// - Parameters:
    ///   - arguments: The arguments without the program's name. They are returned unchanged unless they run `serve` or
    ///     `healthcheck`.
    func merged(into arguments: [String]) -> [String] {
        guard let command = arguments.first else { return arguments }
        var flags: [(name: String, isSwitch: Bool)]
        switch command {
        case "serve": flags = Self.flags(of: ServeCommand())
        case "healthcheck":
            flags = Self.flags(of: HealthcheckCommand())
            // A caller who names an address wants that address asked.
            if Self.names("--listen", arguments) { flags.removeAll { $0.name == "--admin-listen" } }
        default: return arguments
        }
        var added: [String] = []
        for (flag, isSwitch) in flags.sorted(by: { $0.name < $1.name }) where !Self.names(flag, arguments) {
            guard let value = environment[Self.variable(flag)] else { continue }
            switch value {
            case "": if Self.guards.contains(flag) { added += isSwitch ? ["\(flag)="] : [flag, ""] }
            case "true" where isSwitch, "1" where isSwitch: added.append(flag)
            case "false" where isSwitch, "0" where isSwitch: break
            default:
                let values = Self.lists.contains(flag) ? value.split(separator: ",").map(String.init) : [value]
                added += values.map { "\(flag)=\($0)" }
            }
        }
        return [command] + added + arguments.dropFirst()
    }

    /// The flags that keep callers or listeners out. An empty variable counts as one that is not there, but for these
    /// flags it is handed on to be refused: `SEGSCORE_API_KEY_FILE=$KEYS` without a `KEYS` must not serve everyone.
    private static let guards = ["--api-key-file", "--protect-health", "--tls-cert", "--tls-key"]

    /// The flags that may be repeated; their values hold no commas.
    private static let lists = ["--listen", "--admin-listen", "--allow-origin", "--allow-host", "--data-dir"]

    private static func names(_ flag: String, _ arguments: [String]) -> Bool {
        arguments.contains { $0 == flag || $0.hasPrefix(flag + "=") }
    }

    /// The name of the variable that stands for a flag.
    static func variable(_ flag: String) -> String {
        "SEGSCORE_" + flag.drop { $0 == "-" }.uppercased().replacing("-", with: "_")
    }

    /// The flags of a command, and which of them are switches, that is, take no value.
    ///
    /// ArgumentParser does not tell what flags it has made of a command's properties. So they are read from the
    /// properties: the storage of a property wrapper is a child whose name begins with an underscore, and a flag is
    /// spelled as the rest.
    static func flags(of command: some Any) -> [(name: String, isSwitch: Bool)] {
        Mirror(reflecting: command).children.compactMap { child in
            guard let label = child.label, label.hasPrefix("_") else { return nil }
            let words = label.dropFirst().map { $0.isUppercase ? "-" + $0.lowercased() : String($0) }
            return ("--" + words.joined(), child.value is Flag<Bool>)
        }
    }
}

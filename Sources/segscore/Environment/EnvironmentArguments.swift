/// Flags of `serve` from the environment: `SEGSCORE_MAX_BODY_BYTES` stands for `--max-body-bytes`.
///
/// Other variables that begin so are passed over: Kubernetes makes `SEGSCORE_PORT` and more for a service that is named
/// segscore.
struct EnvironmentArguments {
    private let environment: [String: String]

    init(_ environment: [String: String]) {
        self.environment = environment
    }

    /// The arguments, with what the environment says of flags that they do not name.
    ///
    /// - Parameters:
    ///   - arguments: Without the program's name; unchanged unless they run `serve` or `healthcheck`.
    func merged(into arguments: [String]) -> [String] {
        guard let command = arguments.first else { return arguments }
        let flags: [String]
        switch command {
        case "serve": flags = Self.flags(of: ServeCommand())
        case "healthcheck": flags = Self.flags(of: HealthcheckCommand())
        default: return arguments
        }
        var added: [String] = []
        for flag in flags.sorted() where !arguments.contains(where: { $0 == flag || $0.hasPrefix(flag + "=") }) {
            guard let value = environment[Self.variable(flag)], !value.isEmpty else { continue }
            // Only addresses are lists, and only they hold no commas of their own.
            let values = flag == "--listen" ? value.split(separator: ",").map(String.init) : [value]
            added += values.map { "\(flag)=\($0)" }
        }
        return [command] + added + arguments.dropFirst()
    }

    /// The name of the variable that stands for a flag.
    static func variable(_ flag: String) -> String {
        "SEGSCORE_" + flag.drop { $0 == "-" }.uppercased().replacing("-", with: "_")
    }

    /// The names of a command's options: those of its properties, as ArgumentParser spells them.
    private static func flags(of command: some Any) -> [String] {
        Mirror(reflecting: command).children.compactMap { child in
            guard let label = child.label, label.hasPrefix("_") else { return nil }
            return "--"
                + label.dropFirst().map { $0.isUppercase ? "-" + $0.lowercased() : String($0) }.joined()
        }
    }
}

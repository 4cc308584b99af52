import WebService

/// The parameters of a scoring while they come in, some in the request's head and some in its body.
///
/// Each is parsed as it is set, and whoever needs the parameters asks for the parsed ones.
struct ArrivingParameters {
    private var named: Parameters
    private var parsed: Result<ScoreParameters, Problem>

    /// The names that parameters can be set by.
    var names: [String] { named.known }

    /// - Parameters:
    ///   - named: The parameters of the head. If one of them has a value that is not allowed, ``value`` throws: a
    ///     request may have other faults, which its client is told of first.
    init(_ named: Parameters) {
        self.named = named
        parsed = Result { () throws(Problem) in try ScoreParameters(named) }
    }

    /// The parameters that have come.
    var value: ScoreParameters {
        get throws(Problem) { try parsed.get() }
    }

    /// Adds a parameter that stands in the body.
    ///
    /// - Throws: 400 for a name that is unknown or has come before, or for a value that is not allowed.
    mutating func set(_ name: String, _ value: String) throws(Problem) {
        try named.set(name, value)
        let named = named
        parsed = Result { () throws(Problem) in try ScoreParameters(named) }
        _ = try parsed.get()
    }
}

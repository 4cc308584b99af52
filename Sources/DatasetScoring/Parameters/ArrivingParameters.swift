import WebService

/// The parameters of a scoring while they arrive, some in the head of the request and some in its body.
///
/// All parameters are parsed again each time that one is set, so that they are parsed in this place alone.
struct ArrivingParameters {
    private var named: Parameters
    private var parsed: Result<ScoreParameters, Problem>

    /// The names by which parameters can be set.
    var names: [String] { named.known }

    /// - Parameters:
    ///   - named: The parameters in the head. If one of them has a value that is not allowed, only ``value`` throws,
    ///     because the request may have other faults that the client is told of first.
    init(_ named: Parameters) {
        self.named = named
        parsed = Result { () throws(Problem) in try ScoreParameters(named) }
    }

    /// The parameters that have come.
    ///
    /// - Throws: A 400 problem if one of them has a value that is not allowed.
    var value: ScoreParameters {
        get throws(Problem) { try parsed.get() }
    }

    /// Adds a parameter that stands in the body.
    ///
    /// - Throws: A 400 problem if the name is unknown or has come before, or if the value is not allowed.
    mutating func set(_ name: String, _ value: String) throws(Problem) {
        try named.set(name, value)
        let named = named
        parsed = Result { () throws(Problem) in try ScoreParameters(named) }
        _ = try parsed.get()
    }
}

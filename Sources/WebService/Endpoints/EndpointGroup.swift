/// The endpoints of one protocol.
package struct EndpointGroup: Sendable {
    package let endpoints: [Endpoint]
    /// What all paths of the protocol begin with, be anything there or not; empty if that may be any path.
    let prefix: String
    /// Gives a problem the form in which clients of the protocol look for it.
    let rendering: @Sendable (Problem) -> Problem

    package init(
        _ endpoints: [Endpoint], prefix: String = "", rendering: @escaping @Sendable (Problem) -> Problem = { $0 }
    ) {
        self.endpoints = endpoints
        self.prefix = prefix
        self.rendering = rendering
    }

    func holds(_ path: Substring) -> Bool { prefix.isEmpty || path == prefix || path.hasPrefix(prefix + "/") }
}

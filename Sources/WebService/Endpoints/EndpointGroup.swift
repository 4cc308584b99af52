/// The endpoints of one protocol.
package struct EndpointGroup: Sendable {
    /// The endpoints, in no particular order.
    package let endpoints: [Endpoint]
    /// The prefix of all paths of the protocol, including those that no endpoint has; empty if the protocol claims no
    /// prefix.
    let prefix: String
    /// Gives a problem the form that clients of the protocol expect.
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

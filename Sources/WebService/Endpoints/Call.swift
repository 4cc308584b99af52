package import ServiceInterface

/// A request for an endpoint: what was sent, who asks, and what stands where the template has names.
package struct Call: Sendable {
    package let request: IncomingRequest
    package let caller: Caller
    private let values: [String: String]

    init(_ request: IncomingRequest, _ caller: Caller, _ values: [String: String]) {
        self.request = request
        self.caller = caller
        self.values = values
    }

    /// What the path has where the template has `{name}`, its percent-encoding undone; nil if the template has no such name.
    package subscript(name: String) -> String? { values[name] }
}

package import ServiceInterface

/// A request for an endpoint: its head, its caller, and the values that its path has for the template's names.
package struct Call: Sendable {
    /// The head of the request.
    package let request: IncomingRequest
    /// The caller, as far as its key tells.
    package let caller: Caller
    private let values: [String: String]

    init(_ request: IncomingRequest, _ caller: Caller, _ values: [String: String]) {
        self.request = request
        self.caller = caller
        self.values = values
    }

    /// The part of the path that stands for `{name}` in the template, without its percent-encoding; nil if the template
    /// has no such name.
    package subscript(name: String) -> String? { values[name] }
}

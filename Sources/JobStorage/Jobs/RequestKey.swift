package import WebService

/// What a client calls the request that makes a job: its `Idempotency-Key`. Callers of different owners have names of
/// their own.
package struct RequestKey: Hashable, Sendable, CustomStringConvertible {
    package let owner: JobOwner?
    package let name: String

    package init(owner: JobOwner?, name: String) {
        self.owner = owner
        self.name = name
    }

    package var description: String { name }
}

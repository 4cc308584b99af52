package import HTTPTypes
import ServiceInterface
import WebService

extension IncomingRequest {
    /// The idempotency key of the request; nil if it has none.
    ///
    /// - Throws: A 400 problem for a key that is empty or too long.
    /// - SeeAlso: draft-ietf-httpapi-idempotency-key-header.
    func idempotencyKey() throws(Problem) -> String? {
        guard let key = head.headerFields[.idempotencyKey] else { return nil }
        guard (1...255).contains(key.utf8.count) else {
            throw Problem(
                .invalidHeader, "Idempotency-Key must have 1 to 255 characters.",
                parameter: "Idempotency-Key", expected: "1 to 255 characters", actual: "\(key.utf8.count)")
        }
        return key
    }
}

extension HTTPField.Name {
    package static let idempotencyKey = Self.known("Idempotency-Key")
}

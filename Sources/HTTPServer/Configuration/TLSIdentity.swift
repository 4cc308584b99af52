/// The identity that a server shows over TLS 1.2 and 1.3.
package struct TLSIdentity: Sendable {
    /// The certificate in PEM, followed by those that lead from it to one that clients trust.
    let certificate: String
    /// The key of the certificate in PEM, without a passphrase.
    let key: String

    /// Creates an identity, whose parts ``Server/start()`` checks.
    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

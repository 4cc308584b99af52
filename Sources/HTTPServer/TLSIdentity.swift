/// Who a server is over TLS 1.2 and 1.3.
package struct TLSIdentity: Sendable {
    /// In PEM: the certificate, then those that lead from it to one that clients trust.
    let certificate: String
    /// The certificate's, in PEM, without a passphrase.
    let key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

import CMicroHTTPD

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

    /// - Throws: ``ServerError/tlsUnsupported`` or ``ServerError/tlsIdentity``.
    func check() throws(ServerError) {
        guard MHD_is_feature_supported(.FEATURE_TLS) == .YES else { throw .tlsUnsupported }
        guard unsafe segscore_mhd_takes_tls(certificate, key) != 0 else { throw .tlsIdentity }
    }
}

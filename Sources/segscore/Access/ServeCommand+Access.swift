import ArgumentParser
import HTTPServer
import Logging
import ScoringService
import WebService

/// The addresses that are listened on, and the keys, names and certificates that callers meet there.
extension ServeCommand {
    /// The addresses of `--listen`. An address that other machines can reach is refused unless callers need keys, or
    /// the operator has said that they need none.
    func serviceAddresses() throws -> [ListenAddress] {
        let addresses = try listen.map(Self.address)
        if let open = addresses.first(where: { !$0.isLoopback }), apiKeyFile == nil, !allowAnonymous {
            throw ValidationError(
                """
                Other machines can reach \(open): name the keys that callers need with --api-key-file, or let anyone \
                call with --allow-anonymous.
                """)
        }
        return addresses
    }

    static func address(_ text: String) throws -> ListenAddress {
        do throws(ServerError) {
            return try ListenAddress(text)
        } catch {
            throw ValidationError(error.sentence)
        }
    }

    /// Whether a text is an origin as browsers write it: the scheme, the host in small letters, and the port unless it
    /// is the scheme's own.
    static func isOrigin(_ text: String) -> Bool {
        for (scheme, port) in [("https://", ":443"), ("http://", ":80")] where text.hasPrefix(scheme) {
            let host = text.dropFirst(scheme.count)
            let isPlain = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !#"/?#@,*\"#.utf8.contains($0) }
            return isPlain && !host.isEmpty && host == host.lowercased() && !host.hasSuffix(port)
                && !host.hasPrefix(":")
        }
        return false
    }

    /// Whether a text is a host's name or IP address, without a port; `*` may stand for its first part or for all.
    static func isHost(_ text: String) -> Bool {
        if text.hasPrefix("["), text.hasSuffix("]") { return true }
        let name = text.hasPrefix("*.") ? text.dropFirst(2) : Substring(text)
        let isPlain = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !#"/?#@,*:\"#.utf8.contains($0) }
        return text == "*" || (isPlain && !name.isEmpty)
    }

    /// The keys of `--api-key-file`, if it is given.
    func keyRing() throws -> KeyRing? {
        guard let apiKeyFile else { return nil }
        switch Self.readKeys(apiKeyFile) {
        case .success(let keys): return keys
        case .failure(let failure): throw ValidationError(failure.sentence)
        }
    }

    /// Takes the keys that the file holds by now; if it cannot be read or holds none, those from before stay.
    func reloadKeys(_ access: AccessControl, _ logger: Logger) {
        guard let apiKeyFile else {
            return logger.info("nothing is read anew", metadata: ["reason": "there is no --api-key-file"])
        }
        switch Self.readKeys(apiKeyFile) {
        case .success(let keys):
            access.replaceKeys(keys)
            logger.info("keys read anew", metadata: ["keys.count": "\(keys.count)"])
        case .failure(let failure):
            logger.error("keys not read anew; those from before stay", metadata: ["reason": "\(failure.sentence)"])
        }
    }

    /// The certificate and key to speak TLS with, if they are given.
    func tlsIdentity() throws -> TLSIdentity? {
        guard let tlsCert, let tlsKey else { return nil }
        return TLSIdentity(
            certificate: try Self.readPEM(tlsCert, "--tls-cert", marker: "-----BEGIN CERTIFICATE-----"),
            key: try Self.readPEM(tlsKey, "--tls-key", marker: "PRIVATE KEY-----"))
    }

    private struct Failure: Error {
        let sentence: String
    }

    private static func readKeys(_ path: String) -> Result<KeyRing, Failure> {
        do throws(SmallFile.Failure) {
            let bytes = try SmallFile(path).bytes
            do throws(KeyRingError) {
                return .success(try KeyRing(lines: bytes))
            } catch {
                return .failure(Failure(sentence: error.sentence(path)))
            }
        } catch {
            return .failure(Failure(sentence: "The --api-key-file \(path) \(error.sentence)"))
        }
    }

    private static func readPEM(_ path: String, _ flag: String, marker: String) throws -> String {
        let text: String
        do throws(SmallFile.Failure) {
            text = String(decoding: try SmallFile(path).bytes, as: UTF8.self)
        } catch {
            throw ValidationError("The \(flag) \(path) \(error.sentence)")
        }
        guard text.contains(marker) else {
            throw ValidationError("The \(flag) \(path) holds no \"\(marker)\"; it has to be in PEM.")
        }
        return text
    }
}

extension KeyRingError {
    /// What is wrong with the file, for people. The sentence has nothing of a key in it, since it is logged.
    fileprivate func sentence(_ path: String) -> String {
        let (shortest, longest) = (KeyRing.lengths.lowerBound, KeyRing.lengths.upperBound)
        return switch self {
        case .empty: "The --api-key-file \(path) holds no key: write one a line."
        case .length(let line, let count):
            "The key in line \(line) of \(path) has \(count) characters; it needs \(shortest) to \(longest)."
        case .unprintable(let line):
            "There is a character in line \(line) of \(path) that is not printable ASCII."
        case .mark(let line):
            "What stands behind a blank in line \(line) of \(path) is neither overseer nor name=NAME."
        }
    }
}

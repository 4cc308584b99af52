/// Whose a job is: the name or the digest of the key that it was made with.
package struct JobOwner: Hashable, Sendable {
    /// As the state directory has it.
    package let text: String

    package init(text: String) {
        self.text = text
    }

    /// The owner that a line of a key file names.
    init(name: some StringProtocol) {
        text = "name:\(name)"
    }

    /// The owner that is known by a key alone. What is kept of it does not tell the key.
    init(key: [UInt8]) {
        let digits = SHA256(key).digest.prefix(16).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        text = "key:" + digits.joined()
    }
}

/// Who asks, as far as it matters for which jobs there are.
package struct Caller: Sendable {
    /// Whose jobs are made; nil where callers need no key.
    package let owner: JobOwner?
    /// Whether others' jobs are shown too.
    package let seesAll: Bool

    /// Who needs no key: all jobs are everyone's.
    static let anyone = Caller(owner: nil, seesAll: true)
    /// Who has shown no key, and is answered nothing that has to do with jobs.
    static let nobody = Caller(owner: nil, seesAll: false)

    /// Whether what one has made is there for this caller. What was made where callers needed no key has no owner, and is shown to overseers.
    package func sees(_ owner: JobOwner?) -> Bool {
        seesAll || (owner != nil && self.owner == owner)
    }
}

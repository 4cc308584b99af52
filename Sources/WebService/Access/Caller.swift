/// The owner of a job: the name or the digest of the key that the job was made with.
package struct JobOwner: Hashable, Sendable {
    /// The owner as the state directory stores it.
    package let text: String

    /// Creates the owner that a state directory has stored.
    package init(text: String) {
        self.text = text
    }

    /// The owner that a line of a key file names.
    init(name: some StringProtocol) {
        text = "name:\(name)"
    }

    /// The owner of jobs made with a key that has no name. A digest stands for the key, so that nobody learns the key
    /// from the state directory.
    init(key: [UInt8]) {
        text = "key:" + SHA256(key).hexadecimal(16)
    }
}

/// The caller of a request, as far as it decides which jobs the request can see.
package struct Caller: Sendable {
    /// The owner of jobs that the caller makes; nil if callers need no key.
    package let owner: JobOwner?
    /// Whether the caller sees the jobs of all owners.
    package let seesAll: Bool

    /// A caller of a server without keys, where all jobs belong to everyone.
    static let anyone = Caller(owner: nil, seesAll: true)
    /// A caller who has shown no key although the server has keys. Such a caller is answered nothing about jobs.
    static let nobody = Caller(owner: nil, seesAll: false)

    /// Whether the caller sees the jobs of an owner. Jobs that were made while the server had no keys have no owner,
    /// and only overseers see them.
    package func sees(_ owner: JobOwner?) -> Bool {
        seesAll || (owner != nil && self.owner == owner)
    }
}

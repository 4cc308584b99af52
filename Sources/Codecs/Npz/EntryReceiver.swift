/// Takes the entries of an archive as they are decoded, one after the other.
package protocol EntryReceiver<Failure>: AnyObject {
    associatedtype Failure: CodecFailure

    /// An entry begins. No two entries of an archive have the same name.
    ///
    /// - Parameter name: The name that the archive gives, such as `labels.npy`. It can be any text of up to 1024 bytes,
    ///   and must not be followed as a path.
    func begin(entry name: String) throws(Failure)

    /// Takes the next bytes of the entry's content, decompressed.
    func receive(_ bytes: borrowing Span<UInt8>) throws(Failure)

    /// The entry is complete, and its checksum and sizes are right.
    func end(entry name: String) throws(Failure)
}

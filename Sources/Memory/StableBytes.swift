/// Bytes that stay where they are, unchanged, for as long as their owner lives, so that a response can be sent from
/// them without a copy.
package protocol StableBytes: AnyObject, Sendable {
    /// The bytes; valid while the owner is held.
    @unsafe var stableBytes: UnsafeRawBufferPointer { get }
}

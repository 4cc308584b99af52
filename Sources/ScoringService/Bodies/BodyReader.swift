/// Reads a body as it arrives, and hands on what it finds.
protocol BodyReader: AnyObject {
    func receive(_ bytes: borrowing Span<UInt8>) throws(Problem)

    /// The body has ended; quick work on the thread that reads.
    func finish() throws(Problem)

    /// Hands on what could not be handed on while the body came; on a worker.
    func complete() throws(Problem)
}

/// Takes the elements of one array as they arrive, and keeps what the scores need of them.
package protocol ArrayAccumulator: AnyObject {
    /// Takes the next bytes. A call may end within an element; all calls together bring the whole array.
    ///
    /// - Throws: ``ScoringError/probabilityOutOfRange(_:at:classIndex:_:)``, ``ScoringError/memory(_:)``.
    func receive(_ bytes: borrowing Span<UInt8>) throws(ScoringError)
}

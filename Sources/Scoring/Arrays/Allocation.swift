import Memory

/// Makes a buffer.
///
/// - Parameters:
///   - isZeroed: Whether the buffer has to hold zeros; otherwise every element is written before any is read.
/// - Throws: ``ScoringError/memory(_:)``.
func allocate<Element: BitwiseCopyable & Sendable>(
    _ count: Int, isZeroed: Bool = true
) throws(ScoringError) -> Buffer<Element> {
    do throws(MemoryError) {
        return try isZeroed ? Buffer(zeroed: count) : Buffer(uninitialized: count)
    } catch {
        throw .memory(error)
    }
}

/// Takes memory from the budget for as long as the result lives, for arrays of Swift, which are counted nowhere else.
///
/// - Throws: ``ScoringError/memory(_:)``.
func reserve(_ byteCount: Int) throws(ScoringError) -> ByteReservation {
    do throws(MemoryError) {
        return try ByteReservation(byteCount)
    } catch {
        throw .memory(error)
    }
}

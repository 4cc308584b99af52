package import Memory

/// Memory that nothing else counts against the budget.
extension Problem {
    /// Takes memory from the budget for as long as the result lives.
    ///
    /// - Parameter byteCount: The size of the memory, in bytes.
    /// - Throws: A 503 problem if memory is short.
    package static func reserve(_ byteCount: Int) throws(Problem) -> ByteReservation {
        do throws(MemoryError) {
            return try ByteReservation(byteCount)
        } catch {
            throw Problem(error)
        }
    }

    /// Does what may find no memory.
    ///
    /// - Throws: A 503 problem if memory is short.
    package static func allocating<Result>(_ body: () throws(MemoryError) -> Result) throws(Problem) -> Result {
        do throws(MemoryError) {
            return try body()
        } catch {
            throw Problem(error)
        }
    }

    /// Takes memory from the budget while `body` runs.
    ///
    /// - Parameter byteCount: The size of the memory, in bytes.
    /// - Throws: A 503 problem if memory is short, and what `body` throws.
    package static func reserving<Result>(
        _ byteCount: Int, _ body: () throws(Problem) -> Result
    ) throws(Problem) -> Result {
        let reservation = try reserve(byteCount)
        defer { withExtendedLifetime(reservation) {} }
        return try body()
    }
}

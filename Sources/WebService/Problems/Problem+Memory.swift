package import Tensors

/// Memory that counts nowhere else.
extension Problem {
    /// Takes memory from the budget for as long as the result lives.
    ///
    /// - Throws: 503 where memory is short.
    package static func reserve(_ byteCount: Int) throws(Problem) -> ByteReservation {
        do throws(TensorError) {
            return try ByteReservation(byteCount)
        } catch {
            throw Problem(error)
        }
    }

    /// Takes memory from the budget while something is made.
    ///
    /// - Throws: 503 where memory is short; what `body` throws.
    package static func reserving<Result>(
        _ byteCount: Int, _ body: () throws(Problem) -> Result
    ) throws(Problem) -> Result {
        let reservation = try reserve(byteCount)
        defer { withExtendedLifetime(reservation) {} }
        return try body()
    }
}

import Dispatch

/// Threads that work on one thing together, all of them from the start.
///
/// The threads of dispatch's global queue would not do: dispatch starts as many as there are processors. If callers
/// that are themselves on such threads, as operations are, wait for more of them, nothing happens until dispatch finds
/// out, after a second or so, that all of them wait. A serial queue gets a thread however many there are.
package enum Lanes {
    /// Calls `body` with each lane below `count`, all at once and the first on the calling thread, and returns when all
    /// calls have returned.
    ///
    /// - Parameters:
    ///   - count: At least 1.
    package static func perform(_ count: Int, _ body: @Sendable (Int) -> Void) {
        perform(count, first: { body(0) }, others: body)
    }

    /// Does as ``perform(_:_:)`` does, with another body for the first lane than for the others.
    package static func perform(_ count: Int, first: () -> Void, others: @Sendable (Int) -> Void) {
        precondition(count >= 1)
        withoutActuallyEscaping(others) { body in
            let others = DispatchGroup()
            for lane in 1..<count {
                DispatchQueue(label: "segscore.lane").async(group: others) { body(lane) }
            }
            first()
            others.wait()
        }
    }
}

import Dispatch

/// Threads that work on one thing together, each of them at once.
///
/// Those of dispatch's global queue come as processors are free. A caller that is itself on one of them, as operations are, and
/// waits for others of them, waits until dispatch has found out after a second or so that all of them wait. A serial queue gets
/// a thread however many there are.
package enum Lanes {
    /// Calls `body` with each lane below `count`, at once, the first on the calling thread, and returns when all calls have returned.
    ///
    /// - Parameters:
    ///   - count: At least 1.
    package static func perform(_ count: Int, _ body: @Sendable (Int) -> Void) {
        perform(count, first: { body(0) }, others: body)
    }

    /// As ``perform(_:_:)``, with a first lane that is another than the others.
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

import Synchronization

/// A limit on how many bytes all requests together may take of something, and how many they take now.
///
/// Whoever asks for more than is left is refused, as if the system had none. So a request fails, and not the process.
package final class ByteBudget: Sendable {
    /// The budget of memory: buffers, texts, and whatever else requests and answers cause. Like ``spool`` it has no
    /// limit until one is set.
    package static let memory = ByteBudget(limit: .max)

    /// The budget of spool files.
    package static let spool = ByteBudget(limit: .max)

    private let limitInBytes: Atomic<Int>
    private let usedInBytes = Atomic(0)

    /// - Parameters:
    ///   - limit: In bytes, at least 0.
    package init(limit: Int) {
        precondition(limit >= 0)
        limitInBytes = Atomic(limit)
    }

    /// The limit in bytes, at least 0. Bytes that are taken stay taken when a lower limit is set.
    package var limit: Int {
        get { limitInBytes.load(ordering: .relaxed) }
        set {
            precondition(newValue >= 0)
            limitInBytes.store(newValue, ordering: .relaxed)
        }
    }

    /// How many bytes are taken.
    package var used: Int { usedInBytes.load(ordering: .relaxed) }

    /// Whether more than seven eighths are taken, so that a request which begins now would hardly get what it needs.
    package var isNearlyUsed: Bool { used > limit - limit / 8 }

    /// Takes bytes.
    ///
    /// - Parameters:
    ///   - byteCount: At least 0.
    /// - Returns: Whether there was room.
    package func reserve(_ byteCount: Int) -> Bool {
        var used = usedInBytes.load(ordering: .relaxed)
        while byteCount <= limit - used {
            let (isExchanged, found) = usedInBytes.compareExchange(
                expected: used, desired: used + byteCount, ordering: .relaxed)
            if isExchanged { return true }
            used = found
        }
        return false
    }

    /// Counts bytes that are in use already, whether there is room for them or not.
    ///
    /// - Parameters:
    ///   - byteCount: At least 0.
    package func take(_ byteCount: Int) {
        usedInBytes.add(byteCount, ordering: .relaxed)
    }

    /// Gives back bytes that were taken.
    package func release(_ byteCount: Int) {
        usedInBytes.subtract(byteCount, ordering: .relaxed)
    }
}

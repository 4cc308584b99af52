import Synchronization

/// How many bytes of something many may take together, and how many they take.
///
/// What would go beyond it is refused as if the system had none, which loses a request and not the process.
package final class ByteBudget: Sendable {
    /// That of buffers, texts, and whatever else requests and answers cause. Unlimited, like the other, until it is told its limit.
    package static let memory = ByteBudget(limit: .max)

    /// That of spool files.
    package static let spool = ByteBudget(limit: .max)

    private let limitInBytes: Atomic<Int>
    private let usedInBytes = Atomic(0)

    /// - Parameters:
    ///   - limit: In bytes, at least 0.
    package init(limit: Int) {
        precondition(limit >= 0)
        limitInBytes = Atomic(limit)
    }

    /// In bytes, at least 0. What is taken already stays taken.
    package var limit: Int {
        get { limitInBytes.load(ordering: .relaxed) }
        set {
            precondition(newValue >= 0)
            limitInBytes.store(newValue, ordering: .relaxed)
        }
    }

    /// In bytes.
    package var used: Int { usedInBytes.load(ordering: .relaxed) }

    /// Whether so much is taken that who begins something new will hardly get what it needs: seven eighths.
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

    /// Takes bytes that are there already, whether there is room or not.
    ///
    /// - Parameters:
    ///   - byteCount: At least 0.
    package func take(_ byteCount: Int) {
        usedInBytes.add(byteCount, ordering: .relaxed)
    }

    /// Gives back what was reserved.
    package func release(_ byteCount: Int) {
        usedInBytes.subtract(byteCount, ordering: .relaxed)
    }
}

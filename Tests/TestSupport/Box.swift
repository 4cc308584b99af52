import Foundation

/// Collects values from any thread.
///
/// `@unchecked Sendable`: `lock` guards `collected`. It is not a `Mutex`, because the thread sanitizer does not see a
/// `Mutex` being taken on Linux if two threads want it at once: the slow path is in a library that was built without
/// it.
package final class Box<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var collected: [Value] = []

    package init() {}

    package var values: [Value] { lock.withLock { collected } }

    package func add(_ value: Value) {
        lock.withLock { collected.append(value) }
    }
}

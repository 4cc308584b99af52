import Foundation

/// Collects values from any thread.
///
/// `@unchecked Sendable`: `lock` guards `collected`.
final class Box<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var collected: [Value] = []

    var values: [Value] { lock.withLock { collected } }

    func add(_ value: Value) {
        lock.withLock { collected.append(value) }
    }
}

#if DEBUG
    import Glibc
#endif

/// Marks, in debug builds, the threads that each serve many connections, so that work which would hold up all of these
/// connections traps if it is done on such a thread.
///
/// A daemon thread reads and writes, and hands everything else to a worker: changes that are committed to a disk,
/// arrays that are encoded, JSON that is parsed. A release build neither marks threads nor looks for the mark.
package enum DaemonThread {
    #if DEBUG
        /// A thread is marked if it has a value under this key; which value does not matter.
        private static let key: pthread_key_t = {
            var key = pthread_key_t()
            let status = unsafe pthread_key_create(&key, nil)
            precondition(status == 0)
            return key
        }()

        private static var mark: UnsafeMutableRawPointer? { unsafe pthread_getspecific(key) }
    #endif

    /// Calls `body` with the calling thread marked as a daemon thread.
    package static func serve<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        #if DEBUG
            let before = unsafe mark
            unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1))
            defer { unsafe pthread_setspecific(key, before) }
        #endif
        return try body()
    }

    /// Traps, in a debug build, if the calling thread is marked.
    ///
    /// - Parameters:
    ///   - work: The work that is about to be done, in a word or two, for the message of the trap.
    package static func refuse(_ work: StaticString) {
        #if DEBUG
            precondition(unsafe mark == nil, "\(work) is for workers, and this is a daemon thread")
        #endif
    }
}

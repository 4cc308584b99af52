#if DEBUG
    import Glibc
#endif

/// Knows, in debug builds, which threads serve many connections at once, so that work which would hold all of them up traps
/// where it is done on one of these.
///
/// Such a thread reads and writes, and hands everything else to a worker: changes that are committed to a disk, arrays that are
/// encoded, JSON that is parsed. A release build neither marks nor asks.
package enum DaemonThread {
    #if DEBUG
        /// The mark is a value that belongs to the thread; which one does not matter.
        private static let key: pthread_key_t = {
            var key = pthread_key_t()
            let status = unsafe pthread_key_create(&key, nil)
            precondition(status == 0)
            return key
        }()

        private static var mark: UnsafeMutableRawPointer? { unsafe pthread_getspecific(key) }
    #endif

    /// Does something as a daemon thread: the calling thread is marked meanwhile.
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

    /// Traps, in a debug build, where the calling thread is marked.
    ///
    /// - Parameters:
    ///   - work: What is about to be done, in a word or two.
    package static func refuse(_ work: StaticString) {
        #if DEBUG
            precondition(unsafe mark == nil, "\(work) is for workers, and this is a daemon thread")
        #endif
    }
}

import Glibc

/// SIGTERM and SIGINT, waited for instead of being died of.
struct StopSignals {
    /// Blocks the signals, in this thread and all that it starts from now on: to be made before any other thread.
    init() {
        unsafe Self.withSet { unsafe pthread_sigmask(SIG_BLOCK, $0, nil) }
    }

    /// Waits for the first of them. From then on SIGTERM is passed over, since platforms may send it twice; SIGINT ends
    /// the process at once, for a person who will not wait.
    ///
    /// - Returns: The signal's name.
    func wait() -> String {
        var number: Int32 = 0
        unsafe Self.withSet { set in
            // An interrupted wait is gone on with.
            while unsafe sigwait(set, &number) != 0 {}
            unsafe sigdelset(set, SIGTERM)
            unsafe pthread_sigmask(SIG_UNBLOCK, set, nil)
        }
        return number == SIGINT ? "SIGINT" : "SIGTERM"
    }

    private static func withSet(_ body: (UnsafeMutablePointer<sigset_t>) -> Void) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        unsafe body(&set)
    }
}

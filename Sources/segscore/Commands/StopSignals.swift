import Glibc

/// SIGTERM and SIGINT, which are waited for, so that they do not end the process at once, and SIGHUP, which asks a
/// server to read its files anew.
struct StopSignals {
    /// Blocks the signals in this thread and in all that it starts from now on. So it has to be made before any other
    /// thread is.
    init() {
        unsafe withSet { unsafe pthread_sigmask(SIG_BLOCK, $0, nil) }
    }

    /// Waits for SIGTERM or SIGINT. From then on SIGTERM is passed over, since platforms may send it twice; SIGINT ends
    /// the process at once, for a person who will not wait.
    ///
    /// - Parameter reload: Called for each SIGHUP that comes before.
    /// - Returns: The name of the signal that came.
    func wait(reload: () -> Void) -> String {
        var number: Int32 = 0
        unsafe withSet { set in
            // A wait that fails was interrupted, and goes on.
            while unsafe sigwait(set, &number) != 0 || number == SIGHUP {
                if number == SIGHUP { reload() }
                number = 0
            }
            unsafe sigdelset(set, SIGTERM)
            unsafe sigdelset(set, SIGHUP)
            unsafe pthread_sigmask(SIG_UNBLOCK, set, nil)
        }
        return number == SIGINT ? "SIGINT" : "SIGTERM"
    }

    private func withSet(_ body: (UnsafeMutablePointer<sigset_t>) -> Void) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        unsafe sigaddset(&set, SIGHUP)
        unsafe body(&set)
    }
}

import Glibc

/// SIGTERM and SIGINT, waited for instead of being died of; and SIGHUP, which asks a server to read its files anew.
struct StopSignals {
    /// Blocks the signals, in this thread and all that it starts from now on: to be made before any other thread.
    init() {
        unsafe withSet { unsafe pthread_sigmask(SIG_BLOCK, $0, nil) }
    }

    /// Waits for the first that stops. From then on SIGTERM is passed over, since platforms may send it twice; SIGINT ends
    /// the process at once, for a person who will not wait.
    ///
    /// - Parameter reload: What SIGHUP asks for.
    /// - Returns: The name of the signal that stops.
    func wait(reload: () -> Void) -> String {
        var number: Int32 = 0
        unsafe withSet { set in
            // An interrupted wait is gone on with.
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

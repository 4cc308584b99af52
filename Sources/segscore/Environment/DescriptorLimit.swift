import Glibc

/// How many descriptors the process may have open. Each connection takes one, and each file.
enum DescriptorLimit {
    /// Raises the limit as far as the process may by itself, since many systems start processes with 1024 and allow far
    /// more.
    ///
    /// - Returns: The limit; nil if there is none, or if the system does not tell it.
    static func raised() -> Int? {
        let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return nil }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if unsafe setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return Int(exactly: limit.rlim_cur)
    }
}

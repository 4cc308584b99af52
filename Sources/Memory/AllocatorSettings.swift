private import CLinux

/// Settings of `malloc`.
package enum AllocatorSettings {
    /// Makes each large piece of memory a mapping of its own, which goes back to the system when it is freed.
    ///
    /// By default `malloc` raises the size from which it does so, and keeps what is smaller for good.
    package static func apply() {
        segscore_map_large_allocations(128 << 10)
    }
}

private import CLinux

/// How `malloc` is to go about its memory.
package enum AllocatorSettings {
    /// Has all large pieces be mappings of their own, which go back to the system when they are freed. Left to itself `malloc`
    /// takes ever larger pieces into its own memory, of which it hardly ever gives anything back.
    package static func apply() {
        segscore_map_large_allocations(128 << 10)
    }
}

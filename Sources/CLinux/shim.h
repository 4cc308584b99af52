#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Opens a file by a path that may not lead out of a directory, nor may links on it. Returns a descriptor, or -1 with
/// `errno`, which is `EXDEV` if the path leads out.
///
/// The C library has no function for `openat2`, and `syscall` is variadic, which Swift cannot call.
static inline int segscore_open_beneath(int directory, const char *path, int flags) {
    struct open_how how = {
        .flags = (unsigned long long) (flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    return (int) syscall(SYS_openat2, directory, path, &how, sizeof how);
}

#include <malloc.h>

/// Has allocations of at least a size be mappings of their own, and keeps malloc from raising that size.
static inline void segscore_map_large_allocations(int byte_count) { mallopt(M_MMAP_THRESHOLD, byte_count); }

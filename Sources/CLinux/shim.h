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

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/// Opens the process at the other end of a connected Unix socket, as it was when it connected, and tells its id. Returns
/// a descriptor, or -1 with `errno`, which is `EPERM` if it is of another user.
static inline int segscore_peer_process(int connection, pid_t *id) {
    struct { pid_t id; uid_t user; gid_t group; } peer;
    socklen_t size = sizeof peer;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    // TCP has no peers, and those of other namespaces have no number here.
    errno = peer.user == geteuid() ? ESRCH : EPERM;
    if (peer.user != geteuid() || peer.id <= 0) return -1;
    *id = peer.id;
    // Since Linux 6.5 the socket knows the process itself. Before, a process that has ended could have left its number
    // to another of the same user.
    const int peer_descriptor = 77;
    int descriptor = -1;
    size = sizeof descriptor;
    if (getsockopt(connection, SOL_SOCKET, peer_descriptor, &descriptor, &size) == 0) return descriptor;
    if (errno != ENOPROTOOPT) return -1;
    return (int) syscall(SYS_pidfd_open, peer.id, 0);
}

/// Reads memory of another process. Returns the number of bytes, or -1 with `errno`.
static inline ssize_t segscore_read_process(pid_t id, size_t address, void *bytes, size_t count) {
    struct iovec here = {.iov_base = bytes, .iov_len = count}, there = {.iov_base = (void *) address, .iov_len = count};
    return syscall(SYS_process_vm_readv, id, &here, 1UL, &there, 1UL, 0UL);
}

/// Copies a descriptor of the process that another one stands for. Returns the copy, or -1 with `errno`.
static inline int segscore_copy_descriptor(int process, int number) {
    return (int) syscall(SYS_pidfd_getfd, process, number, 0);
}

#include <malloc.h>

/// Has allocations of at least a size be mappings of their own, and keeps malloc from raising that size.
static inline void segscore_map_large_allocations(int byte_count) { mallopt(M_MMAP_THRESHOLD, byte_count); }

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// What Swift cannot say of sockets: epoll and POLLRDHUP are not in the module that it has of the C library, and the
// constants of shutdown and recv are only visible in files that import each module whose headers include theirs, as
// libmicrohttpd's do.

/// A new, empty epoll set; -1 with `errno`.
int segscore_hang_ups_new(void);

/// Adds a socket to an epoll set, or watches it once more: for one event, when the other side closes what it sends or
/// resets.
int segscore_hang_ups_add(int set, int descriptor, uint64_t key);

/// Takes one event out of an epoll set, without waiting: 1 where there was one, with the key that it was added by.
int segscore_hang_ups_take(int set, uint64_t *key);

/// Whether the other side of a socket has closed what it sends, or reset the connection.
int segscore_has_hung_up(int descriptor);

/// Has a listening TCP socket drop what opens new connections, so that those it has can be accepted to the last. Their
/// clients try again after a second, and are refused then if it has been closed.
int segscore_drop_new_connections(int descriptor);

/// Ends what a socket receives.
void segscore_end_receiving(int descriptor);

/// Ends what a socket sends.
void segscore_end_sending(int descriptor);

/// Ends what a socket receives and what it sends.
void segscore_end_both(int descriptor);

/// Looks, without waiting, whether there is something to read: 0 at the end, below where there is nothing now.
ssize_t segscore_peek(int descriptor);

/// Reads what there is, without waiting; 0 at the end, -1 with `errno`.
ssize_t segscore_receive_now(int descriptor, void *bytes, size_t count);

/// Writes as much as there is room for, without waiting; a client that has gone raises no signal.
void segscore_send_now(int descriptor, const void *bytes, size_t count);

/// Has TCP acknowledge what has been read; 0 where it does. There is nothing to acknowledge on Unix sockets.
int segscore_acknowledge(int descriptor);

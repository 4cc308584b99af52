#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Calls on sockets that Swift cannot make itself: epoll and POLLRDHUP are not in the module that Swift has of the C
// library, and the constants of shutdown and recv are visible only in files that import each module whose headers
// include those of sockets, as libmicrohttpd's do.

/// A new, empty epoll set; -1 with `errno`.
int segscore_hang_ups_new(void);

/// Adds a socket to an epoll set, or has a socket of the set watched once more, for one event: that the other side has
/// closed what it sends, or has reset the connection. Returns 0, or -1 with `errno`.
int segscore_hang_ups_add(int set, int descriptor, uint64_t key);

/// Takes one event out of an epoll set without waiting. Returns 1 if there was one, with the key that its socket was
/// added by, else 0.
int segscore_hang_ups_take(int set, uint64_t *key);

/// Whether the other side of a socket has closed what it sends, or reset the connection.
int segscore_has_hung_up(int descriptor);

/// Has a listening TCP socket drop the packets that open new connections, so that the connections which wait can be
/// accepted to the last. The clients of those packets try again after a second, and are refused if the socket has been
/// closed by then.
int segscore_drop_new_connections(int descriptor);

/// Takes a descriptor out of all sets of epoll that this process has, so that nobody is told any more of what happens to
/// its socket. Where /proc is not to be seen, it stays in them.
void segscore_leave_epoll_sets(int descriptor);

/// Ends what a socket receives.
void segscore_end_receiving(int descriptor);

/// Ends what a socket sends.
void segscore_end_sending(int descriptor);

/// Ends what a socket receives and what it sends.
void segscore_end_both(int descriptor);

/// Looks, without waiting, whether there is something to read: 1 if there is, 0 at the end, -1 if there is nothing now.
ssize_t segscore_peek(int descriptor);

/// Reads as much as there is, without waiting. Returns the number of bytes; 0 at the end, -1 with `errno`.
ssize_t segscore_receive_now(int descriptor, void *bytes, size_t count);

/// Writes as much as there is room for, without waiting. If the client has gone, no signal is raised.
void segscore_send_now(int descriptor, const void *bytes, size_t count);

/// Has TCP acknowledge at once what has been read. Returns 0, or -1 on Unix sockets, where nothing is acknowledged.
int segscore_acknowledge(int descriptor);

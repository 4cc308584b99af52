#pragma once

#include <stddef.h>

struct MHD_Connection;
struct MHD_Response;

/// A function that is called when libmicrohttpd refuses a request by itself, on the connection's daemon thread, and
/// before the library sends anything.
typedef void (*segscore_library_refusal)(struct MHD_Connection *connection, unsigned int status);

/// Sets the function that is called. It has to be set before the first daemon starts.
///
/// libmicrohttpd answers a request that it cannot read with a page of its own, and offers no way to have it say
/// something else. It queues that page by the function that its users call, `MHD_queue_response`, which this target
/// defines as well: the dynamic linker gives a library the program's definition of a function before the library's own.
/// If the library was linked with `-Bsymbolic-functions`, as Debian's is not, the page goes out as it is.
void segscore_on_library_refusal(segscore_library_refusal action);

/// libmicrohttpd's own `MHD_queue_response`.
int segscore_queue_response(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response);

/// Writes a whole answer of a few kilobytes past the library, and shuts the sending side of the connection. What the
/// library sends after that fails, so that it closes the connection. Never waits.
///
/// It may only be called in a callback of the library about this connection.
void segscore_send_last(struct MHD_Connection *connection, const void *bytes, size_t count);

/// Another descriptor of a socket, or -1.
int segscore_duplicate(int descriptor);

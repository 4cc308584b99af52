#define _GNU_SOURCE
#include "refusals.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/socket.h>

typedef enum MHD_Result (*queue_function)(struct MHD_Connection *, unsigned int, struct MHD_Response *);

static _Atomic segscore_library_refusal on_refusal;

int segscore_queue_response(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response) {
    static _Atomic queue_function library_function;
    queue_function function = atomic_load_explicit(&library_function, memory_order_acquire);
    if (function == NULL) {
        // The next definition is the library's own: the first is the program's, which stands below.
        function = (queue_function) dlsym(RTLD_NEXT, "MHD_queue_response");
        if (function == NULL) return MHD_NO;
        atomic_store_explicit(&library_function, function, memory_order_release);
    }
    return function(connection, status, response);
}

/// Only the library calls this, to queue a page that it answers with by itself. The page is queued all the same, since
/// the library then ends the connection in the way that it knows.
__attribute__((used, visibility("default")))
enum MHD_Result MHD_queue_response(
    struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response) {
    segscore_library_refusal action = atomic_load_explicit(&on_refusal, memory_order_acquire);
    if (action != NULL) action(connection, status);
    return segscore_queue_response(connection, status, response);
}

void segscore_on_library_refusal(segscore_library_refusal action) {
    atomic_store_explicit(&on_refusal, action, memory_order_release);
}

void segscore_send_last(struct MHD_Connection *connection, const void *bytes, size_t count) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL) return;
    int descriptor = info->connect_fd;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info != NULL) {
        gnutls_session_t session = info->tls_session;
        gnutls_record_send(session, bytes, count);
        gnutls_bye(session, GNUTLS_SHUT_WR);
    } else {
        send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    shutdown(descriptor, SHUT_WR);
}

int segscore_duplicate(int descriptor) {
    return fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
}

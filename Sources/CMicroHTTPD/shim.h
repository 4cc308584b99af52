#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <microhttpd.h>

/// The callbacks of one daemon, which all get the same context, and its settings.
///
/// The struct has to stay in place for as long as the daemon lives.
struct segscore_mhd_options {
    void *context;
    MHD_AcceptPolicyCallback admit;
    MHD_NotifyConnectionCallback connection;
    /// Called with the target of each request. It may write to the target, which lies in the connection's buffer.
    void *(*target)(void *context, char *target, struct MHD_Connection *connection);
    MHD_AccessHandlerCallback handle;
    MHD_RequestCompletedCallback complete;
    void (*log)(void *context, const char *message);
    int listening_socket;
    unsigned int threads;
    unsigned int connections;
    unsigned int connections_per_address;
    unsigned int idle_seconds;
    size_t connection_buffer_bytes;
    /// Certificate and key in PEM, which are kept for as long as the daemon lives; both are NULL for plain HTTP.
    const char *tls_certificate;
    const char *tls_key;
};

/// TLS 1.2 and 1.3 with those of GnuTLS' safe choices that have forward secrecy (no key exchange by RSA alone) and
/// encrypt and authenticate in one step (no CBC, and so no SHA-1 beside it). CCM is left out, since no browser and no
/// library prefers it.
#define SEGSCORE_TLS_PRIORITIES \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-MAC-ALL:+AEAD" \
    ":-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305"

/// Writes out one of the library's messages, since a `va_list` cannot be handed to Swift.
static void segscore_mhd_log(void *options, const char *format, va_list arguments) {
    const struct segscore_mhd_options *o = (const struct segscore_mhd_options *) options;
    char message[512];
    vsnprintf(message, sizeof message, format, arguments);
    o->log(o->context, message);
}

/// Starts a daemon. `MHD_start_daemon` is variadic, and Swift cannot call such functions.
///
/// `MHD_OPTION_STRICT_FOR_CLIENT` is left out: it only adds checks of `Host` and of blanks in the target, which the
/// server makes itself to answer them in its own words (and 0.9.75 sends the head of that answer twice).
static inline struct MHD_Daemon *segscore_mhd_start(struct segscore_mhd_options *o) {
    // A pool of one thread is not asked for, since the library warns of it.
    struct MHD_OptionItem pool[] = {
        {o->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t) o->threads, NULL},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem tls[] = {
        {o->tls_certificate != NULL ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *) o->tls_certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *) o->tls_key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *) SEGSCORE_TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG
            | (o->tls_certificate != NULL ? MHD_USE_TLS : MHD_NO_FLAG),
        0, o->admit, o->context, o->handle, o->context,
        MHD_OPTION_EXTERNAL_LOGGER, segscore_mhd_log, o,
        MHD_OPTION_LISTEN_SOCKET, o->listening_socket,
        MHD_OPTION_URI_LOG_CALLBACK, (void *(*)(void *, const char *, struct MHD_Connection *)) o->target, o->context,
        MHD_OPTION_NOTIFY_COMPLETED, o->complete, o->context,
        MHD_OPTION_NOTIFY_CONNECTION, o->connection, o->context,
        MHD_OPTION_CONNECTION_LIMIT, o->connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_per_address,
        MHD_OPTION_CONNECTION_TIMEOUT, o->idle_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, o->connection_buffer_bytes,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, o->connection_buffer_bytes,
        MHD_OPTION_ARRAY, pool,
        MHD_OPTION_ARRAY, tls,
        MHD_OPTION_END);
}

/// The handler of a daemon that gets no requests, since it has no socket: that of `segscore_mhd_takes_tls`.
static enum MHD_Result segscore_mhd_refuse(
    void *context, struct MHD_Connection *connection, const char *target, const char *method, const char *version,
    const char *bytes, size_t *count, void **request) {
    return MHD_NO;
}

/// Whether the library can serve with a certificate and a key. A daemon without a socket is started with them, since
/// the library then reads both and checks that they belong together.
static inline int segscore_mhd_takes_tls(const char *certificate, const char *key) {
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_TLS | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, segscore_mhd_refuse, NULL,
        MHD_OPTION_HTTPS_MEM_CERT, certificate,
        MHD_OPTION_HTTPS_MEM_KEY, key,
        MHD_OPTION_HTTPS_PRIORITIES, SEGSCORE_TLS_PRIORITIES,
        MHD_OPTION_END);
    if (daemon == NULL) return 0;
    MHD_stop_daemon(daemon);
    return 1;
}

/// The context that the notification of a new connection has set for its socket; NULL if there is none.
static inline void *segscore_mhd_socket_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/// The socket of a connection. It stays open until the notification that the connection is closed has returned.
static inline int segscore_mhd_descriptor(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

/// The size of a request's head on the wire. `MHD_get_connection_info` is variadic too, so that Swift cannot call it.
static inline size_t segscore_mhd_head_size(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info == NULL ? 0 : info->header_size;
}

/// Writes the IP address of a connection's client as text, of an address of version 6 only the first 64 bits, which
/// belong to one network. Returns 0 if the client has no IP address.
static inline int segscore_mhd_peer(struct MHD_Connection *connection, char *text, socklen_t size) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL) return 0;
    if (info->client_addr->sa_family == AF_INET)
        return inet_ntop(AF_INET, &((const struct sockaddr_in *) info->client_addr)->sin_addr, text, size) != NULL;
    if (info->client_addr->sa_family != AF_INET6) return 0;
    struct in6_addr address = ((const struct sockaddr_in6 *) info->client_addr)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address)) return inet_ntop(AF_INET, &address.s6_addr[12], text, size) != NULL;
    for (int i = 8; i < 16; i++) address.s6_addr[i] = 0;
    return inet_ntop(AF_INET6, &address, text, size) != NULL;
}

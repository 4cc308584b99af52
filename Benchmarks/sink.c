// A server that reads each HTTP body and keeps nothing of it: sink ADDRESS. The address is the path of a Unix socket or
// a port of 127.0.0.1, which is printed.
//
// One thread a connection with blocking reads is the fastest thing that a server can do with a body. Of buffers from
// 16 KiB to 1 MiB those below 128 KiB let the client finish soonest: a reader that takes more at once keeps its client
// busier.
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER = 64 << 10 };

static void *serve(void *argument) {
    int connection = (int)(long)argument;
    char *buffer = malloc(BUFFER + 1);
    for (;;) {
        size_t count = 0;
        char *end = NULL;
        while (!end) {
            ssize_t got = recv(connection, buffer + count, BUFFER - count, 0);
            if (got <= 0) goto done;
            count += (size_t)got;
            buffer[count] = 0;
            end = strstr(buffer, "\r\n\r\n");
        }
        char *length = strcasestr(buffer, "content-length:");
        long left = (length ? atol(length + 15) : 0) - (long)(count - (size_t)(end + 4 - buffer));
        while (left > 0) {
            ssize_t got = recv(connection, buffer, BUFFER, 0);
            if (got <= 0) goto done;
            left -= got;
        }
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        if (send(connection, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) goto done;
    }
done:
    free(buffer);
    close(connection);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    int listener;
    if (strchr(arguments[1], '/')) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strncpy(address.sun_path, arguments[1], sizeof address.sun_path - 1);
        listener = socket(AF_UNIX, SOCK_STREAM, 0);
        if (bind(listener, (struct sockaddr *)&address, sizeof address)) return 1;
    } else {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof address;
        address.sin_port = htons((unsigned short)atoi(arguments[1]));
        listener = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(listener, (struct sockaddr *)&address, size)) return 1;
        getsockname(listener, (struct sockaddr *)&address, &size);
        printf("%d\n", ntohs(address.sin_port));
    }
    if (listen(listener, 128)) return 1;
    puts("listening");
    fflush(stdout);
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        pthread_t thread;
        if (connection < 0) continue;
        pthread_create(&thread, NULL, serve, (void *)(long)connection);
        pthread_detach(thread);
    }
}

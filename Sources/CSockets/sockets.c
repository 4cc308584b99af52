#define _GNU_SOURCE
#include "sockets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int segscore_hang_ups_new(void) { return epoll_create1(EPOLL_CLOEXEC); }

int segscore_hang_ups_add(int set, int descriptor, uint64_t key) {
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = key};
    if (epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0) return 0;
    return errno == EEXIST ? epoll_ctl(set, EPOLL_CTL_MOD, descriptor, &event) : -1;
}

int segscore_hang_ups_take(int set, uint64_t *key) {
    struct epoll_event event;
    if (epoll_wait(set, &event, 1, 0) != 1) return 0;
    *key = event.data.u64;
    return 1;
}

int segscore_has_hung_up(int descriptor) {
    struct pollfd socket = {.fd = descriptor, .events = POLLRDHUP};
    return poll(&socket, 1, 0) == 1;
}

int segscore_drop_new_connections(int descriptor) {
    // Byte 13 of the TCP header has the flags, of which bit 1 is SYN: packets with it are dropped, others kept.
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF)};
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void segscore_end_receiving(int descriptor) { shutdown(descriptor, SHUT_RD); }

void segscore_end_sending(int descriptor) { shutdown(descriptor, SHUT_WR); }

void segscore_leave_epoll_sets(int descriptor) {
    DIR *descriptors = opendir("/proc/self/fd");
    if (descriptors == NULL) return;
    struct dirent *entry;
    while ((entry = readdir(descriptors)) != NULL) {
        static const char wanted[] = "anon_inode:[eventpoll]";
        char target[sizeof wanted];
        ssize_t length = readlinkat(dirfd(descriptors), entry->d_name, target, sizeof target);
        if (length == sizeof wanted - 1 && memcmp(target, wanted, sizeof wanted - 1) == 0)
            epoll_ctl(atoi(entry->d_name), EPOLL_CTL_DEL, descriptor, NULL);
    }
    closedir(descriptors);
}

void segscore_end_both(int descriptor) { shutdown(descriptor, SHUT_RDWR); }

ssize_t segscore_peek(int descriptor) {
    char byte;
    return recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

ssize_t segscore_receive_now(int descriptor, void *bytes, size_t count) {
    return recv(descriptor, bytes, count, MSG_DONTWAIT);
}

void segscore_send_now(int descriptor, const void *bytes, size_t count) {
    send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int segscore_acknowledge(int descriptor) {
    int on = 1;
    return setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

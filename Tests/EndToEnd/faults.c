// Comes between a program and the C library, by LD_PRELOAD: has a chosen call fail, or end the process before, half way
// through or after it, and takes down what was done to files. faults.py compiles this and is its other side; the two
// share `struct control`.
//
// Files count where they lie in one of FAULTS_ROOTS (absolute paths, with colons between them). Allocations count by
// who calls: a name of an object file in `objects`. What is counted, and what happens when, stands in a page of memory
// that FAULTS_CONTROL names, so that faults can be set while the program runs. FAULTS_LOG names the file of what was
// done, which a test can do again up to any point.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { OPEN, WRITE, SYNC, RENAME, UNLINK, TRUNCATE, MKDIR, ALLOCATE, MAP, KINDS };
enum action { NOTHING, FAIL, KILL_BEFORE, KILL_HALFWAY, KILL_AFTER, FAIL_SHORT, HOLD };
enum operation {
    CREATED = 1, WRITTEN, TRUNCATED, SYNCED, DIRECTORY_SYNCED, RENAMED, UNLINKED, MADE, REMOVED, SENT, COUNTED
};

enum { SITES = 8192, FRAMES = 8, OBJECTS = 128, OBJECT_NAME = 48 };

struct site {
    _Atomic uint64_t hash, count;
    uint64_t kind, depth;
    // The object in the upper 16 bits, the place in it in the others.
    uint64_t frames[FRAMES];
};

struct control {
    _Atomic uint64_t loaded;
    _Atomic uint64_t kinds, action, error, at, times, site, minimum;
    _Atomic uint64_t seen, hits;
    _Atomic uint64_t records_sites, logged, sent;
    _Atomic uint64_t counts[16];
    char hit[512];
    char objects[256];
    char names[OBJECTS][OBJECT_NAME];
    struct site sites[SITES];
};

static struct control *control;
static char *roots;
static int log_file = -1;
static pthread_mutex_t file_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static __thread int inside;

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

#define REAL(name) ({ \
    static __typeof__(&name) real; \
    if (!real) { inside++; real = (__typeof__(&name)) dlsym(RTLD_NEXT, #name); inside--; } \
    real; \
})

// MARK: Setting up

struct object { uintptr_t start, end; };
static struct object objects[OBJECTS];
static int object_count;

static int add_object(struct dl_phdr_info *info, size_t size, void *unused) {
    (void) size;
    (void) unused;
    if (object_count == OBJECTS) return 1;
    struct object *object = &objects[object_count];
    object->start = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD) continue;
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (start < object->start) object->start = start;
        if (start + header->p_memsz > object->end) object->end = start + header->p_memsz;
    }
    const char *slash = strrchr(info->dlpi_name, '/');
    const char *name = slash ? slash + 1 : info->dlpi_name;
    // The program itself comes first, without a name.
    strncpy(control->names[object_count], *name ? name : object_count == 0 ? "program" : "kernel", OBJECT_NAME - 1);
    object_count++;
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_CONTROL");
    if (!path || control) return;
    inside++;
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    struct control *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (descriptor < 0 || page == MAP_FAILED) _exit(86);
    close(descriptor);
    roots = getenv("FAULTS_ROOTS");
    if (getenv("FAULTS_LOG")) {
        int opened = open(getenv("FAULTS_LOG"), O_WRONLY | O_APPEND | O_CLOEXEC);
        // Out of the way of the numbers that the program counts on.
        log_file = fcntl(opened, F_DUPFD_CLOEXEC, 500);
        close(opened);
    }
    void *frame;
    backtrace(&frame, 1);  // The first call loads the library that it needs.
    control = page;
    dl_iterate_phdr(add_object, NULL);
    atomic_fetch_add(&control->loaded, 1);
    inside--;
}

// MARK: What counts

static bool is_beneath_a_root(const char *path) {
    for (const char *root = roots; root && *root;) {
        const char *end = strchrnul(root, ':');
        size_t length = end - root;
        if (length && !strncmp(path, root, length) && (path[length] == '/' || path[length] == 0)) return true;
        root = *end ? end + 1 : end;
    }
    return false;
}

static bool path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return false;
    path[length] = 0;
    return true;
}

static bool absolute(int directory, const char *name, char *path) {
    if (*name == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return true;
    }
    char base[PATH_MAX];
    if (directory == AT_FDCWD ? !getcwd(base, sizeof base) : !path_of(directory, base)) return false;
    return snprintf(path, PATH_MAX, "%s/%s", base, name) < PATH_MAX;
}

// MARK: What was done

struct record {
    uint32_t magic, operation;
    uint64_t file, offset;
    uint32_t first_length, second_length, data_length, padding;
};

static void take_down(enum operation operation, uint64_t file, uint64_t offset, const char *first, const char *second,
                      const void *data, size_t data_length) {
    if (log_file < 0) return;
    struct record record = {0xfa017, operation, file, offset, first ? strlen(first) : 0, second ? strlen(second) : 0,
                            data_length, 0};
    struct iovec parts[4] = {{&record, sizeof record}, {(void *) first, record.first_length},
                             {(void *) second, record.second_length}, {(void *) data, data_length}};
    int before = errno;
    pthread_mutex_lock(&file_lock);
    if (syscall(SYS_writev, log_file, parts, 4) < 0) abort();
    uint64_t place = atomic_fetch_add(&control->logged, 1);
    if (operation == SENT) atomic_store(&control->sent, place);
    pthread_mutex_unlock(&file_lock);
    errno = before;
}

static uint64_t number_of(int descriptor) {
    struct stat status;
    return fstat(descriptor, &status) == 0 ? status.st_ino : 0;
}

// MARK: What is hit

// Whether the call is one of those that were set to be hit.
static enum action count(enum kind kind, const char *name, const char *detail, uint64_t hash) {
    atomic_fetch_add(&control->counts[kind], 1);
    if (kind != ALLOCATE && kind != MAP) take_down(COUNTED, kind, 0, detail, NULL, NULL, 0);
    uint64_t action = atomic_load(&control->action);
    if (!action || !(atomic_load(&control->kinds) >> kind & 1)) return NOTHING;
    uint64_t site = atomic_load(&control->site);
    if (site && site != hash) return NOTHING;
    uint64_t seen = atomic_fetch_add(&control->seen, 1), at = atomic_load(&control->at);
    if (seen < at || seen - at >= atomic_load(&control->times)) return NOTHING;
    snprintf(control->hit, sizeof control->hit, "%s %s", name, detail);
    atomic_fetch_add(&control->hits, 1);
    return action;
}

// Waits until the calls are let go.
static void hold(void) {
    const struct timespec moment = {0, 2000000};
    while (atomic_load(&control->action) == HOLD) nanosleep(&moment, NULL);
}

static void end_process(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

// MARK: Files

// Makes a call under the lock, so that the order in which calls are taken down is that in which they were made.
#define CALL(kind, detail, call, failed, done) ({ \
    pthread_mutex_lock(&file_lock); \
    inside++; \
    enum action action = count(kind, __func__, detail, 0); \
    __typeof__(call) result; \
    int code = 0; \
    if (action == HOLD) { \
        pthread_mutex_unlock(&file_lock); \
        hold(); \
        pthread_mutex_lock(&file_lock); \
    } \
    if (action == KILL_BEFORE || (action == KILL_HALFWAY && kind != WRITE)) end_process(); \
    if (action == FAIL || (action == FAIL_SHORT && kind != WRITE)) { \
        result = failed; \
        code = atomic_load(&control->error); \
    } else { \
        result = call; \
        code = errno; \
        if (result != failed) { done; } \
        if (action == KILL_AFTER || action == KILL_HALFWAY) end_process(); \
    } \
    inside--; \
    pthread_mutex_unlock(&file_lock); \
    errno = code; \
    result; \
})

#define HALF(length) (action == KILL_HALFWAY || action == FAIL_SHORT ? ((length) + 1) / 2 : (length))

static int opened(const char *path, bool was_there, int descriptor, int flags) {
    struct stat status;
    if (fstat(descriptor, &status) || !S_ISREG(status.st_mode)) return 0;
    if ((flags & O_TMPFILE) == O_TMPFILE) return 0;
    if (!was_there) take_down(CREATED, status.st_ino, 0, path, NULL, NULL, 0);
    else if (flags & O_TRUNC) take_down(TRUNCATED, status.st_ino, 0, path, NULL, NULL, 0);
    return 0;
}

static bool is_there(int directory, const char *name) {
    struct stat status;
    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

#define OPENING(real_call, directory, name) \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    char path[PATH_MAX]; \
    if (!control || inside || !absolute(directory, name, path) || !is_beneath_a_root(path)) return real_call; \
    bool was_there = is_there(directory, name); \
    return CALL(OPEN, path, real_call, -1, opened(path, was_there, result, flags))

int open(const char *name, int flags, ...) { OPENING(REAL(open)(name, flags, mode), AT_FDCWD, name); }
int open64(const char *name, int flags, ...) { OPENING(REAL(open64)(name, flags, mode), AT_FDCWD, name); }
int openat(int directory, const char *name, int flags, ...) {
    OPENING(REAL(openat)(directory, name, flags, mode), directory, name);
}
int openat64(int directory, const char *name, int flags, ...) {
    OPENING(REAL(openat64)(directory, name, flags, mode), directory, name);
}

#define ON_FILE(descriptor, real_call) \
    char path[PATH_MAX]; \
    if (!control || inside || !path_of(descriptor, path) || !is_beneath_a_root(path)) return real_call

ssize_t write(int descriptor, const void *data, size_t length) {
    ON_FILE(descriptor, REAL(write)(descriptor, data, length));
    uint64_t offset = lseek(descriptor, 0, SEEK_CUR);
    return CALL(WRITE, path, REAL(write)(descriptor, data, HALF(length)), -1,
                take_down(WRITTEN, number_of(descriptor), offset, path, NULL, data, result));
}

#define PWRITE(name) \
    ON_FILE(descriptor, REAL(name)(descriptor, data, length, offset)); \
    return CALL(WRITE, path, REAL(name)(descriptor, data, HALF(length), offset), -1, \
                take_down(WRITTEN, number_of(descriptor), offset, path, NULL, data, result))

ssize_t pwrite(int descriptor, const void *data, size_t length, off_t offset) { PWRITE(pwrite); }
ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t offset) { PWRITE(pwrite64); }

static int synced(int descriptor, const char *path) {
    struct stat status;
    bool is_directory = fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
    take_down(is_directory ? DIRECTORY_SYNCED : SYNCED, number_of(descriptor), 0, path, NULL, NULL, 0);
    return 0;
}

int fsync(int descriptor) {
    ON_FILE(descriptor, REAL(fsync)(descriptor));
    return CALL(SYNC, path, REAL(fsync)(descriptor), -1, synced(descriptor, path));
}

int fdatasync(int descriptor) {
    ON_FILE(descriptor, REAL(fdatasync)(descriptor));
    return CALL(SYNC, path, REAL(fdatasync)(descriptor), -1, synced(descriptor, path));
}

#define FTRUNCATE(name) \
    ON_FILE(descriptor, REAL(name)(descriptor, length)); \
    return CALL(TRUNCATE, path, REAL(name)(descriptor, length), -1, \
                take_down(TRUNCATED, number_of(descriptor), length, path, NULL, NULL, 0))

int ftruncate(int descriptor, off_t length) { FTRUNCATE(ftruncate); }
int ftruncate64(int descriptor, off64_t length) { FTRUNCATE(ftruncate64); }

#define FALLOCATE(name, failed, ...) \
    ON_FILE(descriptor, REAL(name)(__VA_ARGS__)); \
    return CALL(TRUNCATE, path, REAL(name)(__VA_ARGS__), failed, (void) 0)

int fallocate(int descriptor, int mode, off_t offset, off_t length) {
    FALLOCATE(fallocate, -1, descriptor, mode, offset, length);
}
int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) {
    FALLOCATE(fallocate64, -1, descriptor, mode, offset, length);
}

#define ON_NAME(directory, name, real_call) \
    char path[PATH_MAX]; \
    if (!control || inside || !absolute(directory, name, path) || !is_beneath_a_root(path)) return real_call

static uint64_t number_at(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? status.st_ino : 0;
}

#define TRUNCATE_NAME(call) \
    ON_NAME(AT_FDCWD, name, REAL(call)(name, length)); \
    return CALL(TRUNCATE, path, REAL(call)(name, length), -1, \
                take_down(TRUNCATED, number_at(path), length, path, NULL, NULL, 0))

int truncate(const char *name, off_t length) { TRUNCATE_NAME(truncate); }
int truncate64(const char *name, off64_t length) { TRUNCATE_NAME(truncate64); }

int unlink(const char *name) {
    ON_NAME(AT_FDCWD, name, REAL(unlink)(name));
    return CALL(UNLINK, path, REAL(unlink)(name), -1, take_down(UNLINKED, 0, 0, path, NULL, NULL, 0));
}

int unlinkat(int directory, const char *name, int flags) {
    ON_NAME(directory, name, REAL(unlinkat)(directory, name, flags));
    return CALL(UNLINK, path, REAL(unlinkat)(directory, name, flags), -1,
                take_down(flags & AT_REMOVEDIR ? REMOVED : UNLINKED, 0, 0, path, NULL, NULL, 0));
}

int rmdir(const char *name) {
    ON_NAME(AT_FDCWD, name, REAL(rmdir)(name));
    return CALL(UNLINK, path, REAL(rmdir)(name), -1, take_down(REMOVED, 0, 0, path, NULL, NULL, 0));
}

int mkdir(const char *name, mode_t mode) {
    ON_NAME(AT_FDCWD, name, REAL(mkdir)(name, mode));
    return CALL(MKDIR, path, REAL(mkdir)(name, mode), -1, take_down(MADE, 0, 0, path, NULL, NULL, 0));
}

int mkdirat(int directory, const char *name, mode_t mode) {
    ON_NAME(directory, name, REAL(mkdirat)(directory, name, mode));
    return CALL(MKDIR, path, REAL(mkdirat)(directory, name, mode), -1, take_down(MADE, 0, 0, path, NULL, NULL, 0));
}

#define RENAMING(from_directory, from, to_directory, to, real_call) \
    ON_NAME(from_directory, from, real_call); \
    char target[PATH_MAX]; \
    if (!absolute(to_directory, to, target)) return real_call; \
    return CALL(RENAME, path, real_call, -1, take_down(RENAMED, 0, 0, path, target, NULL, 0))

int rename(const char *from, const char *to) {
    RENAMING(AT_FDCWD, from, AT_FDCWD, to, REAL(rename)(from, to));
}
int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    RENAMING(from_directory, from, to_directory, to, REAL(renameat)(from_directory, from, to_directory, to));
}
int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned int flags) {
    RENAMING(from_directory, from, to_directory, to, REAL(renameat2)(from_directory, from, to_directory, to, flags));
}

// Only openat2 has no function of its own and comes this way.
long syscall(long number, ...) {
    va_list rest;
    va_start(rest, number);
    long a[6];
    for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
    va_end(rest);
    char path[PATH_MAX];
    if (number != SYS_openat2 || !control || inside || !absolute(a[0], (const char *) a[1], path)
        || !is_beneath_a_root(path)) {
        return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    bool was_there = is_there(a[0], (const char *) a[1]);
    int flags = (int) *(uint64_t *) a[2];
    return CALL(OPEN, path, REAL(syscall)(number, a[0], a[1], a[2], a[3]), -1, opened(path, was_there, result, flags));
}

// MARK: Answers

// What begins an answer is taken down before it is sent: whatever it promises has to be on the disk by then.
static void sending(const void *data, size_t length) {
    if (!control || inside || length < 9 || memcmp(data, "HTTP/1.1 ", 9)) return;
    take_down(SENT, 0, 0, NULL, NULL, data, length < 2048 ? length : 2048);
}

ssize_t send(int descriptor, const void *data, size_t length, int flags) {
    sending(data, length);
    return REAL(send)(descriptor, data, length, flags);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    if (message->msg_iovlen) sending(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
    return REAL(sendmsg)(descriptor, message, flags);
}

// MARK: Memory

static int object_of(uintptr_t address) {
    for (int i = 0; i < object_count; i++) {
        if (address >= objects[i].start && address < objects[i].end) return i;
    }
    return -1;
}

// Whether the object is one of those whose calls count: all, if none is named.
static bool is_wanted(int object) {
    if (object < 0) return false;
    if (!*control->objects) return true;
    for (const char *name = control->objects; *name;) {
        const char *end = strchrnul(name, ':');
        if (end > name && !strncmp(control->names[object], name, end - name)) return true;
        name = *end ? end + 1 : end;
    }
    return false;
}

static uint64_t site_of(enum kind kind) {
    void *frames[FRAMES + 4];
    int depth = backtrace(frames, FRAMES + 4);
    uint64_t places[FRAMES] = {0}, hash = 14695981039346656037u;
    int taken = 0;
    for (int i = 0; i < depth && taken < FRAMES; i++) {
        int object = object_of((uintptr_t) frames[i]);
        // This file's own frames are none.
        if (object < 0 || !strncmp(control->names[object], "faults", 6)) continue;
        places[taken] = (uint64_t) object << 48 | ((uintptr_t) frames[i] - objects[object].start);
        hash = (hash ^ places[taken]) * 1099511628211u;
        taken++;
    }
    hash |= 1;
    if (!atomic_load(&control->records_sites)) return hash;
    for (uint64_t slot = hash % SITES, tries = 0; tries < SITES; slot = (slot + 1) % SITES, tries++) {
        struct site *site = &control->sites[slot];
        uint64_t empty = 0;
        if (atomic_compare_exchange_strong(&site->hash, &empty, hash)) {
            site->kind = kind;
            site->depth = taken;
            memcpy(site->frames, places, sizeof places);
        } else if (empty != hash) {
            continue;
        }
        atomic_fetch_add(&site->count, 1);
        break;
    }
    return hash;
}

static bool fails(enum kind kind, const char *name, size_t size, void *caller) {
    if (!control || inside) return false;
    bool is_watched = atomic_load(&control->records_sites) || (atomic_load(&control->action) == FAIL
        && atomic_load(&control->kinds) >> kind & 1);
    if (!is_watched || size < atomic_load(&control->minimum)) return false;
    int object = object_of((uintptr_t) caller);
    if (!is_wanted(object)) return false;
    inside++;
    uint64_t hash = atomic_load(&control->records_sites) || atomic_load(&control->site) ? site_of(kind) : 0;
    char detail[128];
    snprintf(detail, sizeof detail, "of %zu bytes for %s+0x%zx", size, control->names[object],
             (size_t) ((uintptr_t) caller - objects[object].start));
    bool is_hit = count(kind, name, detail, hash) == FAIL;
    inside--;
    if (is_hit) errno = ENOMEM;
    return is_hit;
}

#define FAILS(kind, size) fails(kind, __func__, size, __builtin_return_address(0))

void *malloc(size_t size) { return FAILS(ALLOCATE, size) ? NULL : __libc_malloc(size); }

void *calloc(size_t number, size_t size) {
    return FAILS(ALLOCATE, number * size) ? NULL : __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) { return FAILS(ALLOCATE, size) ? NULL : __libc_realloc(memory, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    if (FAILS(ALLOCATE, size)) return ENOMEM;
    void *made = __libc_memalign(alignment, size);
    if (!made) return ENOMEM;
    *memory = made;
    return 0;
}

void *aligned_alloc(size_t alignment, size_t size) {
    return FAILS(ALLOCATE, size) ? NULL : __libc_memalign(alignment, size);
}

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset) {
    if (FAILS(MAP, length)) return MAP_FAILED;
    return (void *) REAL(syscall)(SYS_mmap, address, length, protection, flags, descriptor, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, off64_t offset) {
    if (FAILS(MAP, length)) return MAP_FAILED;
    return (void *) REAL(syscall)(SYS_mmap, address, length, protection, flags, descriptor, offset);
}

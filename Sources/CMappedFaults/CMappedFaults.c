#include "CMappedFaults.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// Slots of mappings stand in chunks that double in size and are never freed, so that the handler can go over them
// without a lock.
enum { FIRST_CHUNK = 256, CHUNKS = 24 };

struct slot {
    _Atomic uintptr_t start;
    _Atomic size_t length;
    long next_free;
};

static struct slot *_Atomic chunks[CHUNKS];
static _Atomic uint64_t faults;
static uintptr_t page_size;
static struct sigaction earlier;

// The lock protects these two, and the links of the slots that are free.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long first_free = -1, count = 0;

static struct slot *slot_of(long number) {
    int chunk = 0;
    for (long size = FIRST_CHUNK; number >= size; size *= 2) {
        number -= size;
        chunk++;
    }
    return atomic_load_explicit(&chunks[chunk], memory_order_acquire) + number;
}

/// Puts zeros in place of a mapping's pages from the one that has an address on; 0 if no guarded mapping has it.
static int patch(uintptr_t address) {
    long size = FIRST_CHUNK;
    for (int chunk = 0; chunk < CHUNKS; chunk++, size *= 2) {
        struct slot *slots = atomic_load_explicit(&chunks[chunk], memory_order_acquire);
        if (!slots) return 0;
        for (long index = 0; index < size; index++) {
            uintptr_t start = atomic_load_explicit(&slots[index].start, memory_order_acquire);
            size_t length = atomic_load_explicit(&slots[index].length, memory_order_acquire);
            if (!start || address < start || address - start >= length) continue;
            uintptr_t page = address & ~(page_size - 1);
            void *zeros = mmap((void *) page, start + length - page, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
            if (zeros == MAP_FAILED) return 0;
            atomic_fetch_add(&faults, 1);
            return 1;
        }
    }
    return 0;
}

static void handle(int number, siginfo_t *info, void *context) {
    (void) context;
    int code = errno;
    if (info->si_code <= 0 || !patch((uintptr_t) info->si_addr)) {
        // The signal is not about a guarded mapping, and goes where it would have gone without this handler. A fault
        // comes again by itself; a signal that was sent has to be raised again.
        sigaction(SIGBUS, &earlier, NULL);
        if (info->si_code <= 0) raise(number);
    }
    errno = code;
}

static void install(void) {
    page_size = (uintptr_t) sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &earlier);
}

/// Takes a free slot, with the lock held; -1 if there is no memory for one.
static long take(void) {
    if (first_free >= 0) {
        long number = first_free;
        first_free = slot_of(number)->next_free;
        return number;
    }
    int chunk = 0;
    long size = FIRST_CHUNK, before = 0;
    while (chunk < CHUNKS && count >= before + size) {
        before += size;
        size *= 2;
        chunk++;
    }
    if (chunk == CHUNKS) return -1;
    if (count == before && !atomic_load(&chunks[chunk])) {
        struct slot *slots = calloc((size_t) size, sizeof *slots);
        if (!slots) return -1;
        atomic_store_explicit(&chunks[chunk], slots, memory_order_release);
    }
    return count++;
}

long segscore_guard(void *start, size_t length) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    pthread_mutex_lock(&lock);
    long number = take();
    if (number >= 0) {
        struct slot *slot = slot_of(number);
        atomic_store_explicit(&slot->length, length, memory_order_release);
        atomic_store_explicit(&slot->start, (uintptr_t) start, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return number;
}

void segscore_unguard(long number) {
    pthread_mutex_lock(&lock);
    struct slot *slot = slot_of(number);
    atomic_store_explicit(&slot->start, 0, memory_order_release);
    slot->next_free = first_free;
    first_free = number;
    pthread_mutex_unlock(&lock);
}

uint64_t segscore_mapped_faults(void) { return atomic_load(&faults); }

#define _GNU_SOURCE
#include "mutex_order.h"

// Swift's Mutex takes and frees a lock that no other thread wants by an atomic operation in the program's own code, which
// the thread sanitizer sees. If two threads want the lock, libswiftSynchronization does it with the kernel
// (FUTEX_LOCK_PI), and that library is not instrumented. The sanitizer then knows of no order between what the two
// threads do under the lock, one after the other, nor between what they did before and do after, and reports races that
// do not exist. So the library's three functions are defined here again, and tell the sanitizer of the order. They name
// the lock's own address, at which the sanitizer keeps what the atomic operations tell as well.
#if __has_feature(thread_sanitizer)
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

void __tsan_acquire(void *address);
void __tsan_release(void *address);

static void *original(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void segscore_lock(uint32_t thread, SELF) __asm__(LOCK);
SWIFT bool segscore_try_lock(SELF) __asm__(TRY);
SWIFT void segscore_unlock(SELF) __asm__(UNLOCK);

SWIFT void segscore_lock(uint32_t thread, SELF) {
    ((SWIFT void (*)(uint32_t, SELF)) original(LOCK))(thread, self);
    __tsan_acquire(self);
}

SWIFT bool segscore_try_lock(SELF) {
    bool isLocked = ((SWIFT bool (*)(SELF)) original(TRY))(self);
    if (isLocked) __tsan_acquire(self);
    return isLocked;
}

SWIFT void segscore_unlock(SELF) {
    __tsan_release(self);
    ((SWIFT void (*)(SELF)) original(UNLOCK))(self);
}
#endif

#include "CScoringKernels.h"

#if defined(__x86_64__)
/// Whether the processor has x86-64-v3, as far as the loops use it.
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("f16c") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("lzcnt") &&
           __builtin_cpu_supports("popcnt");
}

/// Whether the processor has x86-64-v4, as far as the loops use it.
static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512vl");
}

/// The levels from the plainest to the best, each with what a processor must have for it. The file of its name in
/// `levels/` makes its table.
#define LEVELS(LEVEL) LEVEL(plain, true) LEVEL(vector, true) LEVEL(avx2, has_avx2()) LEVEL(avx512, has_avx512())
#else
#define LEVELS(LEVEL) LEVEL(plain, true) LEVEL(vector, true)
#endif

#define DECLARE(NAME, CAN_RUN) extern const segscore_kernels segscore_##NAME##_kernels;
LEVELS(DECLARE)

const segscore_kernels *_Nullable segscore_kernels_at(size_t index) {
#define CHOOSE(NAME, CAN_RUN)                                                                                          \
    if (index-- == 0) return (CAN_RUN) ? &segscore_##NAME##_kernels : NULL;
    LEVELS(CHOOSE)
    return NULL;
}

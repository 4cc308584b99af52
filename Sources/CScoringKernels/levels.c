#include "CScoringKernels.h"

extern const segscore_kernels segscore_plain_kernels;
extern const segscore_kernels segscore_vector_kernels;

#if defined(__x86_64__)
extern const segscore_kernels segscore_avx2_kernels;
extern const segscore_kernels segscore_avx512_kernels;

/// x86-64-v3, as far as the loops use it.
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("f16c") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("lzcnt") &&
           __builtin_cpu_supports("popcnt");
}

/// x86-64-v4, as far as the loops use it.
static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

const segscore_kernels *_Nullable segscore_kernels_at(size_t index) {
    switch (index) {
    case 0: return &segscore_plain_kernels;
    case 1: return &segscore_vector_kernels;
#if defined(__x86_64__)
    case 2: return has_avx2() ? &segscore_avx2_kernels : NULL;
    case 3: return has_avx512() ? &segscore_avx512_kernels : NULL;
#endif
    default: return NULL;
    }
}

/// Vectors of x86-64-v4.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>

#include "CScoringKernels.h"

#pragma clang attribute push( \
    __attribute__((target("avx2,avx512bw,avx512cd,avx512dq,avx512f,avx512vl,bmi,bmi2,f16c,fma,lzcnt,popcnt"))), \
    apply_to = function)
#define LEVEL avx512
#define LANES 16
#include "../level.inl.h"
#pragma clang attribute pop
#endif

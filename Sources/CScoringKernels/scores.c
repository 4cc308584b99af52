#include "CScoringKernels.h"

#include <string.h>

#include "dispatch.h"

#define SCORE float
#define NAME(FUNCTION) FUNCTION##_32
#include "scores.inl.h"

#define SCORE double
#define NAME(FUNCTION) FUNCTION##_64
#include "scores.inl.h"

void segscore_copy(const void *source, size_t count, segscore_floats scores, size_t stride) {
    BY_FLOATS(copy, scores, source, count, scores.start, stride);
}

void segscore_below(segscore_floats scores, size_t count, double threshold, uint8_t *mask) {
    BY_FLOATS(below, scores, scores.start, count, threshold, mask);
}

size_t segscore_count_below(segscore_floats scores, size_t count, double threshold) {
    return BY_FLOATS(count_below, scores, scores.start, count, threshold);
}

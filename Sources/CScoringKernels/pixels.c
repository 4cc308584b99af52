#include "CScoringKernels.h"

#include <math.h>
#include <string.h>

#include "dispatch.h"

/// How many pixels are looked at together; the compiler makes of them what the processor has.
enum { LANES = 16 };

#define SCORE float
#define KEY uint32_t
#define CLASS uint8_t
#define NAME(FUNCTION) FUNCTION##_32_8
#include "pixels.inl.h"

#define SCORE float
#define KEY uint32_t
#define CLASS uint16_t
#define NAME(FUNCTION) FUNCTION##_32_16
#include "pixels.inl.h"

#define SCORE double
#define KEY uint64_t
#define CLASS uint8_t
#define NAME(FUNCTION) FUNCTION##_64_8
#include "pixels.inl.h"

#define SCORE double
#define KEY uint64_t
#define CLASS uint16_t
#define NAME(FUNCTION) FUNCTION##_64_16
#include "pixels.inl.h"

size_t segscore_take(
    const void *source, size_t count, uint32_t class_index, segscore_classes labels, segscore_floats scores,
    segscore_classes predicted, size_t stride, segscore_floats largest, size_t largest_stride) {
    return BY_BOTH(
        take, scores.is_double, labels, source, count, class_index, labels.start, scores.start, predicted.start, stride,
        largest.start, largest_stride);
}

void segscore_add_row(
    const void *source, bool is_double, size_t count, size_t column, size_t side, segscore_classes labels,
    int32_t ignored, double *sums) {
    BY_BOTH(add_row, is_double, labels, source, count, column, side, labels.start, ignored, sums);
}

void segscore_add_each(
    const void *source, bool is_double, size_t count, segscore_classes labels, size_t label_stride, int32_t ignored,
    double *sums, size_t sum_stride) {
    BY_BOTH(add_each, is_double, labels, source, count, labels.start, label_stride, ignored, sums, sum_stride);
}

void segscore_ignore(segscore_floats scores, segscore_classes labels, size_t count, int32_t ignored) {
    BY_BOTH(ignore, scores.is_double, labels, scores.start, labels.start, count, ignored);
}

double segscore_softmin(
    segscore_floats scores, segscore_classes labels, size_t count, int32_t ignored, double temperature) {
    return BY_BOTH(softmin, scores.is_double, labels, scores.start, labels.start, count, ignored, temperature);
}

void segscore_sum_by_label(
    segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double *sums,
    int64_t *counts) {
    BY_BOTH(sum_by_label, scores.is_double, labels, scores.start, labels.start, count, kept, sums, counts);
}

size_t segscore_count_confident(
    segscore_floats largest, segscore_classes predicted, segscore_classes labels, size_t count,
    segscore_labels_kept kept, const double *thresholds) {
    return BY_BOTH(
        count_confident, largest.is_double, labels, largest.start, predicted.start, labels.start, count, kept,
        thresholds);
}

void segscore_count_keys(
    segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, uint64_t prefix,
    unsigned shift, unsigned width, uint64_t *counts) {
    BY_BOTH(
        count_keys, scores.is_double, labels, scores.start, labels.start, count, kept, prefix, shift, width, counts);
}

size_t segscore_mark_lowest(
    segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double cut, size_t ties,
    uint8_t *marks) {
    return BY_BOTH(mark_lowest, scores.is_double, labels, scores.start, labels.start, count, kept, cut, ties, marks);
}

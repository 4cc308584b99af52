/// All loops, for the level that a file of `levels/` is for: it defines `LEVEL`, and `LANES` unless loops are to be plain.

#include <math.h>
#include <string.h>

#include "CScoringKernels.h"
#include "dispatch.h"

// With it, levels that have a fused multiplication and addition would round differently.
#pragma STDC FP_CONTRACT OFF

/// Loops that mostly have nothing to do look at so many pixels at once whether they do.
enum { GROUP = 16 };

#include "loops/elements.inl.h"
#include "loops/labels.inl.h"
#include "loops/exponentials.inl.h"

#define SCORE float
#define NAME(FUNCTION) FUNCTION##_32
#include "loops/scores.inl.h"

#define SCORE double
#define NAME(FUNCTION) FUNCTION##_64
#include "loops/scores.inl.h"

#define SCORE float
#define KEY uint32_t
#define CLASS uint8_t
#define NAME(FUNCTION) FUNCTION##_32_8
#include "loops/pixels.inl.h"

#define SCORE float
#define KEY uint32_t
#define CLASS uint16_t
#define NAME(FUNCTION) FUNCTION##_32_16
#include "loops/pixels.inl.h"

#define SCORE double
#define KEY uint64_t
#define CLASS uint8_t
#define NAME(FUNCTION) FUNCTION##_64_8
#include "loops/pixels.inl.h"

#define SCORE double
#define KEY uint64_t
#define CLASS uint16_t
#define NAME(FUNCTION) FUNCTION##_64_16
#include "loops/pixels.inl.h"

#define CLASS uint8_t
#define NAME(FUNCTION) FUNCTION##_8
#include "loops/classes.inl.h"

#define CLASS uint16_t
#define NAME(FUNCTION) FUNCTION##_16
#include "loops/classes.inl.h"

static void copy(const void *source, size_t count, segscore_floats scores, size_t stride) {
    BY_FLOATS(copy, scores, source, count, scores.start, stride);
}

static void clamp(const void *source, size_t count, segscore_floats out) {
    BY_FLOATS(clamp, out, source, count, out.start);
}

static void below(segscore_floats scores, size_t count, double threshold, uint8_t *mask) {
    BY_FLOATS(below, scores, scores.start, count, threshold, mask);
}

static size_t count_below(segscore_floats scores, size_t count, double threshold) {
    return BY_FLOATS(count_below, scores, scores.start, count, threshold);
}

static size_t take(
    const void *source, size_t count, uint32_t class_index, segscore_classes labels, segscore_floats scores,
    segscore_classes predicted, size_t stride, segscore_floats largest, size_t largest_stride, size_t *clamped) {
    return BY_BOTH(
        take, scores.is_double, labels, source, count, class_index, labels.start, scores.start, predicted.start, stride,
        largest.start, largest_stride, clamped);
}

static size_t take_own(
    const void *source, size_t count, uint32_t class_index, segscore_classes labels, segscore_floats scores,
    size_t *clamped) {
    return BY_BOTH(take_own, scores.is_double, labels, source, count, class_index, labels.start, scores.start, clamped);
}

static void add_row(
    const void *source, bool is_double, size_t count, size_t column, size_t side, segscore_classes labels,
    int32_t ignored, double *sums) {
    BY_BOTH(add_row, is_double, labels, source, count, column, side, labels.start, ignored, sums);
}

static void add_each(
    const void *source, bool is_double, size_t count, segscore_classes labels, size_t label_stride, int32_t ignored,
    double *sums, size_t sum_stride) {
    BY_BOTH(add_each, is_double, labels, source, count, labels.start, label_stride, ignored, sums, sum_stride);
}

static void ignore(segscore_floats scores, segscore_classes labels, size_t count, int32_t ignored) {
    BY_BOTH(ignore, scores.is_double, labels, scores.start, labels.start, count, ignored);
}

static double softmin(
    segscore_floats scores, segscore_classes labels, size_t count, int32_t ignored, double temperature) {
    return BY_BOTH(softmin, scores.is_double, labels, scores.start, labels.start, count, ignored, temperature);
}

static void sum_by_label(
    segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double *sums,
    int64_t *counts) {
    BY_BOTH(sum_by_label, scores.is_double, labels, scores.start, labels.start, count, kept, sums, counts);
}

static size_t count_confident(
    segscore_floats largest, segscore_classes predicted, segscore_classes labels, size_t count,
    segscore_labels_kept kept, const double *thresholds) {
    return BY_BOTH(
        count_confident, largest.is_double, labels, largest.start, predicted.start, labels.start, count, kept,
        thresholds);
}

static void count_keys(
    segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double limit,
    uint64_t prefix, unsigned shift, unsigned width, uint64_t *counts) {
    BY_BOTH(
        count_keys, scores.is_double, labels, scores.start, labels.start, count, kept, limit, prefix, shift, width,
        counts);
}

static size_t count_equal(
    segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double value) {
    return BY_BOTH(count_equal, scores.is_double, labels, scores.start, labels.start, count, kept, value);
}

static size_t mark_lowest(
    segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double cut, size_t ties,
    uint8_t *marks) {
    return BY_BOTH(mark_lowest, scores.is_double, labels, scores.start, labels.start, count, kept, cut, ties, marks);
}

static size_t first_label_outside(segscore_classes labels, size_t count, segscore_labels_kept kept) {
    return BY_CLASSES(first_label_outside, labels, labels.start, count, kept);
}

static size_t first_label_kept(segscore_classes labels, size_t count, segscore_labels_kept kept) {
    return BY_CLASSES(first_label_kept, labels, labels.start, count, kept);
}

static size_t count_class(segscore_classes labels, size_t count, uint32_t class_index) {
    return BY_CLASSES(count_class, labels, labels.start, count, class_index);
}

static size_t class_extents(
    segscore_classes labels, size_t count, segscore_labels_kept kept, size_t gap, uint32_t *places,
    segscore_extent *extents) {
    return BY_CLASSES(class_extents, labels, labels.start, count, kept, gap, places, extents);
}

static void block_labels(
    segscore_classes labels, size_t height, size_t width, size_t side, segscore_labels_kept kept,
    segscore_classes block_labels, uint32_t *counts) {
    BY_CLASSES(block_labels, labels, labels.start, height, width, side, kept, block_labels.start, counts);
}

static void take_blocks(
    double *sums, const uint32_t *counts, size_t count, uint32_t class_index, segscore_classes labels, double *totals,
    double *scores, double *largest, segscore_classes predicted) {
    BY_CLASSES(
        take_blocks, labels, sums, counts, count, class_index, labels.start, totals, scores, largest,
        predicted.start);
}

static void divide(double *values, const double *totals, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] = totals[i] > 0 ? values[i] / totals[i] : 0;
}

static size_t mark_disagreeing(
    const uint8_t *block_marks, size_t side, segscore_classes predicted, segscore_classes labels, size_t count,
    int32_t ignored, uint8_t *marks) {
    return BY_CLASSES(
        mark_disagreeing, labels, block_marks, side, predicted.start, labels.start, count, ignored, marks);
}

static void keep_class(
    uint8_t *marks, segscore_classes labels, segscore_classes predicted, size_t count, uint32_t class_index) {
    BY_CLASSES(keep_class, labels, marks, labels.start, predicted.start, count, class_index);
}

#define TABLE_OF(LEVEL) segscore_##LEVEL##_kernels
#define TABLE(LEVEL) TABLE_OF(LEVEL)
#define NAME_OF(LEVEL) #LEVEL
#define NAME(LEVEL) NAME_OF(LEVEL)

const segscore_kernels TABLE(LEVEL) = {
    .name = NAME(LEVEL),
    .to_native = to_native,
    .copy = copy,
    .narrow_labels = narrow_labels,
    .first_label_outside = first_label_outside,
    .first_label_kept = first_label_kept,
    .count_class = count_class,
    .class_extents = class_extents,
    .block_labels = block_labels,
    .take = take,
    .take_own = take_own,
    .clamp = clamp,
    .add_row = add_row,
    .add_each = add_each,
    .take_blocks = take_blocks,
    .divide = divide,
    .ignore = ignore,
    .exponentials = exponentials,
    .softmin = softmin,
    .below = below,
    .count_below = count_below,
    .sum_by_label = sum_by_label,
    .count_confident = count_confident,
    .count_keys = count_keys,
    .count_equal = count_equal,
    .mark_lowest = mark_lowest,
    .mark_disagreeing = mark_disagreeing,
    .keep_class = keep_class,
};

#include "CScoringKernels.h"

#include "dispatch.h"

#define CLASS uint8_t
#define NAME(FUNCTION) FUNCTION##_8
#include "classes.inl.h"

#define CLASS uint16_t
#define NAME(FUNCTION) FUNCTION##_16
#include "classes.inl.h"

size_t segscore_first_label_outside(segscore_classes labels, size_t count, segscore_labels_kept kept) {
    return BY_CLASSES(first_label_outside, labels, labels.start, count, kept);
}

size_t segscore_count_class(segscore_classes labels, size_t count, uint32_t class_index) {
    return BY_CLASSES(count_class, labels, labels.start, count, class_index);
}

void segscore_block_labels(
    segscore_classes labels, size_t height, size_t width, size_t side, segscore_labels_kept kept,
    segscore_classes block_labels, uint32_t *counts) {
    BY_CLASSES(block_labels, labels, labels.start, height, width, side, kept, block_labels.start, counts);
}

void segscore_take_blocks(
    double *sums, const uint32_t *counts, size_t count, uint32_t class_index, segscore_classes labels, double *totals,
    double *scores, double *largest, segscore_classes predicted) {
    BY_CLASSES(
        take_blocks, labels, sums, counts, count, class_index, labels.start, totals, scores, largest,
        predicted.start);
}

void segscore_divide(double *values, const double *totals, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] = totals[i] > 0 ? values[i] / totals[i] : 0;
}

size_t segscore_mark_disagreeing(
    const uint8_t *block_marks, size_t side, segscore_classes predicted, segscore_classes labels, size_t count,
    int32_t ignored, uint8_t *marks) {
    return BY_CLASSES(
        mark_disagreeing, labels, block_marks, side, predicted.start, labels.start, count, ignored, marks);
}

void segscore_keep_class(
    uint8_t *marks, segscore_classes labels, segscore_classes predicted, size_t count, uint32_t class_index) {
    BY_CLASSES(keep_class, labels, marks, labels.start, predicted.start, count, class_index);
}

/* The loops over pixels alone, as the engine calls them for a block of images: no checks, no allocation, nothing that
 * is counted or told. `dask_blocks.py` builds it with the loops' own files, and measures the library against it. */
#include "CScoringKernels.h"

static const segscore_kernels *best(void) {
    size_t level = 0;
    while (segscore_kernels_at(level + 1)) level++;
    return segscore_kernels_at(level);
}

/* What `reduce` finds in float32 probabilities (images, classes, pixels), and the sums of labels of each image. */
void bare_reduce(
    float *probabilities, uint8_t *labels, size_t images, size_t classes, size_t pixels, float *own, float *largest,
    uint8_t *predicted, double *sums, int64_t *counts) {
    const segscore_kernels *loops = best();
    segscore_labels_kept kept = {(uint32_t)classes, -1};
    for (size_t image = 0; image < images; image++) {
        size_t first = image * pixels, clamped = 0;
        segscore_floats scores = {own + first, false}, maxima = {largest + first, false};
        segscore_classes codes = {labels + first, false}, classes_found = {predicted + first, false};
        for (size_t class = 0; class < classes; class++)
            loops->take(
                probabilities + (image * classes + class) * pixels, pixels, (uint32_t)class, codes, scores,
                classes_found, maxima, 1, &clamped);
        loops->first_label_outside(codes, pixels, kept);
        loops->sum_by_label(scores, codes, pixels, kept, sums + image * classes, counts + image * classes);
    }
}

size_t bare_confident(float *largest, uint8_t *predicted, uint8_t *labels, size_t count, size_t classes, double *thresholds) {
    segscore_labels_kept kept = {(uint32_t)classes, -1};
    return best()->count_confident(
        (segscore_floats){largest, false}, (segscore_classes){predicted, false}, (segscore_classes){labels, false},
        count, kept, thresholds);
}

void bare_histogram(
    float *own, uint8_t *labels, size_t count, uint64_t prefix, unsigned shift, unsigned width, uint64_t *counts) {
    segscore_labels_kept kept = {255, -1};
    best()->count_keys(
        (segscore_floats){own, false}, (segscore_classes){labels, false}, count, kept, 1, prefix, shift, width, counts);
}

size_t bare_mark(
    float *own, uint8_t *labels, uint8_t *predicted, size_t images, size_t pixels, double cut, uint8_t *candidates,
    uint8_t *mask) {
    const segscore_kernels *loops = best();
    segscore_labels_kept kept = {255, -1};
    size_t marked = 0;
    for (size_t image = 0; image < images; image++) {
        size_t first = image * pixels;
        segscore_classes codes = {labels + first, false};
        loops->mark_lowest((segscore_floats){own + first, false}, codes, pixels, kept, cut, pixels, candidates);
        marked += loops->mark_disagreeing(
            candidates, 1, (segscore_classes){predicted + first, false}, codes, pixels, 255, mask + first);
        marked += loops->count_class(codes, pixels, 255);
    }
    return marked;
}

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The loops over pixels. Source pointers need no alignment: they point into what the network delivered.

/// The types that elements come in.
typedef enum {
    SEGSCORE_BOOL,
    SEGSCORE_INT8,
    SEGSCORE_INT16,
    SEGSCORE_INT32,
    SEGSCORE_INT64,
    SEGSCORE_UINT8,
    SEGSCORE_UINT16,
    SEGSCORE_UINT32,
    SEGSCORE_UINT64,
    SEGSCORE_FLOAT16,
    SEGSCORE_FLOAT32,
    SEGSCORE_FLOAT64
} segscore_scalar;

/// Copies elements in the machine's byte order; float16 becomes float32 besides.
void segscore_to_native(const void *source, segscore_scalar type, bool swapped, size_t count, void *out);

/// Stores whole numbers in 0...limit as labels of one or two bytes, `stride` labels apart.
///
/// The source is in the machine's byte order, float16 already widened. Stops at the first element that is anything
/// else, and returns its index; `count` where there is none.
size_t segscore_narrow_labels_8(
    const void *source, segscore_scalar type, size_t count, uint8_t *labels, size_t stride, uint32_t limit);
size_t segscore_narrow_labels_16(
    const void *source, segscore_scalar type, size_t count, uint16_t *labels, size_t stride, uint32_t limit);

/// The index of the first label that is neither below `class_count` nor `ignored` (-1 for none); `count` where there is
/// none.
size_t segscore_first_label_outside_8(const uint8_t *labels, size_t count, uint32_t class_count, int32_t ignored);
size_t segscore_first_label_outside_16(const uint16_t *labels, size_t count, uint32_t class_count, int32_t ignored);

/// Keeps the probabilities of one class at the pixels that are labelled so; labels and scores stand `stride` apart.
///
/// Returns the index of the first probability that is not in [0, 1], NaN included; `count` where there is none.
size_t segscore_select_32_8(
    const void *source, size_t count, uint32_t class_index, const uint8_t *labels, float *scores, size_t stride);
size_t segscore_select_32_16(
    const void *source, size_t count, uint32_t class_index, const uint16_t *labels, float *scores, size_t stride);
size_t segscore_select_64_8(
    const void *source, size_t count, uint32_t class_index, const uint8_t *labels, double *scores, size_t stride);
size_t segscore_select_64_16(
    const void *source, size_t count, uint32_t class_index, const uint16_t *labels, double *scores, size_t stride);

/// Sets the scores of pixels labelled `ignored` to 1.
void segscore_ignore_32_8(float *scores, const uint8_t *labels, size_t count, int32_t ignored);
void segscore_ignore_32_16(float *scores, const uint16_t *labels, size_t count, int32_t ignored);
void segscore_ignore_64_8(double *scores, const uint8_t *labels, size_t count, int32_t ignored);
void segscore_ignore_64_16(double *scores, const uint16_t *labels, size_t count, int32_t ignored);

/// Softmin of the scores of pixels not labelled `ignored` (-1 for none); NaN where no pixel is left.
double segscore_softmin_32_8(
    const float *scores, const uint8_t *labels, size_t count, int32_t ignored, double temperature);
double segscore_softmin_32_16(
    const float *scores, const uint16_t *labels, size_t count, int32_t ignored, double temperature);
double segscore_softmin_64_8(
    const double *scores, const uint8_t *labels, size_t count, int32_t ignored, double temperature);
double segscore_softmin_64_16(
    const double *scores, const uint16_t *labels, size_t count, int32_t ignored, double temperature);

/// Copies scores to places `stride` apart.
void segscore_copy_32(const void *source, size_t count, float *scores, size_t stride);
void segscore_copy_64(const void *source, size_t count, double *scores, size_t stride);

/// Writes 1 where a score is below the threshold, 0 elsewhere.
void segscore_below_32(const float *scores, size_t count, double threshold, uint8_t *mask);
void segscore_below_64(const double *scores, size_t count, double threshold, uint8_t *mask);

/// How many scores are below the threshold.
size_t segscore_count_below_32(const float *scores, size_t count, double threshold);
size_t segscore_count_below_64(const double *scores, size_t count, double threshold);

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The loops over pixels, compiled for several levels of processors. Source pointers need no alignment: they point into what
/// the network delivered.

#pragma clang assume_nonnull begin

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

/// How far beyond [0, 1] rounding leads: a value within it counts as the nearer end.
#define SEGSCORE_ROUNDING 1e-5

/// Scores or probabilities: float64, or else float32.
typedef struct {
    void *start;
    bool is_double;
} segscore_floats;

/// Classes: two bytes each, or else one.
typedef struct {
    void *start;
    bool is_wide;
} segscore_classes;

/// Which labels take part: those below `class_count` but for `ignored`, which is -1 for none.
typedef struct {
    uint32_t class_count;
    int32_t ignored;
} segscore_labels_kept;

/// Where in a range a class is: from `first` to before `end`, with other classes between.
typedef struct {
    uint32_t class_index;
    uint32_t first;
    uint32_t end;
} segscore_extent;

/// The loops as they are compiled for one level. All levels give the same results, to the last bit but for `softmin` and
/// `exponentials`.
typedef struct {
    /// `plain`, `vector`, `avx2` or `avx512`.
    const char *name;

    // MARK: Elements

    /// Copies elements in the machine's byte order; float16 becomes float32 besides.
    void (*to_native)(const void *source, segscore_scalar type, bool swapped, size_t count, void *out);

    /// Copies scores to places `stride` apart.
    void (*copy)(const void *source, size_t count, segscore_floats scores, size_t stride);

    // MARK: Labels

    /// Stores whole numbers in 0...limit as labels, `stride` labels apart.
    ///
    /// The source is in the machine's byte order, float16 already widened. Stops at the first element that is anything
    /// else, and returns its index; `count` where there is none.
    size_t (*narrow_labels)(
        const void *source, segscore_scalar type, size_t count, segscore_classes labels, size_t stride, uint32_t
        limit);

    /// The index of the first label that is neither a class nor ignored; `count` where there is none.
    size_t (*first_label_outside)(segscore_classes labels, size_t count, segscore_labels_kept kept);

    /// The first label that is a class and not ignored; `count` where there is none.
    size_t (*first_label_kept)(segscore_classes labels, size_t count, segscore_labels_kept kept);

    /// How many labels are of a class.
    size_t (*count_class)(segscore_classes labels, size_t count, uint32_t class_index);

    /// The classes among labels, those that take part, each with its extents, between which more than `gap` labels are
    /// others'; returns how many extents there are.
    ///
    /// `places` has an element for each class, zero before and after; `extents` has room for all labels, or where no gap is
    /// large enough for all classes.
    size_t (*class_extents)(
        segscore_classes labels, size_t count, segscore_labels_kept kept, size_t gap, uint32_t *places,
        segscore_extent *extents);

    /// The labels of blocks of `side` × `side` pixels: the mean of the labels that take part, rounded half to even, and how
    /// many these are. Where there are none, the label is all ones.
    ///
    /// `labels` is `(height, width)`; `block_labels` and `counts` are `(height / side, width / side)`.
    void (*block_labels)(
        segscore_classes labels, size_t height, size_t width, size_t side, segscore_labels_kept kept,
        segscore_classes block_labels, uint32_t *counts);

    // MARK: Probabilities, as they stream by

    /// Takes the probabilities of one class. `scores` keeps those of the pixels that are labelled so, `largest` each pixel's
    /// largest so far and `predicted` its class, the first of equals; class 0, which comes first, starts them all.
    ///
    /// Labels, scores and predicted classes stand `stride` apart, largest probabilities `largest_stride`. Scores are in [0, 1];
    /// what is largest is so by the values as they came. Returns the index of the first probability that is further than
    /// rounding from [0, 1], NaN included; `count` where there is none. Adds to `clamped` how many are beyond [0, 1] ahead of it.
    size_t (*take)(
        const void *source, size_t count, uint32_t class_index, segscore_classes labels, segscore_floats scores,
        segscore_classes predicted, size_t stride, segscore_floats largest, size_t largest_stride, size_t *clamped);

    /// Keeps of one class's probabilities those of the pixels that are labelled so, and leaves other scores alone. Returns as
    /// `take` does.
    size_t (*take_own)(
        const void *source, size_t count, uint32_t class_index, segscore_classes labels, segscore_floats scores,
        size_t *clamped);

    /// Copies probabilities of which none is further than rounding from [0, 1], each to the nearest value in it.
    void (*clamp)(const void *source, size_t count, segscore_floats out);

    /// Adds the probabilities of part of a row, from `column` on, to the sums of the row's blocks of `side` columns.
    ///
    /// Only pixels whose label is not `ignored` (-1 for none) count.
    void (*add_row)(
        const void *source, bool is_double, size_t count, size_t column, size_t side, segscore_classes labels,
        int32_t ignored, double *sums);

    /// Adds one probability each to sums that stand `sum_stride` apart, their labels `label_stride`.
    void (*add_each)(
        const void *source, bool is_double, size_t count, segscore_classes labels, size_t label_stride, int32_t
        ignored, double *sums, size_t sum_stride);

    /// Takes the sums of one class over `count` blocks, as `take` takes probabilities: their means, and the means'
    /// totals over the classes. Sets the sums to zero.
    void (*take_blocks)(
        double *sums, const uint32_t *counts, size_t count, uint32_t class_index, segscore_classes labels, double
        *totals, double *scores, double *largest, segscore_classes predicted);

    /// Divides by totals; what has a total of zero becomes zero.
    void (*divide)(double *values, const double *totals, size_t count);

    // MARK: Whole images

    /// Sets the scores of pixels labelled `ignored` to 1.
    void (*ignore)(segscore_floats scores, segscore_classes labels, size_t count, int32_t ignored);

    /// Replaces each value by its exponential, within one unit in the last place.
    void (*exponentials)(double *values, size_t count);

    /// Softmin of the scores of pixels not labelled `ignored` (-1 for none); NaN where no pixel is left.
    double (*softmin)(
        segscore_floats scores, segscore_classes labels, size_t count, int32_t ignored, double temperature);

    /// Writes 1 where a score is below the threshold, 0 elsewhere.
    void (*below)(segscore_floats scores, size_t count, double threshold, uint8_t *mask);

    /// How many scores are below the threshold.
    size_t (*count_below)(segscore_floats scores, size_t count, double threshold);

    // MARK: Confident learning

    /// Adds each score to its label's sum, and one to its count.
    void (*sum_by_label)(
        segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double *sums,
        int64_t *counts);

    /// How many pixels are predicted as another class than their label with at least that class's threshold.
    size_t (*count_confident)(
        segscore_floats largest, segscore_classes predicted, segscore_classes labels, size_t count,
        segscore_labels_kept kept, const double *thresholds);

    /// Scores as whole numbers of the same order: their bits without the sign, since -0 is 0.
    ///
    /// Counts those up to `limit` of which the bits from `shift` + `width` on are `prefix`, by their `width` bits from `shift`
    /// on.
    void (*count_keys)(
        segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double limit,
        uint64_t prefix, unsigned shift, unsigned width, uint64_t *counts);

    /// How many scores equal `value`.
    size_t (*count_equal)(
        segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double value);

    /// Marks the scores that are below `cut`, and of those that equal it the first `ties`; returns how many these were.
    size_t (*mark_lowest)(
        segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double cut,
        size_t ties, uint8_t *marks);

    /// Marks the pixels of a row whose block is marked and which are predicted as another class than their label, `ignored`
    /// (-1 for none) excepted. Returns how many they are; `marks` may be the blocks' own where `side` is 1.
    size_t (*mark_disagreeing)(
        const uint8_t *block_marks, size_t side, segscore_classes predicted, segscore_classes labels, size_t count,
        int32_t ignored, uint8_t *marks);

    /// Takes the marks from all pixels that are neither labelled nor predicted as a class.
    void (*keep_class)(
        uint8_t *marks, segscore_classes labels, segscore_classes predicted, size_t count, uint32_t class_index);
} segscore_kernels;

/// The levels that this processor can run, from `plain`, which is the definition, to the best; NULL behind the last.
const segscore_kernels *_Nullable segscore_kernels_at(size_t index);

#pragma clang assume_nonnull end

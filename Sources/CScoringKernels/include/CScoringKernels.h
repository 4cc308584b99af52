#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The loops over pixels, compiled for several levels of processors. `loops.inl.h` is the list of them.
///
/// Source pointers need no alignment: they point into what the network delivered.

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
    SEGSCORE_BFLOAT16,
    SEGSCORE_FLOAT32,
    SEGSCORE_FLOAT64
} segscore_scalar;

/// What is made of each value on its own: the nearest value in [0, 1]; of a probability p, 1 - p; of a logit x,
/// 1 / (1 + exp(-x)), or 1 less that.
typedef enum {
    SEGSCORE_CLAMP,
    SEGSCORE_COMPLEMENT,
    SEGSCORE_LOGISTIC,
    SEGSCORE_LOGISTIC_COMPLEMENT
} segscore_conversion;

/// How far rounding may lead a probability beyond [0, 1]: up to so far it counts as the nearer end.
#define SEGSCORE_ROUNDING 1e-5

/// Scores or probabilities: float64, or else float32.
typedef struct {
    void *_Nonnull start;
    bool is_double;
} segscore_floats;

/// Classes: two bytes each, or else one.
typedef struct {
    void *_Nonnull start;
    bool is_wide;
} segscore_classes;

/// Which labels take part: those below `class_count` except `ignored`, which is -1 for none.
typedef struct {
    uint32_t class_count;
    int32_t ignored;
} segscore_labels_kept;

/// A part of a range that holds pixels of a class, from `first` to before `end`; others may lie between them.
typedef struct {
    uint32_t class_index;
    uint32_t first;
    uint32_t end;
} segscore_extent;

/// Neighbouring marked pixels of a row that have the same label and the same predicted class, from `first` to before
/// `end`.
typedef struct {
    uint32_t first;
    uint32_t end;
    /// The label in the upper 16 bits, the predicted class in the lower.
    uint32_t pair;
    /// The side of the largest square of such pixels whose lower row is in the run.
    uint32_t side;
    /// Sums over the pixels of their scores, their largest probabilities, and of those that count their squared margins.
    double own;
    double largest;
    double mass;
} segscore_run;

/// What is known of a pixel of the row above: its pair, and the side of the largest square of such pixels whose lower
/// right corner it is; both 0 if it is not marked.
typedef struct {
    uint32_t pair;
    uint32_t side;
} segscore_corner;

/// The loops as they are compiled for one level. All levels give the same results; only of `softmin`, `exponentials`
/// and what `take_values` sums up for a softmax the last bits may differ.
typedef struct {
    /// `plain`, `vector`, `avx2` or `avx512`.
    const char *_Nonnull name;

#define SEGSCORE_LOOP(RESULT, NAME, PARAMETERS) RESULT(*_Nonnull NAME) PARAMETERS;
#include "../loops.inl.h"
} segscore_kernels;

/// The levels that this processor can run, from `plain`, which is the definition, to the best; NULL behind the last.
const segscore_kernels *_Nullable segscore_kernels_at(size_t index);

/// The list of all loops. It is included wherever something is made for each of them: the members of
/// `segscore_kernels`, and in `level.inl.h` the functions and the table of a level. A new loop is an entry here, the
/// loop itself in `loops/`, and its call in `Scoring/Kernels`.
///
///     SEGSCORE_LOOP(result, name, (parameters))
///     SEGSCORE_TYPED_LOOP(result, name, choice, (flags), (parameters), (arguments))
///
/// A typed loop is compiled for each type of scores, of classes, or of both: `BY_SCORES`, `BY_CLASSES`, `BY_BOTH`. The
/// flags tell which types a call is for, and the loop for these types is called with the arguments.

#pragma clang assume_nonnull begin

#ifndef SEGSCORE_TYPED_LOOP
#define SEGSCORE_TYPED_LOOP(RESULT, NAME, CHOICE, FLAGS, PARAMETERS, ARGUMENTS) SEGSCORE_LOOP(RESULT, NAME, PARAMETERS)
#endif

// MARK: Elements

/// Copies elements in the machine's byte order; float16 and bfloat16 become float32 besides.
SEGSCORE_LOOP(
    void, to_native, (const void *source, segscore_scalar type, bool swapped, size_t count, void *out))

/// Copies scores to places `stride` apart.
SEGSCORE_TYPED_LOOP(
    void, copy, BY_SCORES, (scores.is_double),
    (const void *source, size_t count, segscore_floats scores, size_t stride),
    (source, count, scores.start, stride))

// MARK: Labels

/// Stores whole numbers in 0...limit as labels, `stride` labels apart. The limit is at least half of the largest label.
///
/// The source is in the machine's byte order, float16 and bfloat16 already widened. The loop stops at the first element
/// that is anything else, and returns its index, or `count` if there is none.
SEGSCORE_TYPED_LOOP(
    size_t, narrow_labels, BY_CLASSES, (labels.is_wide),
    (const void *source, segscore_scalar type, size_t count, segscore_classes labels, size_t stride, uint32_t limit),
    (source, type, count, labels.start, stride, limit))

/// Stores for each label the lower bits of its entry in a table, which has one for each label of the source's type. Both
/// arrays have their labels `stride` apart, and they may be the same array. Returns the bits that any of these entries
/// has.
SEGSCORE_TYPED_LOOP(
    uint32_t, map_labels, BY_CLASSES, (labels.is_wide),
    (segscore_classes source, size_t count, size_t stride, const uint32_t *entries, segscore_classes labels),
    (source, count, stride, entries, labels.start))

/// The index of the first label that is neither a class nor ignored; `count` if there is none.
SEGSCORE_TYPED_LOOP(
    size_t, first_label_outside, BY_CLASSES, (labels.is_wide),
    (segscore_classes labels, size_t count, segscore_labels_kept kept),
    (labels.start, count, kept))

/// The index of the first label that is a class and not ignored; `count` if there is none.
SEGSCORE_TYPED_LOOP(
    size_t, first_label_kept, BY_CLASSES, (labels.is_wide),
    (segscore_classes labels, size_t count, segscore_labels_kept kept),
    (labels.start, count, kept))

/// How many labels are of a class.
SEGSCORE_TYPED_LOOP(
    size_t, count_class, BY_CLASSES, (labels.is_wide),
    (segscore_classes labels, size_t count, uint32_t class_index),
    (labels.start, count, class_index))

/// The classes among the labels that take part, each with its extents: between two extents of a class lie more than
/// `gap` labels of others. Returns how many extents there are.
///
/// `places` has an element for each class, zero before and after. `extents` has room for as many as there are labels,
/// or as there are classes if no gap can be large enough.
SEGSCORE_TYPED_LOOP(
    size_t, class_extents, BY_CLASSES, (labels.is_wide),
    (segscore_classes labels, size_t count, segscore_labels_kept kept, size_t gap, uint32_t *places,
     segscore_extent *extents),
    (labels.start, count, kept, gap, places, extents))

/// The labels of blocks of `side` × `side` pixels: the mean of the labels that take part, rounded half to even, and how
/// many these are. If there are none, the block's label is all ones.
///
/// `labels` is `(height, width)`; `block_labels` and `counts` are `(height / side, width / side)`.
SEGSCORE_TYPED_LOOP(
    void, block_labels, BY_CLASSES, (labels.is_wide),
    (segscore_classes labels, size_t height, size_t width, size_t side, segscore_labels_kept kept,
     segscore_classes block_labels, uint32_t *counts),
    (labels.start, height, width, side, kept, block_labels.start, counts))

// MARK: Probabilities, as they stream by

/// Takes the probabilities of one class. `scores` keeps those of the pixels that are labelled so, `largest` each
/// pixel's largest so far and `predicted` its class, the first of equals; class 0, which comes first, starts them all.
///
/// Labels, scores, predicted classes and largest probabilities stand `stride` apart. Scores are in [0, 1]; probabilities
/// are compared as they came. Returns the index of the first probability that is further than rounding from [0, 1], NaN
/// included, or `count` if there is none. Adds to `clamped` how many ahead of it are beyond [0, 1].
SEGSCORE_TYPED_LOOP(
    size_t, take, BY_BOTH, (scores.is_double, labels.is_wide),
    (const void *source, size_t count, uint32_t class_index, segscore_classes labels, segscore_floats scores,
     segscore_classes predicted, segscore_floats largest, size_t stride, size_t *clamped),
    (source, count, class_index, labels.start, scores.start, predicted.start, largest.start, stride, clamped))

/// Keeps of one class's probabilities those of the pixels that are labelled so, and leaves other scores alone. Returns
/// as `take` does.
SEGSCORE_TYPED_LOOP(
    size_t, take_own, BY_BOTH, (scores.is_double, labels.is_wide),
    (const void *source, size_t count, uint32_t class_index, segscore_classes labels, segscore_floats scores,
     size_t *clamped),
    (source, count, class_index, labels.start, scores.start, clamped))

/// Copies probabilities to places `stride` apart. Those beyond [0, 1] by no more than rounding become the nearer end if
/// they are to be clamped. Returns as `take` does.
SEGSCORE_TYPED_LOOP(
    size_t, take_scores, BY_SCORES, (scores.is_double),
    (const void *source, size_t count, bool clamps, segscore_floats scores, size_t stride, size_t *clamped),
    (source, count, clamps, scores.start, stride, clamped))

/// The index of the first pixel whose own probability is larger than its largest, or is another one although its label
/// is predicted, by more than rounding; `count` if there is none. Pixels labelled `ignored` (-1 for none) may have any.
SEGSCORE_TYPED_LOOP(
    size_t, first_unlike, BY_BOTH, (scores.is_double, labels.is_wide),
    (segscore_floats scores, segscore_floats largest, segscore_classes predicted, segscore_classes labels, size_t count,
     int32_t ignored),
    (scores.start, largest.start, predicted.start, labels.start, count, ignored))

/// Makes of each value another one, which is computed in float64.
SEGSCORE_TYPED_LOOP(
    void, convert, BY_SCORES, (out.is_double),
    (const void *source, size_t count, segscore_conversion conversion, segscore_floats out),
    (source, count, conversion, out.start))

/// Takes the values of one class as `take` takes probabilities: logits, or weights that are no probabilities before
/// they have been divided by their sum. Scores and largest values stay as they came until `normalise` is called.
///
/// Labels, scores, predicted classes and largest values stand `stride` apart. `sums` has an element for each pixel: of
/// weights their sum, of logits that of exp(x), or of exp(x - m) if the largest so far, m, is far from 0. Returns the
/// index of the first logit that is NaN or infinite, minus infinity excepted, or of the first weight that is not finite
/// or is negative; `count` if there is none. Values from there on are not taken.
SEGSCORE_TYPED_LOOP(
    size_t, take_values, BY_BOTH, (scores.is_double, labels.is_wide),
    (const void *source, size_t count, uint32_t class_index, bool is_logit, segscore_classes labels,
     segscore_floats scores, segscore_classes predicted, segscore_floats largest, size_t stride, double *sums),
    (source, count, class_index, is_logit, labels.start, scores.start, predicted.start, largest.start, stride, sums))

/// Turns the scores and largest values of pixels, of which all classes have been taken, into probabilities, or leaves
/// them as they are.
///
/// Returns the index of the first pixel that has none, since all its logits are minus infinity, or the sum of its
/// weights is 0 or infinite; `count` if there is none. Pixels from there on stay as they are.
SEGSCORE_TYPED_LOOP(
    size_t, normalise, BY_SCORES, (scores.is_double),
    (size_t count, bool is_logit, bool keeps_values, segscore_floats scores, segscore_floats largest, size_t stride,
     const double *sums),
    (count, is_logit, keeps_values, scores.start, largest.start, stride, sums))

/// Makes probabilities of the values of neighbouring pixels, whose largest values and sums `take_values` has found.
SEGSCORE_TYPED_LOOP(
    void, divide_values, BY_SCORES, (out.is_double),
    (const void *source, size_t count, bool is_logit, segscore_floats largest, const double *sums, segscore_floats out),
    (source, count, is_logit, largest.start, sums, out.start))

/// Adds the probabilities of part of a row, from `column` on, to the sums of the row's blocks of `side` columns.
///
/// Only pixels whose label is not `ignored` (-1 for none) count.
SEGSCORE_TYPED_LOOP(
    void, add_row, BY_BOTH, (is_double, labels.is_wide),
    (const void *source, bool is_double, size_t count, size_t column, size_t side, segscore_classes labels,
     int32_t ignored, double *sums),
    (source, count, column, side, labels.start, ignored, sums))

/// Adds one probability each to sums that stand `sum_stride` apart, their labels `label_stride`.
SEGSCORE_TYPED_LOOP(
    void, add_each, BY_BOTH, (is_double, labels.is_wide),
    (const void *source, bool is_double, size_t count, segscore_classes labels, size_t label_stride, int32_t ignored,
     double *sums, size_t sum_stride),
    (source, count, labels.start, label_stride, ignored, sums, sum_stride))

/// Takes the sums of one class over `count` blocks, as `take` takes probabilities: their means, and the means' totals
/// over the classes. Sets the sums to zero.
SEGSCORE_TYPED_LOOP(
    void, take_blocks, BY_CLASSES, (labels.is_wide),
    (double *sums, const uint32_t *counts, size_t count, uint32_t class_index, segscore_classes labels, double *totals,
     double *scores, double *largest, segscore_classes predicted),
    (sums, counts, count, class_index, labels.start, totals, scores, largest, predicted.start))

/// Divides values by totals; a value with a total of zero becomes zero.
SEGSCORE_LOOP(void, divide, (double *values, const double *totals, size_t count))

// MARK: Grids

/// Makes each value of a row of two of another row's values, each times its weight, which is a value of the rows' type.
SEGSCORE_TYPED_LOOP(
    void, sample_row, BY_SCORES, (out.is_double),
    (const void *source, const uint32_t *lower, const uint32_t *upper, const void *lower_weights,
     const void *upper_weights, size_t count, segscore_floats out),
    (source, lower, upper, lower_weights, upper_weights, count, out.start))

/// Makes a row of values that lie at some places of another row.
SEGSCORE_TYPED_LOOP(
    void, pick_row, BY_SCORES, (out.is_double),
    (const void *source, const uint32_t *places, size_t count, segscore_floats out),
    (source, places, count, out.start))

/// Adds two rows, value by value, each times its weight, which is a value of the rows' type.
SEGSCORE_TYPED_LOOP(
    void, mix_rows, BY_SCORES, (out.is_double),
    (const void *lower, const void *upper, double lower_weight, double upper_weight, size_t count, segscore_floats out),
    (lower, upper, lower_weight, upper_weight, count, out.start))

/// Brings `count` pixels of `channels` values each into the order `(channels, count)`.
SEGSCORE_TYPED_LOOP(
    void, take_apart, BY_SCORES, (out.is_double),
    (const void *source, size_t count, size_t channels, segscore_floats out),
    (source, count, channels, out.start))

// MARK: Whole images

/// Sets the scores of pixels labelled `ignored` to 1.
SEGSCORE_TYPED_LOOP(
    void, ignore, BY_BOTH, (scores.is_double, labels.is_wide),
    (segscore_floats scores, segscore_classes labels, size_t count, int32_t ignored),
    (scores.start, labels.start, count, ignored))

/// Replaces each value by its exponential, within one unit in the last place.
SEGSCORE_LOOP(void, exponentials, (double *values, size_t count))

/// Softmin of the scores of pixels not labelled `ignored` (-1 for none); NaN if no pixel is left.
SEGSCORE_TYPED_LOOP(
    double, softmin, BY_BOTH, (scores.is_double, labels.is_wide),
    (segscore_floats scores, segscore_classes labels, size_t count, int32_t ignored, double temperature),
    (scores.start, labels.start, count, ignored, temperature))

/// Writes 1 for each score below the threshold, 0 for each other.
SEGSCORE_TYPED_LOOP(
    void, below, BY_SCORES, (scores.is_double),
    (segscore_floats scores, size_t count, double threshold, uint8_t *mask),
    (scores.start, count, threshold, mask))

/// How many scores are below the threshold.
SEGSCORE_TYPED_LOOP(
    size_t, count_below, BY_SCORES, (scores.is_double),
    (segscore_floats scores, size_t count, double threshold),
    (scores.start, count, threshold))

// MARK: Confident learning

/// Adds each score to its label's sum, and one to its count.
SEGSCORE_TYPED_LOOP(
    void, sum_by_label, BY_BOTH, (scores.is_double, labels.is_wide),
    (segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double *sums,
     int64_t *counts),
    (scores.start, labels.start, count, kept, sums, counts))

/// How many pixels are predicted as another class than their label with at least that class's threshold.
SEGSCORE_TYPED_LOOP(
    size_t, count_confident, BY_BOTH, (largest.is_double, labels.is_wide),
    (segscore_floats largest, segscore_classes predicted, segscore_classes labels, size_t count,
     segscore_labels_kept kept, const double *thresholds),
    (largest.start, predicted.start, labels.start, count, kept, thresholds))

/// Counts scores by some of their bits: a score's bits without the sign, since -0 is 0, are a whole number, and these
/// numbers are ordered as the scores are.
///
/// Of the scores up to `limit` the loop counts those whose bits from `shift` + `width` on are `prefix`, by their
/// `width` bits from `shift` on.
SEGSCORE_TYPED_LOOP(
    void, count_keys, BY_BOTH, (scores.is_double, labels.is_wide),
    (segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double limit,
     uint64_t prefix, unsigned shift, unsigned width, uint64_t *counts),
    (scores.start, labels.start, count, kept, limit, prefix, shift, width, counts))

/// How many scores equal `value`.
SEGSCORE_TYPED_LOOP(
    size_t, count_equal, BY_BOTH, (scores.is_double, labels.is_wide),
    (segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double value),
    (scores.start, labels.start, count, kept, value))

/// Marks the scores that are below `cut`, and of those that equal it the first `ties`; returns how many these were.
SEGSCORE_TYPED_LOOP(
    size_t, mark_lowest, BY_BOTH, (scores.is_double, labels.is_wide),
    (segscore_floats scores, segscore_classes labels, size_t count, segscore_labels_kept kept, double cut, size_t ties,
     uint8_t *marks),
    (scores.start, labels.start, count, kept, cut, ties, marks))

/// Marks the pixels of a row whose block is marked and which are predicted as another class than their label, unless
/// the label is `ignored` (-1 for none). Returns how many they are; `marks` may be the blocks' own if `side` is 1.
SEGSCORE_TYPED_LOOP(
    size_t, mark_disagreeing, BY_CLASSES, (labels.is_wide),
    (const uint8_t *block_marks, size_t side, segscore_classes predicted, segscore_classes labels, size_t count,
     int32_t ignored, uint8_t *marks),
    (block_marks, side, predicted.start, labels.start, count, ignored, marks))

/// Takes the marks from all pixels that are neither labelled nor predicted as a class.
SEGSCORE_TYPED_LOOP(
    void, keep_class, BY_CLASSES, (labels.is_wide),
    (uint8_t *marks, segscore_classes labels, segscore_classes predicted, size_t count, uint32_t class_index),
    (marks, labels.start, predicted.start, count, class_index))

// MARK: Margins

/// Marks the pixels of a row that are predicted as another class than their label, unless the label is `ignored` (-1
/// for none). Returns how many they are.
SEGSCORE_TYPED_LOOP(
    size_t, disagreeing, BY_CLASSES, (labels.is_wide),
    (segscore_classes predicted, segscore_classes labels, size_t count, int32_t ignored, uint8_t *marks),
    (predicted.start, labels.start, count, ignored, marks))

/// Keeps the marks of a row whose eight neighbours are marked too; what is outside counts as marked, as does a row that
/// is NULL. `scratch` has room for a row. Returns how many marks are kept.
SEGSCORE_LOOP(
    size_t, erode,
    (const uint8_t *_Nullable above, const uint8_t *row, const uint8_t *_Nullable below, size_t count,
     uint8_t *scratch, uint8_t *marks))

/// The sum of the marked pixels' squared margins, which is added up from the first to the last: ln(largest / own)², of
/// which either is at least `floor`.
SEGSCORE_TYPED_LOOP(
    double, sum_margins, BY_SCORES, (scores.is_double),
    (segscore_floats scores, segscore_floats largest, const uint8_t *marks, size_t count, double floor),
    (scores.start, largest.start, marks, count, floor))

// MARK: Regions

/// The runs of a row's marked pixels, each of which is predicted as another class than its label. Returns how many there
/// are; `runs` has room for one a pixel.
///
/// `above` is what the loop wrote to `corners` for the row above; NULL if there is none. The first `old_count` of `runs`
/// are those that the loop found when it last wrote to these `corners`, all of which are 0 to begin with. Pixels count
/// that are marked in `counting` too, none if it is NULL; `floor` is that of `sum_margins`.
SEGSCORE_TYPED_LOOP(
    size_t, find_runs, BY_BOTH, (scores.is_double, labels.is_wide),
    (const uint8_t *marks, const uint8_t *_Nullable counting, segscore_floats scores, segscore_floats largest,
     segscore_classes labels, segscore_classes predicted, size_t count, double floor,
     const segscore_corner *_Nullable above, segscore_corner *corners, segscore_run *runs, size_t old_count),
    (marks, counting, scores.start, largest.start, labels.start, predicted.start, count, floor, above, corners, runs,
     old_count))

#pragma clang assume_nonnull end

#undef SEGSCORE_LOOP
#undef SEGSCORE_TYPED_LOOP

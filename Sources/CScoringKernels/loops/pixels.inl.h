/// Loops over scores and classes, for one pair of types: `SCORE`, `CLASS`, and `NAME` for the functions' names.

/// The bits of a score as a whole number. Those of scores in [0, 1] are at most those of 1, and all others are larger;
/// -0, which is 0, is among the others.
static KEY NAME(bits)(SCORE score) {
    KEY bits;
    memcpy(&bits, &score, sizeof bits);
    return bits;
}

static SCORE NAME(load)(const char *from, size_t index) {
    SCORE value;
    memcpy(&value, from + index * sizeof value, sizeof value);
    return value;
}

/// A second look at probabilities, if the greatest bits tell that one of them is beyond [0, 1] or -0. Scores that were
/// taken from values beyond it by no more than rounding become the nearer end. Returns as `take` does.
__attribute__((noinline, cold)) static size_t NAME(settle)(
    const char *from, size_t count, CLASS class_index, const CLASS *labels, SCORE *scores, size_t stride,
    size_t *clamped) {
    // The bounds are rounded as the values are, so that a value at a bound is within it.
    const SCORE least = (SCORE)-SEGSCORE_ROUNDING, most = (SCORE)(1 + SEGSCORE_ROUNDING);
    size_t found = 0;
    size_t i = 0;
    for (; i < count; i++) {
        SCORE value = NAME(load)(from, i);
        if (value >= 0 && value <= 1) continue;
        if (!(value >= least && value <= most)) break;
        found += 1;
        if (labels[i * stride] == class_index) scores[i * stride] = value < 0 ? 0 : 1;
    }
    *clamped += found;
    return i;
}

#if defined(LANES)
typedef SCORE NAME(scores_v) __attribute__((ext_vector_type(LANES)));
typedef KEY NAME(keys_v) __attribute__((ext_vector_type(LANES)));
typedef CLASS NAME(classes_v) __attribute__((ext_vector_type(LANES)));
typedef __typeof__((NAME(scores_v))0 == (NAME(scores_v))0) NAME(score_mask_v);
typedef __typeof__((NAME(classes_v))0 == (NAME(classes_v))0) NAME(class_mask_v);

/// Does as `take` does for neighbouring pixels, many at a time, up to the last whole vector. Returns the greatest bits
/// of a probability.
///
/// Compilers do not find these vectors by themselves, since they turn choices into jumps.
static KEY NAME(take_vectors)(
    const char *from, size_t count, CLASS class_index, const CLASS *labels, SCORE *scores, CLASS *predicted,
    SCORE *largest) {
    NAME(keys_v) greatest = 0;
    NAME(classes_v) class_v = class_index;
    for (size_t i = 0; i + LANES <= count; i += LANES) {
        NAME(scores_v) value, score, most;
        NAME(classes_v) label, most_probable;
        memcpy(&value, from + i * sizeof(SCORE), sizeof value);
        memcpy(&label, labels + i, sizeof label);
        NAME(keys_v) bits = (NAME(keys_v))value;
        greatest = bits > greatest ? bits : greatest;

        NAME(class_mask_v) is_own = label == class_v;
        memcpy(&score, scores + i, sizeof score);
        if (class_index == 0) score = 0;
        score = __builtin_convertvector(is_own, NAME(score_mask_v)) ? value : score;
        memcpy(scores + i, &score, sizeof score);

        if (class_index == 0) {
            memcpy(largest + i, &value, sizeof value);
            memcpy(predicted + i, &class_v, sizeof class_v);
            continue;
        }
        memcpy(&most, largest + i, sizeof most);
        memcpy(&most_probable, predicted + i, sizeof most_probable);
        NAME(score_mask_v) is_larger = value > most;
        most = is_larger ? value : most;
        most_probable = __builtin_convertvector(is_larger, NAME(class_mask_v)) ? class_v : most_probable;
        memcpy(largest + i, &most, sizeof most);
        memcpy(predicted + i, &most_probable, sizeof most_probable);
    }
    KEY result = 0;
    for (size_t lane = 0; lane < LANES; lane++)
        if (greatest[lane] > result) result = greatest[lane];
    return result;
}
#endif

static size_t NAME(take)(
    const void *source, size_t count, uint32_t class_index, const CLASS *labels, SCORE *scores, CLASS *predicted,
    SCORE *largest, size_t stride, size_t *clamped) {
    const char *from = source;
    KEY greatest = 0;
    size_t start = 0;
#if defined(LANES)
    if (stride == 1) {
        greatest = NAME(take_vectors)(from, count, (CLASS)class_index, labels, scores, predicted, largest);
        start = count - count % LANES;
    }
#endif
    for (size_t i = start; i < count; i++) {
        SCORE value = NAME(load)(from, i);
        KEY bits = NAME(bits)(value);
        greatest = bits > greatest ? bits : greatest;
        if (labels[i * stride] == class_index) {
            scores[i * stride] = value;
        } else if (class_index == 0) {
            scores[i * stride] = 0;
        }
        if (class_index == 0 || value > largest[i * stride]) {
            largest[i * stride] = value;
            predicted[i * stride] = (CLASS)class_index;
        }
    }
    if (greatest <= NAME(bits)(1)) return count;
    return NAME(settle)(from, count, (CLASS)class_index, labels, scores, stride, clamped);
}

#if defined(LANES)
#define OWN_BLOCK (4 * LANES)

/// Does as `take_own` does, many pixels at a time, up to the last whole block. Returns the greatest bits of a probability.
///
/// Most labels are of other classes, and neighbours are alike: they are narrow, and looked for a block at a time.
static KEY NAME(take_own_vectors)(
    const char *from, size_t count, CLASS class_index, const CLASS *labels, SCORE *scores) {
    NAME(keys_v) greatest = 0;
    NAME(classes_v) class_v = class_index;
    for (size_t start = 0; start + OWN_BLOCK <= count; start += OWN_BLOCK) {
        CLASS any = 0;
        for (size_t i = start; i < start + OWN_BLOCK; i++) any |= (CLASS)(labels[i] == class_index);
        for (size_t i = start; i < start + OWN_BLOCK; i += LANES) {
            NAME(keys_v) bits;
            memcpy(&bits, from + i * sizeof(SCORE), sizeof bits);
            greatest = bits > greatest ? bits : greatest;
        }
        if (!any) continue;
        for (size_t i = start; i < start + OWN_BLOCK; i += LANES) {
            NAME(scores_v) value, score;
            NAME(classes_v) label;
            memcpy(&value, from + i * sizeof(SCORE), sizeof value);
            memcpy(&label, labels + i, sizeof label);
            memcpy(&score, scores + i, sizeof score);
            NAME(class_mask_v) is_own = label == class_v;
            score = __builtin_convertvector(is_own, NAME(score_mask_v)) ? value : score;
            memcpy(scores + i, &score, sizeof score);
        }
    }
    KEY result = 0;
    for (size_t lane = 0; lane < LANES; lane++)
        if (greatest[lane] > result) result = greatest[lane];
    return result;
}
#endif

static size_t NAME(take_own)(
    const void *source, size_t count, CLASS class_index, const CLASS *labels, SCORE *scores, size_t *clamped) {
    const char *from = source;
    KEY greatest = 0;
    size_t start = 0;
#if defined(LANES)
    greatest = NAME(take_own_vectors)(from, count, class_index, labels, scores);
    start = count - count % OWN_BLOCK;
#endif
    for (size_t i = start; i < count; i++) {
        SCORE value = NAME(load)(from, i);
        KEY bits = NAME(bits)(value);
        greatest = bits > greatest ? bits : greatest;
        scores[i] = labels[i] == class_index ? value : scores[i];
    }
    return greatest > NAME(bits)(1) ? NAME(settle)(from, count, class_index, labels, scores, 1, clamped) : count;
}

static void NAME(add_row)(
    const void *source, size_t count, size_t column, size_t side, const CLASS *labels, int32_t ignored,
    double *sums) {
    const char *from = source;
    size_t block = column / side, left = side - column % side;
    for (size_t i = 0; i < count; block++, left = side) {
        size_t end = left < count - i ? i + left : count;
        double sum = sums[block];
        for (; i < end; i++) {
            sum += labels[i] == ignored ? 0 : (double)NAME(load)(from, i);
        }
        sums[block] = sum;
    }
}

static void NAME(add_each)(
    const void *source, size_t count, const CLASS *labels, size_t label_stride, int32_t ignored, double *sums,
    size_t sum_stride) {
    const char *from = source;
    for (size_t i = 0; i < count; i++)
        if (labels[i * label_stride] != ignored) sums[i * sum_stride] += (double)NAME(load)(from, i);
}

static void NAME(ignore)(SCORE *scores, const CLASS *labels, size_t count, int32_t ignored) {
    for (size_t i = 0; i < count; i++) scores[i] = labels[i] == ignored ? 1 : scores[i];
}

/// Whether a pixel's own and largest probabilities cannot both be. The largest may be beyond [0, 1] by rounding, and its
/// own is not.
static int NAME(is_unlike)(SCORE own, SCORE most, CLASS predicted, CLASS label, int32_t ignored) {
    const SCORE rounding = (SCORE)SEGSCORE_ROUNDING;
    most = most < 0 ? 0 : most > 1 ? 1 : most;
    return (label != ignored) & ((own > most + rounding) | ((label == predicted) & (own < most - rounding)));
}

static size_t NAME(first_unlike)(
    const SCORE *scores, const SCORE *largest, const CLASS *predicted, const CLASS *labels, size_t count,
    int32_t ignored) {
    enum { BLOCK = 256 };
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t end = count - start < BLOCK ? count : start + BLOCK;
        int any = 0;
        for (size_t i = start; i < end; i++)
            any |= NAME(is_unlike)(scores[i], largest[i], predicted[i], labels[i], ignored);
        if (!any) continue;
        for (size_t i = start; i < end; i++)
            if (NAME(is_unlike)(scores[i], largest[i], predicted[i], labels[i], ignored)) return i;
    }
    return count;
}

static double NAME(softmin)(
    const SCORE *scores, const CLASS *labels, size_t count, int32_t ignored, double temperature) {
    // Scores are not negative, so that they are ordered as their bits are, whose least compilers can find in vectors.
    SCORE least = INFINITY;
    KEY least_bits = NAME(bits)(least);
    for (size_t i = 0; i < count; i++) {
        KEY bits = NAME(bits)(scores[i]) & ((KEY)-1 >> 1);
        bits = labels[i] == ignored ? NAME(bits)(INFINITY) : bits;
        least_bits = bits < least_bits ? bits : least_bits;
    }
    memcpy(&least, &least_bits, sizeof least);
    // At temperatures below the bound every score but the least weighs nothing, and the inverse would be infinite.
    // Scores are up to 1, so that exponents are up to the inverse.
    double scale = 1 / fmax(temperature, 0x1p-1000);
    double weight = 0, product = 0;
    size_t i = 0;
#if defined(LANES)
    numbers_v weights = 0, products = 0;
    for (; i + LANES <= count; i += LANES) {
        NAME(scores_v) narrow;
        NAME(classes_v) label;
        memcpy(&narrow, scores + i, sizeof narrow);
        memcpy(&label, labels + i, sizeof label);
        numbers_v score = __builtin_convertvector(narrow, numbers_v);
        numbers_v lane = ((double)least - score) * scale;
        if (scale <= NEAR)
            near_exponential(&lane);
        else
            exponential(&lane);
        if (ignored >= 0) {
            NAME(class_mask_v) is_ignored = label == (CLASS)ignored;
            lane = __builtin_convertvector(is_ignored, number_mask_v) ? (numbers_v)0 : lane;
        }
        weights += lane;
        products += lane * score;
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        weight += weights[lane];
        product += products[lane];
    }
#endif
    for (; i < count; i++) {
        if (labels[i] == ignored) continue;
        double term = exp(((double)least - (double)scores[i]) * scale);
        weight += term;
        product += term * (double)scores[i];
    }
    return product / weight;
}

static bool NAME(is_kept)(CLASS label, segscore_labels_kept kept) {
    return label < kept.class_count && label != kept.ignored;
}

static void NAME(sum_by_label)(
    const SCORE *scores, const CLASS *labels, size_t count, segscore_labels_kept kept, double *sums,
    int64_t *counts) {
    // Neighbours mostly share a label. A group that does is added up in registers, since additions to the same sum in
    // memory would have to wait for each other.
    for (size_t i = 0; i < count;) {
        CLASS label = labels[i];
        size_t end = i + 1;
        double sum = (double)scores[i];
        if (count - i > GROUP && memcmp(labels + i, labels + i + 1, GROUP * sizeof(CLASS)) == 0) {
            double parts[4] = {0};
            for (size_t j = 0; j < GROUP; j += 4)
                for (size_t lane = 0; lane < 4; lane++) parts[lane] += (double)scores[i + j + lane];
            sum = (parts[0] + parts[1]) + (parts[2] + parts[3]);
            end = i + GROUP;
        }
        if (NAME(is_kept)(label, kept)) {
            sums[label] += sum;
            counts[label] += (int64_t)(end - i);
        }
        i = end;
    }
}

static size_t NAME(count_confident)(
    const SCORE *largest, const CLASS *predicted, const CLASS *labels, size_t count, segscore_labels_kept kept,
    const double *thresholds) {
    size_t result = 0;
    for (size_t start = 0; start < count; start += GROUP) {
        size_t end = count - start < GROUP ? count : start + GROUP;
        // Most pixels are predicted as what they are labelled.
        if (end - start == GROUP && memcmp(predicted + start, labels + start, GROUP * sizeof(CLASS)) == 0) continue;
        for (size_t i = start; i < end; i++)
            if (predicted[i] != labels[i] && NAME(is_kept)(labels[i], kept))
                result += (double)largest[i] >= thresholds[predicted[i]];
    }
    return result;
}

static uint64_t NAME(key)(SCORE score) { return NAME(bits)(score) & ((KEY)-1 >> 1); }

/// Whether any of a group of scores is at most `limit`. Most groups have none, and are passed over.
static bool NAME(any_within)(const SCORE *scores, SCORE limit) {
    int result = 0;
    for (size_t i = 0; i < GROUP; i++) result |= scores[i] <= limit;
    return result;
}

/// Whether any of a group of scores has bits from `first` to `last`, both of numbers above 0.
static bool NAME(any_between)(const SCORE *scores, KEY first, KEY last) {
    int result = 0;
    for (size_t i = 0; i < GROUP; i++) {
        KEY bits = NAME(bits)(scores[i]);
        result |= (bits >= first) & (bits <= last);
    }
    return result;
}

static void NAME(count_keys)(
    const SCORE *scores, const CLASS *labels, size_t count, segscore_labels_kept kept, double limit, uint64_t prefix,
    unsigned shift, unsigned width, uint64_t *counts) {
    uint64_t mask = ((uint64_t)1 << width) - 1;
    KEY first = (KEY)(prefix << width << shift), last = first | (KEY)((mask << shift) | (((uint64_t)1 << shift) - 1));
    for (size_t start = 0; start < count; start += GROUP) {
        size_t end = count - start < GROUP ? count : start + GROUP;
        if (end - start == GROUP && !NAME(any_within)(scores + start, (SCORE)limit)) continue;
        // After the first digit few scores share the prefix.
        if (end - start == GROUP && prefix > 0 && !NAME(any_between)(scores + start, first, last)) continue;
        for (size_t i = start; i < end; i++) {
            uint64_t key = NAME(key)(scores[i]) >> shift;
            // They are added up without a branch, since processors cannot foresee one that depends on scores.
            counts[key & mask] +=
                (scores[i] <= (SCORE)limit) & (key >> width == prefix) & NAME(is_kept)(labels[i], kept);
        }
    }
}

static size_t NAME(count_equal)(
    const SCORE *scores, const CLASS *labels, size_t count, segscore_labels_kept kept, double value) {
    size_t result = 0;
    for (size_t start = 0; start < count; start += GROUP) {
        size_t end = count - start < GROUP ? count : start + GROUP;
        int any = 0;
        for (size_t i = start; i < end; i++) any |= (double)scores[i] == value;
        if (!any) continue;
        for (size_t i = start; i < end; i++)
            result += (double)scores[i] == value && NAME(is_kept)(labels[i], kept);
    }
    return result;
}

static size_t NAME(mark_lowest)(
    const SCORE *scores, const CLASS *labels, size_t count, segscore_labels_kept kept, double cut, size_t ties,
    uint8_t *marks) {
    size_t used = 0;
    for (size_t start = 0; start < count; start += GROUP) {
        size_t end = count - start < GROUP ? count : start + GROUP;
        if (end - start == GROUP && !NAME(any_within)(scores + start, (SCORE)cut)) {
            memset(marks + start, 0, GROUP);
            continue;
        }
        for (size_t i = start; i < end; i++) {
            bool is_kept = NAME(is_kept)(labels[i], kept);
            bool is_tie = is_kept && (double)scores[i] == cut && used < ties;
            marks[i] = is_tie || (is_kept && (double)scores[i] < cut);
            used += is_tie;
        }
    }
    return used;
}

#include "normalised.inl.h"
#include "runs.inl.h"

#undef SCORE
#undef KEY
#undef CLASS
#undef NAME

/// Loops over values that become probabilities only when all classes of a pixel are known: logits, which a softmax
/// turns into probabilities, and weights, which are divided by their sum. For one pair of types; `pixels.inl.h`
/// includes this file.
///
/// A softmax is computed in one pass. Of each pixel the loops keep the largest logit m so far and the sum of
/// exp(x - reference), in float64. The reference is 0 as long as m is no further from 0 than what float64 has exponents
/// for with room to spare, so that nothing but a term is added; else it is m, and a new one scales the sum
/// (M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018).

/// The exponential of a logit, near enough for the type of the scores.
static inline double NAME(term_of)(SCORE value) {
#if defined(LANES)
    if (sizeof(SCORE) == sizeof(float)) return narrow_exponential((float)value);
#endif
    double wide = (double)value;
    exponentials(&wide, 1);
    return wide;
}

/// Whether a value can be taken: logits are finite or minus infinity, weights are finite and at least 0.
static bool NAME(is_takable)(SCORE value, bool is_logit) {
    return value < (SCORE)INFINITY && (is_logit || value >= 0);
}

/// Takes the values of one class as `take_values` does, from pixels of which some have a reference other than 0, or will.
__attribute__((noinline, cold)) static void NAME(take_far)(
    const char *from, size_t count, CLASS class_index, const CLASS *labels, SCORE *scores, CLASS *predicted,
    SCORE *largest, size_t stride, double *sums) {
    for (size_t i = 0; i < count; i++) {
        SCORE value = NAME(load)(from, i), most = largest[i * stride];
        if (labels[i * stride] == class_index) scores[i * stride] = value;
        if (value > most) {
            largest[i * stride] = value;
            predicted[i * stride] = class_index;
        }
        double earlier = reference_of(most), reference = reference_of(largest[i * stride]);
        if (earlier != reference) sums[i] *= exp(earlier - reference);
        // The difference of two infinities is no number.
        sums[i] += reference == 0 ? NAME(term_of)(value) : value == reference ? 1 : exp((double)value - reference);
    }
}

/// Adds the values, or the terms of logits whose sums have the reference 0, to sums.
static inline __attribute__((always_inline)) void NAME(add_values)(
    const char *from, size_t count, bool is_logit, double *sums) {
    if (sizeof(SCORE) == sizeof(float) || !is_logit) {
        for (size_t i = 0; i < count; i++) {
            SCORE value = NAME(load)(from, i);
            sums[i] += is_logit ? NAME(term_of)(value) : (double)value;
        }
        return;
    }
    enum { BLOCK = 64 };
    double block[BLOCK];
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t width = count - start < BLOCK ? count - start : BLOCK;
        for (size_t i = 0; i < width; i++) block[i] = (double)NAME(load)(from, start + i);
        exponentials(block, width);
        for (size_t i = 0; i < width; i++) sums[start + i] += block[i];
    }
}

/// Keeps the values of one class: those of pixels that are labelled so, and those that are larger than all before.
static inline __attribute__((always_inline)) void NAME(keep_values)(
    const char *from, size_t count, CLASS class_index, const CLASS *labels, SCORE *scores, CLASS *predicted,
    SCORE *largest, size_t stride) {
    size_t i = 0;
#if defined(LANES)
    NAME(classes_v) class_v = class_index;
    for (; stride == 1 && i + LANES <= count; i += LANES) {
        NAME(scores_v) value, score, most;
        NAME(classes_v) label, most_probable;
        memcpy(&value, from + i * sizeof(SCORE), sizeof value);
        memcpy(&label, labels + i, sizeof label);
        memcpy(&score, scores + i, sizeof score);
        memcpy(&most, largest + i, sizeof most);
        memcpy(&most_probable, predicted + i, sizeof most_probable);
        score = __builtin_convertvector(label == class_v, NAME(score_mask_v)) ? value : score;
        NAME(score_mask_v) is_larger = value > most;
        most = is_larger ? value : most;
        most_probable = __builtin_convertvector(is_larger, NAME(class_mask_v)) ? class_v : most_probable;
        memcpy(scores + i, &score, sizeof score);
        memcpy(largest + i, &most, sizeof most);
        memcpy(predicted + i, &most_probable, sizeof most_probable);
    }
#endif
    for (; i < count; i++) {
        SCORE value = NAME(load)(from, i);
        if (labels[i * stride] == class_index) scores[i * stride] = value;
        if (value > largest[i * stride]) {
            largest[i * stride] = value;
            predicted[i * stride] = class_index;
        }
    }
}

/// Starts pixels with their values of the first class, none of which has been added up.
static void NAME(start_values)(
    const char *from, size_t count, SCORE *scores, CLASS *predicted, SCORE *largest, size_t stride, double *sums) {
    for (size_t i = 0; i < count; i++) {
        scores[i * stride] = 0;
        predicted[i * stride] = 0;
        largest[i * stride] = NAME(load)(from, i);
        sums[i] = 0;
    }
}

/// Whether logits, and the largest before them if there are any, leave all references at 0, so that each can be taken.
static bool NAME(are_near)(const char *from, size_t count, const SCORE *largest, size_t stride) {
    bool are_near = true;
    for (size_t i = 0; i < count; i++) are_near &= NAME(load)(from, i) <= FURTHEST;
    if (largest == NULL)
        for (size_t i = 0; i < count; i++) are_near &= NAME(load)(from, i) >= -FURTHEST;
    else
        for (size_t i = 0; i < count; i++)
            are_near &= (largest[i * stride] <= FURTHEST) & (largest[i * stride] >= -FURTHEST);
    return are_near;
}

static size_t NAME(take_values)(
    const void *source, size_t count, uint32_t class_index, bool is_logit, const CLASS *labels, SCORE *scores,
    CLASS *predicted, SCORE *largest, size_t stride, double *sums) {
    // Some pixels at once, so that what the loops share stays near.
    enum { TOGETHER = 1024 };
    for (size_t start = 0; start < count; start += TOGETHER) {
        const char *from = (const char *)source + start * sizeof(SCORE);
        size_t width = count - start < TOGETHER ? count - start : TOGETHER, pixel = start * stride, end = width;
        bool are_near =
            is_logit && NAME(are_near)(from, width, class_index == 0 ? NULL : largest + pixel, stride);
        if (!are_near)
            for (end = 0; end < width && NAME(is_takable)(NAME(load)(from, end), is_logit);) end++;
        if (class_index == 0)
            NAME(start_values)(from, end, scores + pixel, predicted + pixel, largest + pixel, stride, sums + start);
        if (is_logit && !are_near) {
            NAME(take_far)(
                from, end, (CLASS)class_index, labels + pixel, scores + pixel, predicted + pixel, largest + pixel,
                stride, sums + start);
        } else {
            NAME(keep_values)(
                from, end, (CLASS)class_index, labels + pixel, scores + pixel, predicted + pixel, largest + pixel,
                stride);
            if (is_logit)
                NAME(add_values)(from, end, true, sums + start);
            else
                NAME(add_values)(from, end, false, sums + start);
        }
        if (end < width) return start + end;
    }
    return count;
}

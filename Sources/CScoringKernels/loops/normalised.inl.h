/// Loops over values that become probabilities only when all classes of a pixel are known: logits, which a softmax
/// turns into probabilities, and weights, which are divided by their sum. For one pair of types; `pixels.inl.h`
/// includes this file.
///
/// A softmax is computed in one pass. Of each pixel the loops keep the largest logit m so far and the sum of
/// exp(x - m), in float64; a new largest logit scales the sum (M. Milakov and N. Gimelshein, "Online normalizer
/// calculation for softmax", 2018). One exponential per value is enough, since either the value or the earlier largest
/// logit has the exponent 0.

/// Whether a value can be taken: logits are finite or minus infinity, weights are finite and at least 0.
static bool NAME(is_takable)(SCORE value, bool is_logit) {
    return value < (SCORE)INFINITY && (is_logit || value >= 0);
}

#if defined(LANES)
/// What is kept of some pixels while their classes come.
typedef struct {
    NAME(scores_v) score, most;
    NAME(classes_v) label, most_probable;
    numbers_v sum;
} NAME(pixels_v);

/// Takes a value of each pixel.
static void NAME(take_lanes)(
    NAME(pixels_v) *pixels, const NAME(scores_v) *values, CLASS class_index, bool is_logit) {
    NAME(scores_v) value = *values, most = pixels->most;
    NAME(class_mask_v) is_own = pixels->label == (NAME(classes_v))class_index;
    if (class_index == 0) {
        pixels->score = __builtin_convertvector(is_own, NAME(score_mask_v)) ? value : (NAME(scores_v))0;
        pixels->most = value;
        pixels->most_probable = 0;
        pixels->sum = is_logit ? (numbers_v)1 : __builtin_convertvector(value, numbers_v);
        return;
    }
    pixels->score = __builtin_convertvector(is_own, NAME(score_mask_v)) ? value : pixels->score;
    NAME(score_mask_v) is_larger = value > most;
    NAME(classes_v) class_v = class_index;
    pixels->most = is_larger ? value : most;
    pixels->most_probable =
        __builtin_convertvector(is_larger, NAME(class_mask_v)) ? class_v : pixels->most_probable;
    numbers_v wide = __builtin_convertvector(value, numbers_v);
    if (!is_logit) {
        pixels->sum += wide;
        return;
    }
    numbers_v wide_most = __builtin_convertvector(most, numbers_v);
    number_mask_v grows = wide > wide_most;
    numbers_v term = grows ? wide_most - wide : wide - wide_most;
    // The difference of two infinities is no number.
    term = wide == wide_most ? (numbers_v)0 : term;
    if (sizeof(SCORE) == sizeof(float)) {
        coarse_exponential(&term);
    } else {
        exponential(&term);
    }
    pixels->sum = grows ? pixels->sum * term + 1 : pixels->sum + term;
}

/// Takes the values of up to LANES pixels, so that a pixel's results do not depend on how its array came in pieces.
static void NAME(take_group)(
    const char *from, size_t count, CLASS class_index, bool is_logit, const CLASS *labels, SCORE *scores,
    CLASS *predicted, SCORE *largest, size_t stride, double *sums) {
    NAME(pixels_v) pixels;
    NAME(scores_v) value = 0;
    if (count == LANES && stride == 1) {
        memcpy(&value, from, sizeof value);
        memcpy(&pixels.label, labels, sizeof pixels.label);
        memcpy(&pixels.score, scores, sizeof pixels.score);
        memcpy(&pixels.most, largest, sizeof pixels.most);
        memcpy(&pixels.most_probable, predicted, sizeof pixels.most_probable);
        memcpy(&pixels.sum, sums, sizeof pixels.sum);
        NAME(take_lanes)(&pixels, &value, class_index, is_logit);
        memcpy(scores, &pixels.score, sizeof pixels.score);
        memcpy(largest, &pixels.most, sizeof pixels.most);
        memcpy(predicted, &pixels.most_probable, sizeof pixels.most_probable);
        memcpy(sums, &pixels.sum, sizeof pixels.sum);
        return;
    }
    memset(&pixels, 0, sizeof pixels);
    for (size_t i = 0; i < count; i++) {
        value[i] = NAME(load)(from, i);
        pixels.label[i] = labels[i * stride];
        pixels.score[i] = scores[i * stride];
        pixels.most[i] = largest[i * stride];
        pixels.most_probable[i] = predicted[i * stride];
        pixels.sum[i] = sums[i];
    }
    NAME(take_lanes)(&pixels, &value, class_index, is_logit);
    for (size_t i = 0; i < count; i++) {
        scores[i * stride] = pixels.score[i];
        largest[i * stride] = pixels.most[i];
        predicted[i * stride] = pixels.most_probable[i];
        sums[i] = pixels.sum[i];
    }
}
#else
static void NAME(take_group)(
    const char *from, size_t count, CLASS class_index, bool is_logit, const CLASS *labels, SCORE *scores,
    CLASS *predicted, SCORE *largest, size_t stride, double *sums) {
    for (size_t i = 0; i < count; i++) {
        SCORE value = NAME(load)(from, i), most = largest[i * stride];
        if (class_index == 0 || labels[i * stride] == class_index)
            scores[i * stride] = labels[i * stride] == class_index ? value : 0;
        if (class_index == 0) {
            sums[i] = is_logit ? 1 : (double)value;
        } else if (!is_logit) {
            sums[i] += (double)value;
        } else if (value > most) {
            sums[i] = sums[i] * exp((double)most - (double)value) + 1;
        } else {
            sums[i] += value == most ? 1 : exp((double)value - (double)most);
        }
        if (class_index == 0 || value > most) {
            largest[i * stride] = value;
            predicted[i * stride] = class_index;
        }
    }
}
#endif

static size_t NAME(take_values)(
    const void *source, size_t count, uint32_t class_index, bool is_logit, const CLASS *labels, SCORE *scores,
    CLASS *predicted, SCORE *largest, size_t stride, double *sums) {
#if defined(LANES)
    enum { WIDTH = LANES };
#else
    enum { WIDTH = 1 };
#endif
    const char *from = source;
    bool are_takable = true;
    for (size_t i = 0; i < count; i++) are_takable &= NAME(is_takable)(NAME(load)(from, i), is_logit);
    size_t end = count;
    if (!are_takable)
        for (end = 0; NAME(is_takable)(NAME(load)(from, end), is_logit);) end++;
    for (size_t i = 0; i < end; i += WIDTH)
        NAME(take_group)(
            from + i * sizeof(SCORE), end - i < WIDTH ? end - i : WIDTH, (CLASS)class_index, is_logit,
            labels + i * stride, scores + i * stride, predicted + i * stride, largest + i * stride, stride, sums + i);
    return end;
}

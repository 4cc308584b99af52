/// Loops over scores alone, for one type: `SCORE`, and `NAME` for the functions' names.

static void NAME(copy)(const void *source, size_t count, SCORE *scores, size_t stride) {
    const char *from = source;
    for (size_t i = 0; i < count; i++) memcpy(&scores[i * stride], from + i * sizeof *scores, sizeof *scores);
}

/// A second look at probabilities of which some are beyond [0, 1].
__attribute__((noinline, cold)) static size_t NAME(settle_scores)(
    size_t count, bool clamps, SCORE *scores, size_t stride, size_t *clamped) {
    // The bounds are rounded as the values are, so that a value at a bound is within it.
    const SCORE least = (SCORE)-SEGSCORE_ROUNDING, most = (SCORE)(1 + SEGSCORE_ROUNDING);
    for (size_t i = 0; i < count; i++) {
        SCORE value = scores[i * stride];
        if (value >= 0 && value <= 1) continue;
        if (!(value >= least && value <= most)) return i;
        *clamped += 1;
        if (clamps) scores[i * stride] = value < 0 ? 0 : 1;
    }
    return count;
}

static size_t NAME(take_scores)(
    const void *source, size_t count, bool clamps, SCORE *scores, size_t stride, size_t *clamped) {
    int outside = 0;
    if (stride == 1) {
        memcpy(scores, source, count * sizeof *scores);
        for (size_t i = 0; i < count; i++) outside |= !(scores[i] >= 0) | !(scores[i] <= 1);
    } else {
        NAME(copy)(source, count, scores, stride);
        for (size_t i = 0; i < count; i++) outside |= !(scores[i * stride] >= 0) | !(scores[i * stride] <= 1);
    }
    return outside ? NAME(settle_scores)(count, clamps, scores, stride, clamped) : count;
}

static void NAME(widen)(const char *from, size_t count, double *out) {
    for (size_t i = 0; i < count; i++) {
        SCORE value;
        memcpy(&value, from + i * sizeof value, sizeof value);
        out[i] = (double)value;
    }
}

static void NAME(convert)(const void *source, size_t count, segscore_conversion conversion, SCORE *out) {
    const char *from = source;
    enum { BLOCK = 64 };
    double block[BLOCK];
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t width = count - start < BLOCK ? count - start : BLOCK;
        NAME(widen)(from + start * sizeof(SCORE), width, block);
        switch (conversion) {
        case SEGSCORE_CLAMP:
            for (size_t i = 0; i < width; i++) block[i] = block[i] < 0 ? 0 : block[i] > 1 ? 1 : block[i];
            break;
        case SEGSCORE_COMPLEMENT:
            for (size_t i = 0; i < width; i++) block[i] = 1 - block[i];
            break;
        case SEGSCORE_LOGISTIC:
        case SEGSCORE_LOGISTIC_COMPLEMENT:
            if (conversion == SEGSCORE_LOGISTIC)
                for (size_t i = 0; i < width; i++) block[i] = -block[i];
            exponentials(block, width);
            for (size_t i = 0; i < width; i++) block[i] = 1 / (1 + block[i]);
            break;
        }
        for (size_t i = 0; i < width; i++) out[start + i] = (SCORE)block[i];
    }
}

static size_t NAME(normalise)(
    size_t count, bool is_logit, bool keeps_values, SCORE *scores, SCORE *largest, size_t stride, const double *sums) {
    enum { BLOCK = 64 };
    double own[BLOCK], most[BLOCK];
    for (size_t start = 0; start < count; start += BLOCK) {
        SCORE *score = scores + start * stride, *greatest = largest + start * stride;
        size_t width = 0;
        for (; width < BLOCK && start + width < count; width++) {
            double value = (double)greatest[width * stride], sum = sums[start + width];
            if (is_logit ? value == -INFINITY : !(sum > 0 && sum < INFINITY)) break;
            most[width] = is_logit ? value - reference_of(value) : value;
            own[width] = (double)score[width * stride];
            // The score of a pixel whose label is no class is 0 and no logit. The label is refused or ignored later.
            if (is_logit) own[width] = own[width] > value ? 0 : own[width] - value;
        }
        if (is_logit && !keeps_values) {
            exponentials(own, width);
            exponentials(most, width);
        }
        for (size_t i = 0; i < width && !keeps_values; i++) {
            double sum = sums[start + i], most_share = share(most[i], sum, is_logit);
            score[i * stride] = (SCORE)(is_logit ? own[i] * most_share : own[i] / sum);
            greatest[i * stride] = (SCORE)most_share;
        }
        if (width < BLOCK && start + width < count) return start + width;
    }
    return count;
}

static void NAME(divide_values)(
    const void *source, size_t count, bool is_logit, const SCORE *largest, const double *sums, SCORE *out) {
    const char *from = source;
    enum { BLOCK = 64 };
    double block[BLOCK];
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t width = count - start < BLOCK ? count - start : BLOCK;
        NAME(widen)(from + start * sizeof(SCORE), width, block);
        if (is_logit) {
            for (size_t i = 0; i < width; i++) block[i] -= reference_of((double)largest[start + i]);
            exponentials(block, width);
        }
        for (size_t i = 0; i < width; i++) out[start + i] = (SCORE)share(block[i], sums[start + i], is_logit);
    }
}

static void NAME(below)(const SCORE *scores, size_t count, double threshold, uint8_t *mask) {
    for (size_t i = 0; i < count; i++) mask[i] = (double)scores[i] < threshold;
}

static size_t NAME(count_below)(const SCORE *scores, size_t count, double threshold) {
    size_t result = 0;
    for (size_t i = 0; i < count; i++) result += (double)scores[i] < threshold;
    return result;
}

static double NAME(sum_margins)(
    const SCORE *scores, const SCORE *largest, const uint8_t *marks, size_t count, double floor) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (marks[i]) sum += squared_margin((double)scores[i], (double)largest[i], floor);
    return sum;
}

#undef SCORE
#undef NAME

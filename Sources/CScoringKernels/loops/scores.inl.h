/// Loops over scores alone, for one type: `SCORE`, and `NAME` for the functions' names.

static void NAME(copy)(const void *source, size_t count, SCORE *scores, size_t stride) {
    const char *from = source;
    for (size_t i = 0; i < count; i++) memcpy(&scores[i * stride], from + i * sizeof *scores, sizeof *scores);
}

static void NAME(clamp)(const void *source, size_t count, SCORE *out) {
    const char *from = source;
    for (size_t i = 0; i < count; i++) {
        SCORE value;
        memcpy(&value, from + i * sizeof value, sizeof value);
        value = value < 0 ? 0 : value;
        out[i] = value > 1 ? 1 : value;
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

#undef SCORE
#undef NAME

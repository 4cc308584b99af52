/// Loops that bring values from one grid to another, for one type: `SCORE`, and `NAME` for the functions' names.
///
/// The sums are those of PyTorch's bilinear interpolation of `(N, C, H, W)` on a processor: products are fused with the
/// additions behind them, first along rows and then along columns.

static void NAME(sample_row)(
    const void *source, const uint32_t *lower, const uint32_t *upper, const void *lower_weights,
    const void *upper_weights, size_t count, SCORE *restrict out) {
    const SCORE *values = source, *lower_by = lower_weights, *upper_by = upper_weights;
    for (size_t i = 0; i < count; i++)
        out[i] = __builtin_elementwise_fma(lower_by[i], values[lower[i]], upper_by[i] * values[upper[i]]);
}

static void NAME(pick_row)(const void *source, const uint32_t *places, size_t count, SCORE *restrict out) {
    const SCORE *values = source;
    for (size_t i = 0; i < count; i++) out[i] = values[places[i]];
}

static void NAME(mix_rows)(
    const void *lower, const void *upper, double lower_weight, double upper_weight, size_t count,
    SCORE *restrict out) {
    const SCORE *lower_values = lower, *upper_values = upper;
    SCORE weights[2] = {(SCORE)lower_weight, (SCORE)upper_weight};
    for (size_t i = 0; i < count; i++)
        out[i] = __builtin_elementwise_fma(weights[0], lower_values[i], weights[1] * upper_values[i]);
}

static void NAME(take_apart)(const void *source, size_t count, size_t channels, SCORE *restrict out) {
    const SCORE *values = source;
    // Some pixels at once, so that what is read stays near while each channel is written.
    enum { PIXELS = 16 };
    for (size_t start = 0; start < count; start += PIXELS) {
        size_t end = count - start < PIXELS ? count : start + PIXELS;
        for (size_t channel = 0; channel < channels; channel++)
            for (size_t i = start; i < end; i++) out[channel * count + i] = values[i * channels + channel];
    }
}

#undef SCORE
#undef NAME

/// What margins need of all types alike.

/// The natural logarithm of a normal number above 0, the same to the bit on every processor.
///
/// x = 2^n · m with m from √½ to √2, and ln m = 2 · artanh((m - 1) / (m + 1)), whose series is cut off where its next
/// term is less than 2^-56 of the sum.
static double logarithm(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffff) | 0x3ff0000000000000;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 0x1.6a09e667f3bcdp0) {
        m /= 2;
        exponent++;
    }
    double s = (m - 1) / (m + 1), z = s * s, z2 = z * z, z4 = z2 * z2;
    // Terms are added in pairs, and pairs in pairs, since a sum that waits for the one before takes twice as long.
    double low = (1.0 / 3 + z * (1.0 / 5)) + z2 * (1.0 / 7 + z * (1.0 / 9));
    double high = (1.0 / 11 + z * (1.0 / 13)) + z2 * (1.0 / 15 + z * (1.0 / 17));
    double sum = z * (low + z4 * (high + z4 * (1.0 / 19 + z * (1.0 / 21))));
    return exponent * 0x1.62e42fefa39efp-1 + 2 * (s + s * sum);
}

/// The squared margin of a pixel that is predicted as another class than its label.
static double squared_margin(double own, double largest, double floor) {
    double margin = logarithm((largest < floor ? floor : largest) / (own < floor ? floor : own));
    return margin * margin;
}

static size_t count_marks(const uint8_t *marks, size_t count) {
    size_t result = 0;
    for (size_t i = 0; i < count; i++) result += marks[i];
    return result;
}

static size_t erode(
    const uint8_t *above, const uint8_t *row, const uint8_t *below, size_t count,
    uint8_t *scratch, uint8_t *marks) {
    memcpy(scratch, row, count);
    if (above)
        for (size_t i = 0; i < count; i++) scratch[i] &= above[i];
    if (below)
        for (size_t i = 0; i < count; i++) scratch[i] &= below[i];
    memcpy(marks, scratch, count);
    for (size_t i = 1; i < count; i++) marks[i] &= scratch[i - 1];
    for (size_t i = 0; i + 1 < count; i++) marks[i] &= scratch[i + 1];
    return count_marks(marks, count);
}

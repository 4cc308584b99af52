/// Exponentials of float64 numbers.
///
/// exp(x) = 2^n · exp(r) with n the whole number next to x / ln 2 and r = x - n · ln 2, at most ln 2 / 2 from zero,
/// where the Taylor series of degree 13 is off by less than 2^-57. ln 2 is subtracted in two parts, the first short
/// enough for its product with n to be exact (W. J. Cody and W. Waite, "Software Manual for the Elementary Functions",
/// 1980). 2^n is multiplied in two steps, since the result may be subnormal while 2^n is not a number.

#if defined(LANES)
typedef double numbers_v __attribute__((ext_vector_type(LANES)));
typedef int64_t whole_v __attribute__((ext_vector_type(LANES)));
typedef __typeof__((numbers_v)0 == (numbers_v)0) number_mask_v;

/// Replaces values by their exponentials. They are passed by a pointer, since there is no convention for passing
/// vectors that are wider than registers.
static void exponential(numbers_v *value) {
    // Levels may differ in the last bit here, and with fused multiplications and additions a step of the series is one
    // instruction and not two.
#pragma STDC FP_CONTRACT ON
    numbers_v x = *value;
    // Beyond these bounds every result is 0 or infinite.
    const numbers_v low = -746, high = 710;
    numbers_v bounded = x < low ? low : x;
    bounded = bounded > high ? high : bounded;
    // The sum with 1.5 · 2^52 has the whole number in its last bits.
    const numbers_v shift = 0x1.8p52;
    numbers_v shifted = bounded * 0x1.71547652b82fep0 + shift;
    numbers_v n = shifted - shift;
    numbers_v r = bounded - n * 0x1.62e42fee00000p-1;
    r = r - n * 0x1.a39ef35793c76p-33;

    numbers_v q = 1.0 / 6227020800.0;
    q = q * r + 1.0 / 479001600.0;
    q = q * r + 1.0 / 39916800.0;
    q = q * r + 1.0 / 3628800.0;
    q = q * r + 1.0 / 362880.0;
    q = q * r + 1.0 / 40320.0;
    q = q * r + 1.0 / 5040.0;
    q = q * r + 1.0 / 720.0;
    q = q * r + 1.0 / 120.0;
    q = q * r + 1.0 / 24.0;
    q = q * r + 1.0 / 6.0;
    q = q * r + 1.0 / 2.0;
    numbers_v result = 1.0 + (r + r * r * q);

    whole_v exponent = (whole_v)shifted - (whole_v)shift;
    whole_v half = exponent >> 1;
    numbers_v first = (numbers_v)((half + 1023) << 52), second = (numbers_v)((exponent - half + 1023) << 52);
    result = result * first * second;
    *value = x == x ? result : x;
}

/// Replaces values of at most 0 by their exponentials, off by less than 2^-33 of these, for sums that are rounded to
/// float32 in the end. Below -700 the result is that of -700, which is nothing beside 1.
///
/// The polynomial is the best of degree 7 for this range of r, found by least squares at Chebyshev nodes.
static void coarse_exponential(numbers_v *value) {
#pragma STDC FP_CONTRACT ON
    const numbers_v low = -700;
    numbers_v bounded = *value < low ? low : *value;
    const numbers_v shift = 0x1.8p52;
    numbers_v shifted = bounded * 0x1.71547652b82fep0 + shift;
    numbers_v n = shifted - shift;
    numbers_v r = bounded - n * 0x1.62e42fefa39efp-1;

    numbers_v q = 0x1.a171269070867p-13;
    q = q * r + 0x1.6d74f5a16739ap-10;
    q = q * r + 0x1.1110b0e52506fp-7;
    q = q * r + 0x1.5554ad38176cbp-5;
    q = q * r + 0x1.555555741d162p-3;
    q = q * r + 0x1.0000002842140p-1;
    numbers_v result = 1.0 + (r + r * r * q);

    // 2^n is multiplied by an addition to the exponent, since the result is far from subnormal.
    whole_v exponent = (whole_v)shifted - (whole_v)shift;
    *value = (numbers_v)((whole_v)result + (exponent << 52));
}

static void exponentials(double *values, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        numbers_v value;
        memcpy(&value, values + i, sizeof value);
        exponential(&value);
        memcpy(values + i, &value, sizeof value);
    }
    if (i == count) return;
    numbers_v rest = 0;
    memcpy(&rest, values + i, (count - i) * sizeof *values);
    exponential(&rest);
    memcpy(values + i, &rest, (count - i) * sizeof *values);
}
#else
static void exponentials(double *values, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] = exp(values[i]);
}
#endif

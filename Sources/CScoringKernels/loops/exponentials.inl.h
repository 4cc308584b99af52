/// Exponentials of float64 numbers.
///
/// exp(x) = 2^n · exp(r) with n the whole number next to x / ln 2 and r = x - n · ln 2, at most ln 2 / 2 from zero.
/// ln 2 is subtracted in two parts, the first short enough for its product with n to be exact (W. J. Cody and W. Waite,
/// "Software Manual for the Elementary Functions", 1980). exp(r) = 1 + r + r² · q(r), where q interpolates at
/// eleven Chebyshev nodes of this range and is off by less than 2^-61 of the result.

/// The exponential of a float32 value, off by less than 2^-24 of it, for sums that are rounded to float32 in the end.
/// Below -700 the result is that of -700; above 700 it may be anything.
///
/// exp(r) - 1 is computed in float32 and widened before 1 is added: it is small enough for its last bit to be less than
/// what counts. The polynomial is the best of degree 6 for this range of r, found by least squares at Chebyshev nodes,
/// and its parts are added up in pairs, so that fewer of them wait for each other.
static inline double narrow_exponential(float value) {
#pragma STDC FP_CONTRACT ON
    float bounded = value < -700 ? -700 : value;
    // The sum with 1.5 · 2^23 has the whole number in its last bits. ln 2 is subtracted in two parts.
    float shifted = bounded * 0x1.715476p0f + 0x1.8p23f;
    float n = shifted - 0x1.8p23f;
    float r = bounded - n * 0x1.63p-1f;
    r = r + n * 0x1.bd0106p-13f;

    float square = r * r;
    float low = 0x1.55548cp-3f * r + 0.5f, high = 0x1.123d98p-7f * r + 0x1.55547cp-5f;
    high = 0x1.6d9918p-10f * square + high;
    float rest = square * (square * high + low) + r;

    // 2^n is multiplied by an addition to the exponent, since the result is far from subnormal.
    int32_t whole, shift;
    const float shift_value = 0x1.8p23f;
    memcpy(&whole, &shifted, sizeof whole);
    memcpy(&shift, &shift_value, sizeof shift);
    double result = 1 + (double)rest;
    int64_t bits;
    memcpy(&bits, &result, sizeof bits);
    bits += (int64_t)((uint64_t)(int64_t)(whole - shift) << 52);
    memcpy(&result, &bits, sizeof result);
    return result;
}

#if defined(LANES)
typedef double numbers_v __attribute__((ext_vector_type(LANES)));
typedef uint64_t whole_v __attribute__((ext_vector_type(LANES)));
typedef __typeof__((numbers_v)0 == (numbers_v)0) number_mask_v;

/// How far a number may be from 0 for its exponential to be far from subnormal and infinite.
#define NEAR 700

/// The exponentials of numbers within a range, times powers of 2: a number of type `whole_v` is added to each exponent.
/// Vectors are passed by pointers, since there is no convention for passing those that are wider than registers.
static inline __attribute__((always_inline)) void scaled_exponential(numbers_v *value, const whole_v *exponent) {
    // Levels may differ in the last bit here, and with fused multiplications and additions a step of the polynomial is
    // one instruction and not two.
#pragma STDC FP_CONTRACT ON
    numbers_v x = *value;
    // The sum with 1.5 · 2^52 has the whole number in its last bits.
    const numbers_v shift = 0x1.8p52;
    numbers_v shifted = x * 0x1.71547652b82fep0 + shift;
    numbers_v n = shifted - shift;
    numbers_v r = x - n * 0x1.62e42fee00000p-1;
    r = r - n * 0x1.a39ef35793c76p-33;

    // Terms are added up in pairs, so that fewer of them wait for each other.
    numbers_v square = r * r, fourth = square * square;
    numbers_v a = 0x1.5555555555557p-3 * r + 0.5, b = 0x1.11111111100dcp-7 * r + 0x1.5555555555556p-5;
    numbers_v c = 0x1.a01a01abe7fe1p-13 * r + 0x1.6c16c16c162d4p-10;
    numbers_v d = 0x1.71de0231960ebp-19 * r + 0x1.a01a01a6d889cp-16;
    numbers_v e = 0x1.af4de97ca4194p-26 * r + 0x1.27e4db646b17ep-22;
    e = 0x1.1f730349868cep-29 * square + e;
    numbers_v q = fourth * (fourth * e + (square * d + c)) + (square * b + a);
    numbers_v result = 1.0 + (square * q + r);
    *value = (numbers_v)((whole_v)result + (((whole_v)shifted + *exponent) << 52));
}

/// Replaces values within `NEAR` of 0 by their exponentials.
static inline __attribute__((always_inline)) void near_exponential(numbers_v *value) {
    whole_v exponent = 0;
    scaled_exponential(value, &exponent);
}

/// Replaces values by their exponentials.
static inline __attribute__((always_inline)) void exponential(numbers_v *value) {
    numbers_v x = *value;
    // Beyond these bounds every result is 0 or infinite.
    numbers_v bounded = x < -746 ? -746 : x;
    bounded = bounded > 710 ? 710 : bounded;
    // 2^n is multiplied in two steps, an addition to the exponent and a number that leaves the first a normal one:
    // the result may be infinite or subnormal.
    number_mask_v is_small = x < -NEAR;
    whole_v exponent = is_small ? (whole_v)100 : (whole_v)-1;
    scaled_exponential(&bounded, &exponent);
    numbers_v result = bounded * (is_small ? (numbers_v)0x1p-100 : (numbers_v)2);
    *value = x == x ? result : x;
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

/// How far the largest logit of a pixel may be from 0 for its softmax to be summed up as it is.
#define FURTHEST 512

/// What the logits of a pixel are counted from, given the largest.
static double reference_of(double most) { return most <= FURTHEST && most >= -FURTHEST ? 0 : most; }

/// A term's share of its sum. The sum of logits' terms may have been rounded to less than one of them.
static inline double share(double term, double sum, bool is_logit) {
    double result = term / sum;
    return is_logit && result > 1 ? 1 : result;
}

/// Elements in the machine's byte order.

/// IEEE 754 binary16 to binary32, by moving the fraction and rebasing the exponent.
static float widen_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t magnitude = half & 0x7fffu;
    uint32_t bits;
    float value;
    if (magnitude >= 0x7c00u) {  // infinity and NaN
        bits = sign | 0x7f800000u | (magnitude & 0x3ffu) << 13;
    } else if (magnitude >= 0x400u) {  // normal
        bits = sign | ((magnitude << 13) + ((127u - 15u) << 23));
    } else {  // subnormal: a whole number of 2^-24
        value = (float)magnitude * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

static size_t size_of(segscore_scalar type) {
    switch (type) {
    case SEGSCORE_BOOL:
    case SEGSCORE_INT8:
    case SEGSCORE_UINT8:
        return 1;
    case SEGSCORE_INT16:
    case SEGSCORE_UINT16:
    case SEGSCORE_FLOAT16:
    case SEGSCORE_BFLOAT16:
        return 2;
    case SEGSCORE_INT32:
    case SEGSCORE_UINT32:
    case SEGSCORE_FLOAT32:
        return 4;
    case SEGSCORE_INT64:
    case SEGSCORE_UINT64:
    case SEGSCORE_FLOAT64:
        return 8;
    }
    return 0;
}

static void to_native(const void *source, segscore_scalar type, bool swapped, size_t count, void *out) {
    const char *from = source;
    char *to = out;
    size_t size = size_of(type);
    if (type == SEGSCORE_FLOAT16) {
        for (size_t i = 0; i < count; i++) {
            uint16_t bits;
            memcpy(&bits, from + 2 * i, sizeof bits);
            float value = widen_half(swapped ? __builtin_bswap16(bits) : bits);
            memcpy(to + 4 * i, &value, sizeof value);
        }
    } else if (type == SEGSCORE_BFLOAT16) {
        // A bfloat16 is the upper half of a binary32.
        for (size_t i = 0; i < count; i++) {
            uint16_t half;
            memcpy(&half, from + 2 * i, sizeof half);
            uint32_t bits = (uint32_t)(swapped ? __builtin_bswap16(half) : half) << 16;
            memcpy(to + 4 * i, &bits, sizeof bits);
        }
    } else if (!swapped || size == 1) {
        memcpy(to, from, count * size);
    } else if (size == 2) {
        for (size_t i = 0; i < count; i++) {
            uint16_t bits;
            memcpy(&bits, from + 2 * i, sizeof bits);
            bits = __builtin_bswap16(bits);
            memcpy(to + 2 * i, &bits, sizeof bits);
        }
    } else if (size == 4) {
        for (size_t i = 0; i < count; i++) {
            uint32_t bits;
            memcpy(&bits, from + 4 * i, sizeof bits);
            bits = __builtin_bswap32(bits);
            memcpy(to + 4 * i, &bits, sizeof bits);
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            uint64_t bits;
            memcpy(&bits, from + 8 * i, sizeof bits);
            bits = __builtin_bswap64(bits);
            memcpy(to + 8 * i, &bits, sizeof bits);
        }
    }
}

/// Labels as they arrive.

/// Integers. As an unsigned number a negative one is huge, so that one comparison is enough.
#define NARROW_INTEGERS(SOURCE, UNSIGNED)                                                                              \
    do {                                                                                                               \
        const char *from = source;                                                                                     \
        for (size_t i = 0; i < count; i++) {                                                                           \
            SOURCE value;                                                                                              \
            memcpy(&value, from + i * sizeof value, sizeof value);                                                     \
            if ((UNSIGNED)value > limit) return i;                                                                     \
            labels[i * stride] = value;                                                                                \
        }                                                                                                              \
    } while (0)

/// Floats. NaN fails the first comparison, and a fraction the second.
#define NARROW_FLOATS(SOURCE)                                                                                          \
    do {                                                                                                               \
        const char *from = source;                                                                                     \
        for (size_t i = 0; i < count; i++) {                                                                           \
            SOURCE value;                                                                                              \
            memcpy(&value, from + i * sizeof value, sizeof value);                                                     \
            if (!(value >= 0 && value <= (SOURCE)limit)) return i;                                                     \
            uint32_t whole = (uint32_t)value;                                                                          \
            if ((SOURCE)whole != value) return i;                                                                      \
            labels[i * stride] = whole;                                                                                \
        }                                                                                                              \
    } while (0)

/// Integers whose labels are neighbours, in blocks, which the compiler turns into vectors: a block is copied first and
/// its range checked behind the copy.
#define NARROW_INTEGERS_CONTIGUOUS(SOURCE, UNSIGNED)                                                                   \
    do {                                                                                                               \
        const char *from = source;                                                                                     \
        size_t start = 0;                                                                                              \
        for (; start + 1024 <= count; start += 1024) {                                                                 \
            UNSIGNED seen = 0;                                                                                         \
            for (size_t i = start; i < start + 1024; i++) {                                                            \
                SOURCE value;                                                                                          \
                memcpy(&value, from + i * sizeof value, sizeof value);                                                 \
                seen |= (UNSIGNED)value;                                                                               \
                labels[i] = value;                                                                                     \
            }                                                                                                          \
            /* Any value over a limit of all ones has a bit outside it. */                                             \
            if (seen & ~(UNSIGNED)mask) break;                                                                         \
        }                                                                                                              \
        for (size_t i = start; i < count; i++) {                                                                       \
            SOURCE value;                                                                                              \
            memcpy(&value, from + i * sizeof value, sizeof value);                                                     \
            if ((UNSIGNED)value > limit) return i;                                                                     \
            labels[i] = value;                                                                                         \
        }                                                                                                              \
    } while (0)

#define NARROW_INTEGERS_ANY(SOURCE, UNSIGNED)                                                                          \
    do {                                                                                                               \
        if (stride == 1)                                                                                               \
            NARROW_INTEGERS_CONTIGUOUS(SOURCE, UNSIGNED);                                                              \
        else                                                                                                           \
            NARROW_INTEGERS(SOURCE, UNSIGNED);                                                                         \
    } while (0)

#define DEFINE_LABELS(BITS, LABEL)                                                                                     \
    static size_t narrow_labels_##BITS(                                                                              \
        const void *source, segscore_scalar type, size_t count, LABEL *labels, size_t stride, uint32_t limit) {        \
        /* A run of ones within the limit. */                                                                          \
        uint32_t mask = limit == (LABEL)-1 ? limit : (LABEL)-1 >> 1;                                                   \
        switch (type) {                                                                                                \
        case SEGSCORE_BOOL:                                                                                            \
        case SEGSCORE_UINT8: NARROW_INTEGERS_ANY(uint8_t, uint64_t); break;                                            \
        case SEGSCORE_INT8: NARROW_INTEGERS_ANY(int8_t, uint64_t); break;                                              \
        case SEGSCORE_INT16: NARROW_INTEGERS_ANY(int16_t, uint64_t); break;                                            \
        case SEGSCORE_UINT16: NARROW_INTEGERS_ANY(uint16_t, uint64_t); break;                                          \
        case SEGSCORE_INT32: NARROW_INTEGERS_ANY(int32_t, uint64_t); break;                                            \
        case SEGSCORE_UINT32: NARROW_INTEGERS_ANY(uint32_t, uint64_t); break;                                          \
        case SEGSCORE_INT64: NARROW_INTEGERS_ANY(int64_t, uint64_t); break;                                            \
        case SEGSCORE_UINT64: NARROW_INTEGERS_ANY(uint64_t, uint64_t); break;                                          \
        case SEGSCORE_FLOAT16:                                                                                         \
        case SEGSCORE_BFLOAT16:                                                                                        \
        case SEGSCORE_FLOAT32: NARROW_FLOATS(float); break;                                                            \
        case SEGSCORE_FLOAT64: NARROW_FLOATS(double); break;                                                           \
        }                                                                                                              \
        return count;                                                                                                  \
    }

DEFINE_LABELS(8, uint8_t)
DEFINE_LABELS(16, uint16_t)

#undef NARROW_INTEGERS
#undef NARROW_FLOATS
#undef NARROW_INTEGERS_CONTIGUOUS
#undef NARROW_INTEGERS_ANY
#undef DEFINE_LABELS

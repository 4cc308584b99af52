#include "CScoringKernels.h"

#include <math.h>
#include <string.h>

/// The range is proved in the same pass, without a branch; where it fails, a second look finds where.
#define DEFINE_SELECT(BITS, SCORE, LABEL_BITS, LABEL)                                                                  \
    size_t segscore_select_##BITS##_##LABEL_BITS(                                                                      \
        const void *source, size_t count, uint32_t class_index, const LABEL *labels, SCORE *scores, size_t stride) {   \
        const char *from = source;                                                                                     \
        int valid = 1;                                                                                                 \
        if (stride == 1) {                                                                                             \
            for (size_t i = 0; i < count; i++) {                                                                       \
                SCORE value;                                                                                           \
                memcpy(&value, from + i * sizeof value, sizeof value);                                                 \
                valid &= (value >= 0) & (value <= 1);                                                                  \
                scores[i] = labels[i] == class_index ? value : scores[i];                                              \
            }                                                                                                          \
        } else {                                                                                                       \
            for (size_t i = 0; i < count; i++) {                                                                       \
                SCORE value;                                                                                           \
                memcpy(&value, from + i * sizeof value, sizeof value);                                                 \
                valid &= (value >= 0) & (value <= 1);                                                                  \
                if (labels[i * stride] == class_index) scores[i * stride] = value;                                     \
            }                                                                                                          \
        }                                                                                                              \
        if (valid) return count;                                                                                       \
        for (size_t i = 0; i < count; i++) {                                                                           \
            SCORE value;                                                                                               \
            memcpy(&value, from + i * sizeof value, sizeof value);                                                     \
            if (!(value >= 0 && value <= 1)) return i;                                                                 \
        }                                                                                                              \
        return count;                                                                                                  \
    }

#define DEFINE_IMAGE(BITS, SCORE, LABEL_BITS, LABEL)                                                                   \
    void segscore_ignore_##BITS##_##LABEL_BITS(                                                                        \
        SCORE *scores, const LABEL *labels, size_t count, int32_t ignored) {                                           \
        for (size_t i = 0; i < count; i++) scores[i] = labels[i] == ignored ? 1 : scores[i];                           \
    }                                                                                                                  \
                                                                                                                       \
    double segscore_softmin_##BITS##_##LABEL_BITS(                                                                     \
        const SCORE *scores, const LABEL *labels, size_t count, int32_t ignored, double temperature) {                 \
        SCORE least = INFINITY;                                                                                        \
        for (size_t i = 0; i < count; i++)                                                                             \
            if (labels[i] != ignored && scores[i] < least) least = scores[i];                                          \
        double weights = 0, sum = 0;                                                                                   \
        for (size_t i = 0; i < count; i++) {                                                                           \
            if (labels[i] == ignored) continue;                                                                        \
            double weight = exp(((double)least - (double)scores[i]) / temperature);                                    \
            weights += weight;                                                                                         \
            sum += weight * (double)scores[i];                                                                         \
        }                                                                                                              \
        return sum / weights;                                                                                          \
    }

#define DEFINE_THRESHOLD(BITS, SCORE)                                                                                  \
    void segscore_copy_##BITS(const void *source, size_t count, SCORE *scores, size_t stride) {                        \
        const char *from = source;                                                                                     \
        for (size_t i = 0; i < count; i++) memcpy(&scores[i * stride], from + i * sizeof *scores, sizeof *scores);     \
    }                                                                                                                  \
                                                                                                                       \
    void segscore_below_##BITS(const SCORE *scores, size_t count, double threshold, uint8_t *mask) {                   \
        for (size_t i = 0; i < count; i++) mask[i] = (double)scores[i] < threshold;                                    \
    }                                                                                                                  \
                                                                                                                       \
    size_t segscore_count_below_##BITS(const SCORE *scores, size_t count, double threshold) {                          \
        size_t result = 0;                                                                                             \
        for (size_t i = 0; i < count; i++) result += (double)scores[i] < threshold;                                    \
        return result;                                                                                                 \
    }

#define DEFINE_SCORES(BITS, SCORE)                                                                                     \
    DEFINE_SELECT(BITS, SCORE, 8, uint8_t)                                                                             \
    DEFINE_SELECT(BITS, SCORE, 16, uint16_t)                                                                           \
    DEFINE_IMAGE(BITS, SCORE, 8, uint8_t)                                                                              \
    DEFINE_IMAGE(BITS, SCORE, 16, uint16_t)                                                                            \
    DEFINE_THRESHOLD(BITS, SCORE)

DEFINE_SCORES(32, float)
DEFINE_SCORES(64, double)

/// Loops over classes alone, for one type: `CLASS`, and `NAME` for the functions' names.

static uint32_t NAME(map_labels)(
    segscore_classes source, size_t count, size_t stride, const uint32_t *entries, CLASS *labels) {
    uint32_t seen = 0;
    if (source.is_wide) {
        const uint16_t *codes = source.start;
        for (size_t i = 0; i < count; i++) {
            uint32_t entry = entries[codes[i * stride]];
            seen |= entry;
            labels[i * stride] = (CLASS)entry;
        }
    } else {
        const uint8_t *codes = source.start;
        for (size_t i = 0; i < count; i++) {
            uint32_t entry = entries[codes[i * stride]];
            seen |= entry;
            labels[i * stride] = (CLASS)entry;
        }
    }
    return seen;
}

static size_t NAME(first_label_outside)(const CLASS *labels, size_t count, segscore_labels_kept kept) {
    // A whole block is looked at at once, which vectors can do; only in a block that has such a label is its place
    // looked for.
    enum { BLOCK = 1024 };
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t end = count - start < BLOCK ? count : start + BLOCK;
        unsigned char any = 0;
        for (size_t i = start; i < end; i++) any |= (labels[i] >= kept.class_count) & (labels[i] != kept.ignored);
        if (!any) continue;
        for (size_t i = start; i < end; i++)
            if (labels[i] >= kept.class_count && labels[i] != kept.ignored) return i;
    }
    return count;
}

static size_t NAME(first_label_kept)(const CLASS *labels, size_t count, segscore_labels_kept kept) {
    enum { BLOCK = 1024 };
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t end = count - start < BLOCK ? count : start + BLOCK;
        unsigned char any = 0;
        for (size_t i = start; i < end; i++) any |= (labels[i] < kept.class_count) & (labels[i] != kept.ignored);
        if (!any) continue;
        for (size_t i = start; i < end; i++)
            if (labels[i] < kept.class_count && labels[i] != kept.ignored) return i;
    }
    return count;
}

static size_t NAME(count_class)(const CLASS *labels, size_t count, uint32_t class_index) {
    size_t result = 0;
    for (size_t i = 0; i < count; i++) result += labels[i] == class_index;
    return result;
}

static size_t NAME(class_extents)(
    const CLASS *labels, size_t count, segscore_labels_kept kept, size_t gap, uint32_t *places,
    segscore_extent *extents) {
    size_t found = 0;
    for (size_t i = 0; i < count;) {
        // Neighbours mostly share a label.
        CLASS label = labels[i];
        size_t end = i + 1;
        while (count - end >= GROUP && memcmp(labels + end - 1, labels + end, GROUP * sizeof(CLASS)) == 0) end += GROUP;
        while (end < count && labels[end] == label) end++;
        if (label < kept.class_count && label != kept.ignored) {
            if (places[label] == 0 || i - extents[places[label] - 1].end > gap) {
                extents[found].class_index = label;
                extents[found].first = (uint32_t)i;
                places[label] = (uint32_t)++found;
            }
            extents[places[label] - 1].end = (uint32_t)end;
        }
        i = end;
    }
    for (size_t i = 0; i < found; i++) places[extents[i].class_index] = 0;
    return found;
}

static void NAME(block_labels)(
    const CLASS *labels, size_t height, size_t width, size_t side, segscore_labels_kept kept, CLASS *block_labels,
    uint32_t *counts) {
    size_t block = 0;
    for (size_t top = 0; top < height; top += side) {
        for (size_t left = 0; left < width; left += side, block++) {
            uint64_t sum = 0, count = 0;
            for (size_t y = top; y < top + side; y++) {
                for (size_t x = left; x < left + side; x++) {
                    CLASS label = labels[y * width + x];
                    bool is_kept = label < kept.class_count && label != kept.ignored;
                    sum += is_kept ? label : 0;
                    count += is_kept;
                }
            }
            counts[block] = (uint32_t)count;
            if (count == 0) {
                block_labels[block] = (CLASS)-1;
                continue;
            }
            uint64_t whole = sum / count, twice_rest = 2 * (sum % count);
            block_labels[block] = (CLASS)(whole + (twice_rest > count || (twice_rest == count && whole % 2 == 1)));
        }
    }
}

static void NAME(take_blocks)(
    double *sums, const uint32_t *counts, size_t count, uint32_t class_index, const CLASS *labels, double *totals,
    double *scores, double *largest, CLASS *predicted) {
    for (size_t i = 0; i < count; i++) {
        double mean = counts[i] == 0 ? 0 : sums[i] / counts[i];
        sums[i] = 0;
        totals[i] = class_index == 0 ? mean : totals[i] + mean;
        // A block of which no pixel takes part scores 1, so that it is never among the lowest.
        if (labels[i] == class_index || counts[i] == 0) scores[i] = counts[i] == 0 ? 1 : mean;
        if (class_index == 0 || mean > largest[i]) {
            largest[i] = mean;
            predicted[i] = (CLASS)class_index;
        }
    }
}

/// Whether a pixel is predicted as another class than its label, and its label is not ignored.
static inline uint8_t NAME(disagrees)(CLASS predicted, CLASS label, int32_t ignored) {
    return (predicted != label) & ((label != (CLASS)ignored) | (ignored < 0));
}

static size_t NAME(mark_disagreeing)(
    const uint8_t *block_marks, size_t side, const CLASS *predicted, const CLASS *labels, size_t count,
    int32_t ignored, uint8_t *marks) {
    if (side == 1) {
        for (size_t i = 0; i < count; i++)
            marks[i] = block_marks[i] & NAME(disagrees)(predicted[i], labels[i], ignored);
    } else {
        for (size_t i = 0; i < count; i++)
            marks[i] = block_marks[i / side] & NAME(disagrees)(predicted[i], labels[i], ignored);
    }
    return count_marks(marks, count);
}

static size_t NAME(disagreeing)(
    const CLASS *predicted, const CLASS *labels, size_t count, int32_t ignored, uint8_t *marks) {
    for (size_t i = 0; i < count; i++) marks[i] = NAME(disagrees)(predicted[i], labels[i], ignored);
    return count_marks(marks, count);
}

static void NAME(keep_class)(
    uint8_t *marks, const CLASS *labels, const CLASS *predicted, size_t count, uint32_t class_index) {
    for (size_t i = 0; i < count; i++) marks[i] &= (labels[i] == class_index) | (predicted[i] == class_index);
}

#undef CLASS
#undef NAME

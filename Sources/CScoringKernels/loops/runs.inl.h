/// Runs of a row's pixels, of which regions are made. `pixels.inl.h` includes it for each pair of types.

static size_t NAME(find_runs)(
    const uint8_t *marks, const uint8_t *counting, const SCORE *scores, const SCORE *largest, const CLASS *labels,
    const CLASS *predicted, size_t count, double floor, const segscore_corner *above, segscore_corner *corners,
    segscore_run *runs, size_t old_count) {
    for (size_t i = 0; i < old_count; i++)
        memset(corners + runs[i].first, 0, (runs[i].end - runs[i].first) * sizeof *corners);
    size_t found = 0;
    for (size_t i = 0; i < count;) {
        if (!marks[i]) {
            uint64_t group;
            while (count - i >= sizeof group && (memcpy(&group, marks + i, sizeof group), group == 0))
                i += sizeof group;
            if (i < count && !marks[i]) i++;
            continue;
        }
        segscore_run run = {.first = (uint32_t)i, .pair = (uint32_t)labels[i] << 16 | predicted[i]};
        CLASS label = labels[i], class_index = predicted[i];
        uint32_t last_side = 0;
        for (; i < count && marks[i] && labels[i] == label && predicted[i] == class_index; i++) {
            uint32_t side = 1;
            if (above && last_side && above[i].pair == run.pair && above[i - 1].pair == run.pair) {
                uint32_t least = above[i].side < above[i - 1].side ? above[i].side : above[i - 1].side;
                side += least < last_side ? least : last_side;
            }
            corners[i].pair = run.pair;
            corners[i].side = last_side = side;
            if (side > run.side) run.side = side;
            run.own += (double)scores[i];
            run.largest += (double)largest[i];
            if (counting && counting[i]) run.mass += squared_margin((double)scores[i], (double)largest[i], floor);
        }
        run.end = (uint32_t)i;
        runs[found++] = run;
    }
    return found;
}

"""What label issues of images on many machines are decided by, as pure arithmetic, against plain sorting and `fsum`."""

import math

import numpy as np
import pytest

from segscore._rounds import (
    LEAST_THRESHOLD,
    ClassTotals,
    Cut,
    Digit,
    Histogram,
    Search,
    digits_of,
    grouped,
    quotas_of,
    statistics_of,
)

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def sums_of(seed, images, classes):
    """Sums of all magnitudes, which no order of additions in float64 adds up to the same."""
    random = np.random.default_rng(seed)
    return random.random((images, classes)) * 10.0 ** random.integers(-320, 16, (images, classes))


@pytest.mark.parametrize("seed", range(20))
def test_sums_are_those_of_fsum_in_any_grouping_and_order(seed):
    random = np.random.default_rng(seed)
    sums = sums_of(seed, 40, 3)
    counts = random.integers(0, 9, sums.shape)
    blocks = np.split(random.permutation(40), np.sort(random.integers(0, 41, 6)))
    totals = [ClassTotals.of(sums[block], counts[block]) for block in blocks]
    while len(totals) > 1:
        totals = [ClassTotals.merged(group) for group in grouped(totals, 3)]
    assert totals[0].rounded_sums() == [math.fsum(column) for column in sums.T]
    assert [math.fsum(parts) for parts in totals[0].sum_parts()] == totals[0].rounded_sums()
    again = [
        ClassTotals.of(np.array([[part] for part in parts]), np.zeros((1, 1), int)) for parts in totals[0].sum_parts()
    ]
    assert tuple(each.sums[0] for each in again) == totals[0].sums
    assert totals[0].counts == tuple(counts.sum(axis=0))


def test_sums_are_rounded_half_to_even_and_reach_from_the_least_to_the_largest_number():
    least, largest = 2.0**-1074, np.finfo(np.float64).max
    sums = np.array([[1.0, 1.0, least, largest, 0.0], [2.0**-53, 2.0**-53 + 2.0**-80, least, 0.0, 0.0]])
    totals = ClassTotals.of(sums, np.ones((2, 5), np.int64))
    assert totals.rounded_sums() == [1.0, 1.0 + 2.0**-52, 2 * least, largest, 0.0]


def test_thresholds_are_means_but_no_less_than_the_least():
    totals = ClassTotals.of(np.array([[1.5, 0.0, 1e-9]]), np.array([[3, 0, 1]]))
    assert totals.thresholds().tolist() == [0.5, LEAST_THRESHOLD, LEAST_THRESHOLD]


def test_totals_of_no_images_are_zero():
    totals = ClassTotals.of(np.zeros((0, 2)), np.zeros((0, 2), np.int64))
    assert totals == ((0, 0), (0, 0))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
def test_digits_are_all_bits_of_scores_up_to_one(dtype):
    digits = digits_of(dtype)
    assert [digit.shift for digit in digits] == [
        sum(other.width for other in digits[place + 1 :]) for place in range(len(digits))
    ]
    one = int(np.ones(1, dtype).view(f"u{dtype.itemsize}")[0])
    assert one < 1 << sum(digit.width for digit in digits)
    assert all(digit.width <= 16 for digit in digits)


def histogram_of(scores, search, digit):
    """The histogram of a digit among the scores that begin as the search has found, by plain counting."""
    bits = scores.view(f"u{scores.itemsize}").astype(object)
    found = [
        (each >> digit.shift) & ((1 << digit.width) - 1)
        for each in bits
        if each >> (digit.shift + digit.width) == search.prefix
    ]
    return Histogram.of(np.bincount(np.array(found, np.int64), minlength=1 << digit.width))


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64])
@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_the_score_that_sorting_finds(dtype, seed):
    random = np.random.default_rng(seed)
    scores = random.random(60).astype(np.float16 if seed % 2 else dtype).astype(dtype)
    scores[:8] = [0, 0, 1, 1, np.finfo(dtype).tiny, 0.5, 0.5, 0.5]
    scores = random.permutation(scores)
    blocks = np.split(scores, [7, 7, 31])
    digits = digits_of(dtype)
    for count in (1, 2, 30, 60):
        search = Search()
        for digit in digits:
            histograms = [histogram_of(block, search, digit) for block in blocks]
            merged = Histogram.merged([Histogram.merged(histograms[:2]), *histograms[2:]])
            search = search.next(count, digit, merged)
        cut = Cut.of(search, count, digits)
        score = np.sort(scores)[count - 1]
        assert cut.score == score
        assert (cut.below, search.equal) == ((scores < score).sum(), (scores == score).sum())
        assert cut.ties == count - cut.below
        assert [each.count_of(cut.last) for each in histograms] == [(block == score).sum() for block in blocks]


def test_histograms_list_values_that_there_are_in_order():
    merged = Histogram.merged([Histogram.of(np.array([0, 2, 0, 5])), Histogram.of(np.array([0, 1, 4, 0]))])
    assert (merged.values.tolist(), merged.counts.tolist()) == ([1, 2, 3], [3, 4, 5])
    assert (merged.count_of(2), merged.count_of(0)) == (4, 0)


def test_a_histogram_may_be_empty():
    empty = Histogram.of(np.zeros(8, np.uint64))
    assert Histogram.merged([empty, empty]).values.size == 0
    assert empty.count_of(3) == 0


@pytest.mark.parametrize("ties, quotas", [(0, [0, 0, 0, 0]), (3, [2, 0, 1, 0]), (5, [2, 0, 3, 0]), (9, [2, 0, 3, 4])])
def test_the_first_blocks_have_the_ties(ties, quotas):
    assert quotas_of(ties, np.array([2, 0, 3, 4])).tolist() == quotas


def test_statistics_are_those_of_the_service():
    totals = ClassTotals.of(np.array([[1.5, 0.0]]), np.array([[3, 0]]))
    classes = [
        {"class": 0, "count": 3, "sum": 1.5, "sum_parts": [1.5], "confident_threshold": 0.5},
        {"class": 1, "count": 0, "sum": 0.0, "sum_parts": [], "confident_threshold": 2e-6},
    ]
    expected = {"downsample": 2, "num_pixels": 3, "num_issues": 0, "cut": None, "classes": classes}
    assert statistics_of(totals, 0, None, 2) == expected
    cut = Cut.of(Search(int(np.float32(0.25).view(np.uint32)), 4, 3), 6, (Digit(15, 15), Digit(0, 15)))
    assert statistics_of(totals, 6, cut, 2)["cut"] == {"score": 0.25, "below": 4, "ties": 2}

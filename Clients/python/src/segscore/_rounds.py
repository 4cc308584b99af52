"""What label issues of images on many machines need beside what each of these counts: sums, thresholds and the cut.

Everything here is exact and does not depend on how images are grouped, so that any grouping finds the same issues, to
the bit. Sums are integers in units of the least number of float64, and are rounded once, at the end. Only counts are
added up besides.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

LEAST_THRESHOLD = 2e-6
"""The confident threshold of a class that no cell is labelled as, and the least that any class has."""

UNIT_BITS = 1074
"""Every finite float64 is a multiple of 2**-1074."""

SIGNIFICAND_BITS = 53
"""How many bits of a number a float64 has."""


class ClassTotals(NamedTuple):
    """The own probabilities of the cells that are labelled as each class, over some images.

    Attributes
    ----------
    sums : tuple[int, ...]
        Their exact sums, (K,), in units of 2**-1074.
    counts : tuple[int, ...]
        How many there are, (K,).
    """

    sums: tuple[int, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, sums: np.ndarray, counts: np.ndarray) -> ClassTotals:
        """Adds up the sums and counts of images.

        Parameters
        ----------
        sums : np.ndarray
            float64 (N, K), at least 0.
        counts : np.ndarray
            Integers (N, K).
        """
        exact = tuple(sum(map(_units, of_class)) for of_class in sums.T.tolist())
        return cls(exact, tuple(counts.sum(axis=0, dtype=np.int64).tolist()))

    @classmethod
    def merged(cls, totals: Iterable[ClassTotals]) -> ClassTotals:
        """The totals of all images of several groups of them, which have as many classes."""
        sums, counts = zip(*totals)
        return cls(tuple(map(sum, zip(*sums))), tuple(map(sum, zip(*counts))))

    def rounded_sums(self) -> list[float]:
        """The sums, rounded to float64 once."""
        return list(map(_rounded, self.sums))

    def sum_parts(self) -> list[list[float]]:
        """For each class, numbers whose exact sum its sum is, the largest first; one if it is a float64."""
        return [_parts(total) for total in self.sums]

    def thresholds(self) -> np.ndarray:
        """The confident threshold of each class, float64 (K,): the mean of its own probabilities."""
        means = [total / count if count else 0.0 for total, count in zip(self.rounded_sums(), self.counts)]
        return np.maximum(np.array(means, np.float64), LEAST_THRESHOLD)


def _units(value: float) -> int:
    """A number in units of 2**-1074."""
    numerator, denominator = value.as_integer_ratio()
    return numerator << UNIT_BITS + 1 - denominator.bit_length()


def _rounded(units: int) -> float:
    """The float64 that is nearest to a number of units."""
    # Python rounds the quotient of two integers correctly, however large these are.
    return units / (1 << UNIT_BITS)


def _parts(units: int) -> list[float]:
    parts = []
    while units:
        lowest = max(units.bit_length() - SIGNIFICAND_BITS, 0)
        part = units >> lowest << lowest
        parts.append(_rounded(part))
        units -= part
    return parts


class Digit(NamedTuple):
    """Some bits of a score.

    Attributes
    ----------
    shift : int
        How many bits are below.
    width : int
        How many bits it has.
    """

    shift: int
    width: int


def digits_of(dtype: np.dtype[Any]) -> tuple[Digit, ...]:
    """The digits of scores from 0 to 1, whose order is that of their bits; the highest digit first."""
    if dtype.itemsize == 4:
        return Digit(15, 15), Digit(0, 15)
    return Digit(46, 16), Digit(30, 16), Digit(15, 15), Digit(0, 15)


class Histogram(NamedTuple):
    """How many scores have each value of a digit; only values that there are.

    Attributes
    ----------
    values : np.ndarray
        The values, from the lowest on, uint16 (V,).
    counts : np.ndarray
        How many scores have each of them, int64 (V,), above 0.
    """

    values: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray) -> Histogram:
        """The histogram of the counts of all values of a digit."""
        values = np.flatnonzero(counts)
        return cls(values.astype(np.uint16), counts[values].astype(np.int64))

    @classmethod
    def merged(cls, histograms: Sequence[Histogram]) -> Histogram:
        """The histogram of the scores of all of them."""
        values, places = np.unique(np.concatenate([each.values for each in histograms]), return_inverse=True)
        counts = np.zeros(len(values), np.int64)
        np.add.at(counts, places, np.concatenate([each.counts for each in histograms]))
        return cls(values, counts)

    def count_of(self, value: int) -> int:
        """How many scores have this value of the digit."""
        return int(self.counts[self.values == value].sum())


class Search(NamedTuple):
    """What is known of the n-th lowest score when its first digits have been found.

    Attributes
    ----------
    prefix : int
        These digits.
    below : int
        How many scores have lower ones.
    equal : int
        How many scores have the same.
    """

    prefix: int = 0
    below: int = 0
    equal: int = 0

    def next(self, count: int, digit: Digit, histogram: Histogram) -> Search:
        """Finds the next digit.

        Parameters
        ----------
        count : int
            n, from 1 to the number of scores.
        histogram : Histogram
            Of the digit, of those scores that begin with the prefix.
        """
        up_to = self.below + np.cumsum(histogram.counts)
        place = int(np.searchsorted(up_to, count))
        equal = int(histogram.counts[place])
        value = int(histogram.values[place])
        return Search(self.prefix << digit.width | value, int(up_to[place]) - equal, equal)


class Cut(NamedTuple):
    """Which cells are candidates for label issues.

    Attributes
    ----------
    score : float
        The n-th lowest score.
    below : int
        How many cells score below; all of them are candidates.
    ties : int
        How many of those with just this score are candidates, the first by image, row and column.
    last : int
        The last digit of the score.
    """

    score: float
    below: int
    ties: int
    last: int

    @classmethod
    def of(cls, search: Search, count: int, digits: Sequence[Digit]) -> Cut:
        """The cut of a search that has found all digits, for the n-th lowest score."""
        is_double = digits[0].shift + digits[0].width > 32
        [score] = struct.unpack("<d" if is_double else "<f", struct.pack("<Q" if is_double else "<I", search.prefix))
        return cls(score, search.below, count - search.below, search.prefix & ((1 << digits[-1].width) - 1))


def quotas_of(ties: int, equals: np.ndarray) -> np.ndarray:
    """How many of the cells at the cut are candidates in each block.

    Parameters
    ----------
    ties : int
        How many are in all blocks.
    equals : np.ndarray
        How many cells of each block have the score at the cut, int64 (B,), in the order of the images.

    Returns
    -------
    np.ndarray
        int64 (B,). The first blocks have as many as there are.
    """
    before = np.cumsum(equals) - equals
    quotas: np.ndarray = np.clip(ties - before, 0, equals)
    return quotas


def statistics_of(totals: ClassTotals, count: int, cut: Cut | None, downsample: int) -> dict[str, Any]:
    """The numbers that decided which pixels are label issues, as `Job.statistics` gives them."""
    columns = zip(totals.counts, totals.rounded_sums(), totals.sum_parts(), totals.thresholds().tolist())
    return {
        "downsample": downsample,
        "num_pixels": sum(totals.counts),
        "num_issues": count,
        "cut": None if cut is None else {"score": cut.score, "below": cut.below, "ties": cut.ties},
        "classes": [
            {"class": index, "count": labelled, "sum": total, "sum_parts": parts, "confident_threshold": threshold}
            for index, (labelled, total, parts, threshold) in enumerate(columns)
        ],
    }


def grouped(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """The items in groups of a size, of which the last may be smaller."""
    return (items[start : start + size] for start in range(0, len(items), size))

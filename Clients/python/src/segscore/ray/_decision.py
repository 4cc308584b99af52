"""What all images decide together: the rounds from class totals to the cut.

0. Class totals are merged to the confident thresholds.
1. Each block counts its confident cells, which are merged to n.
2. Each block counts the values of a digit of its scores, among those that begin as the n-th lowest does; merged, they
   tell the next digit of that. It is repeated for each digit.
3. Each block's counts of the last digit tell how many cells at the cut it has, and so how many of them are candidates.

The rounds are tasks on the blocks of reduced rows and not operations of Ray Data, since ties count in the order of
images, and a task knows the place of a block by its reference. What goes to and from blocks is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, NamedTuple

import numpy as np
import ray

from .._rounds import ClassTotals, Cut, Histogram, Search, digits_of, grouped, quotas_of
from . import _tasks

SPLIT_EVERY = 8
"""How many results a task merges."""


class Decision(NamedTuple):
    """What marks the label issues of each block."""

    totals: ClassTotals
    #: n, how many cells may be label issues.
    candidates: int
    #: None if n is 0.
    cut: Cut | None
    #: How many of the cells at the cut are candidates in each block.
    quotas: tuple[int, ...]

    @classmethod
    def of(cls, blocks: Sequence[Any], prefix: str) -> Decision:
        """The decision of all images.

        Parameters
        ----------
        blocks : Sequence[ray.ObjectRef]
            Tables of reduced rows, in the order of the images.
        prefix : str
            How the columns of cells are called; see `_tasks`.

        Raises
        ------
        ValueError
            Images have different numbers of classes, or predictions of types of different width.
        """
        totals, dtype = _totals(blocks, prefix)
        thresholds = totals.thresholds()
        count = _merged(sum, of_each(_tasks.confident, blocks, prefix, thresholds))
        if count == 0:
            return cls(totals, count, None, (0,) * len(blocks))
        digits = digits_of(dtype)
        search = Search()
        for digit in digits:
            counted = of_each(_tasks.histogram, blocks, prefix, digit, search.prefix)
            search = search.next(count, digit, _merged(Histogram.merged, counted))
        cut = Cut.of(search, count, digits)
        equals = ray.get(of_each(Histogram.count_of, counted, cut.last))
        return cls(totals, count, cut, tuple(quotas_of(cut.ties, np.array(equals, np.int64)).tolist()))


def _totals(blocks: Sequence[Any], prefix: str) -> tuple[ClassTotals, np.dtype[Any]]:
    """The class totals, and the type of scores."""
    found = _merged(_tasks.merged_totals, of_each(_tasks.totals, blocks, prefix))
    if len(found) > 1:
        raise ValueError(
            "all images must have as many classes, and predictions of as wide a type, and not "
            + " and ".join(f"{classes} of {name}" for classes, name in sorted(found))
        )
    [((_, name), totals)] = found.items()
    return totals, np.dtype(name)


def _merged(merge: Callable[[Sequence[Any]], Any], results: Sequence[Any]) -> Any:
    """The result that tasks merge of those of all blocks, a few at a time."""
    task = ray.remote(_tasks.merged)
    while len(results) > 1:
        results = [task.remote(merge, *group) for group in grouped(results, SPLIT_EVERY)]
    return ray.get(results[0])


def of_each(function: Callable[..., Any], blocks: Sequence[Any], *arguments: Any) -> list[Any]:
    """References to what tasks make of each block."""
    task = ray.remote(function)
    return [task.remote(block, *arguments) for block in blocks]

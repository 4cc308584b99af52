"""What all images decide together: the graph of the rounds from class totals to the cut.

0. Class totals are merged to the confident thresholds, and with them the counts of the first digit of scores.
1. Each block counts its confident cells, which are merged to n. After that nothing needs `largest`, and n tells the
   first digit of the n-th lowest score.
2. Each block counts the values of the next digit of its scores, among those that begin as the n-th lowest does; merged,
   they tell that digit of it. It is repeated for each digit that is left.
3. The last counts tell how many cells at the cut each block has, and so how many of them are candidates.

What goes to all blocks is small: thresholds, the digits found so far, the cut, and eight bytes for each block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, NamedTuple

import numpy as np
from dask._task_spec import TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from .._rounds import Digit, Histogram, digits_of
from . import _tasks
from ._graphs import Blocks, Key, Recipe, Step, Tasks, added, blocks_of, numbers_of, together, tree
from ._parts import Part


class Decision(NamedTuple):
    """The tasks whose results all blocks share."""

    graph: HighLevelGraph
    #: The layer in which they are.
    layer: str
    #: What the images of these parts are called in keys.
    token: str

    @classmethod
    def of(cls, parts: Sequence[Part], split_every: int) -> Decision:
        """Adds the rounds to the graph of the images of all parts."""
        given = [each for part in parts for each in (part.kept, part.cell_largest, part.first)]
        token = str(tokenize([each.name for each in given], split_every))
        name = f"segscore-rounds-{token}"
        blocks = list(map(_BlocksOfPart.of, parts))
        layer = Recipe(_rounds, blocks, digits_of(parts[0].dtypes["cells"]), split_every, token)
        return cls(added(together(given), name, layer, [each.name for each in given]), name, token)

    @property
    def first(self) -> Key:
        """The class totals, and the counts of the first digit."""
        return _merge_key("totals", self.token)

    @property
    def count(self) -> Key:
        """n."""
        return _merge_key("count", self.token)

    @property
    def cut(self) -> Key:
        """The cut, or None."""
        return _key("cut", self.token)

    @property
    def quotas(self) -> Key:
        """How many of the cells at the cut are candidates in each block that has images, in order."""
        return _key("quotas", self.token)


class _BlocksOfPart(NamedTuple):
    """The blocks of one part."""

    kept: Blocks
    largest: Blocks
    first: Blocks
    #: How many images each block has.
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, part: Part) -> _BlocksOfPart:
        kept, largest, first = blocks_of(part.kept), blocks_of(part.cell_largest), blocks_of(part.first)
        return cls(kept, largest, first, part.kept.sizes)


def _rounds(parts: Sequence[_BlocksOfPart], digits: Sequence[Digit], split_every: int, token: str) -> Tasks:
    tasks: Tasks = {}
    blocks = [(part, block) for part in parts for block in numbers_of(part.sizes)]

    def step(kind: str, place: tuple[int, ...], function: Callable[..., Any], *arguments: Any) -> TaskRef:
        key = _key(kind, token, *place)
        tasks[key] = Step(key, function, *arguments)
        return TaskRef(key)

    def merged(what: str, leaves: Sequence[Any], function: Callable[[Any], Any], *first: Any) -> TaskRef:
        return tree(tasks, _merge_key(what, token), leaves, function, split_every, *first)

    first = merged("totals", [part.first[block] for part, block in blocks], _tasks.first_merged)
    thresholds = step("thresholds", (), _tasks.thresholds_of, first)

    counts = []
    for number, (part, block) in enumerate(blocks):
        given = part.largest[block], part.kept[block], thresholds
        counts.append(step("confident", (number,), _tasks.confident, *given))
    count = merged("count", counts, sum)

    search = step("cut", (0,), _tasks.first_searched, first, count, digits[0])
    histograms: list[TaskRef] = []
    for place, digit in enumerate(digits[1:], 1):
        histograms = []
        for number, (part, block) in enumerate(blocks):
            histograms.append(step("histogram", (place, number), _tasks.histogram, part.kept[block], digit, search))
        histogram = merged(f"digit {place}", histograms, Histogram.merged)
        search = step("cut", (place,), _tasks.searched, search, count, digit, histogram)
    cut = step("cut", (), _tasks.cut_of, search, count, digits)

    equals = merged("equals", histograms, np.concatenate, _tasks.equals_of, cut)
    step("quotas", (), _tasks.quotas, equals, cut)
    return tasks


def _key(kind: str, token: str, *place: int) -> Key:
    return (f"segscore-{kind}-{token}", *place)


def _merge_key(what: str, token: str) -> tuple[str, str]:
    return (f"segscore-merge-{token}", what)

"""What all images decide together: the graph of the rounds from class totals to the cut.

0. Class totals are merged to the confident thresholds.
1. Each block counts its confident cells, which are merged to n. After that nothing needs `largest`.
2. Each block counts the values of a digit of its scores, among those that begin as the n-th lowest does; merged, they
   tell the next digit of that. It is repeated for each digit. The first of these rounds waits for no other.
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

from .._rounds import ClassTotals, Digit, Histogram, Search, digits_of
from . import _tasks
from ._graphs import Key, Layer, Step, added, block_key, blocks_of, refs, together, tree
from ._parts import Part


class Decision(NamedTuple):
    """The tasks whose results all blocks share."""

    graph: HighLevelGraph
    #: The layer in which they are.
    layer: str
    #: What the images of these arrays are called in keys.
    token: str
    totals: Key
    count: Key
    cut: Key
    #: The quotas of all blocks that have images, in order.
    quotas: Key


def decision_of(parts: Sequence[Part], split_every: int) -> Decision:
    """Adds the rounds to the graph of the images of all parts."""
    arrays = [array for part in parts for array in (*vars(part.cells).values(), part.class_sums, part.class_counts)]
    token = str(tokenize([array.name for array in arrays], split_every))
    digits = digits_of(parts[0].cells.own.dtype)
    rounds = _Rounds(parts, split_every, token)
    totals, thresholds = rounds.thresholds()
    count = rounds.count(thresholds)
    cut, histograms = rounds.cut(count, digits)
    quotas = rounds.quotas(cut, histograms)
    name = f"segscore-rounds-{token}"
    graph = added(together(arrays), name, rounds.layer, [array.name for array in arrays])
    return Decision(graph, name, token, totals, count, cut, quotas)


class _Rounds:
    """Makes the tasks of the rounds."""

    def __init__(self, parts: Sequence[Part], split_every: int, token: str):
        self.layer: Layer = {}
        self._blocks = [(part, block) for part in parts for block in blocks_of(part.cells.own)]
        self._split_every = split_every
        self._token = token

    def thresholds(self) -> tuple[Key, Key]:
        """The class totals, and the thresholds that they tell."""
        pairs = [
            [block_key(part.class_sums, block), block_key(part.class_counts, block)] for part, block in self._blocks
        ]
        totals = self._merged("totals", list(map(refs, pairs)), ClassTotals.merged, _tasks.totals_of)
        return totals, self._step("thresholds", (), _tasks.thresholds_of, TaskRef(totals))

    def count(self, thresholds: Key) -> Key:
        """n."""
        keys = []
        for number, (part, block) in enumerate(self._blocks):
            cells = part.cells
            given = (TaskRef(block_key(array, block)) for array in (cells.largest, cells.predicted, cells.labels))
            keys.append(self._step("confident", (number,), _tasks.confident, *given, TaskRef(thresholds)))
        return self._merged("count", list(map(TaskRef, keys)), sum)

    def cut(self, count: Key, digits: Sequence[Digit]) -> tuple[Key, list[Key]]:
        """The cut, and what each block has counted of the last digit."""
        search: Any = Search()
        keys: list[Key] = []
        for place, digit in enumerate(digits):
            keys = []
            for number, (part, block) in enumerate(self._blocks):
                given = (TaskRef(block_key(array, block)) for array in (part.cells.own, part.cells.labels))
                keys.append(self._step("histogram", (place, number), _tasks.histogram, *given, digit, search))
            merged = self._merged(f"digit {place}", list(map(TaskRef, keys)), Histogram.merged)
            found = self._step("cut", (place,), _tasks.searched, search, TaskRef(count), digit, TaskRef(merged))
            search = TaskRef(found)
        return self._step("cut", (), _tasks.cut_of, search, TaskRef(count), digits), keys

    def quotas(self, cut: Key, histograms: Sequence[Key]) -> Key:
        """How many of the cells at the cut are candidates in each block."""
        leaves = list(map(TaskRef, histograms))
        equals = self._merged("equals", leaves, np.concatenate, _tasks.equals_of, TaskRef(cut))
        return self._step("quotas", (), _tasks.quotas, TaskRef(equals), TaskRef(cut))

    def _merged(
        self,
        what: str,
        leaves: Sequence[Any],
        function: Callable[[Any], Any],
        first: Callable[..., Any] | None = None,
        *arguments: Any,
    ) -> Key:
        name = (f"segscore-merge-{self._token}", what)
        return tree(self.layer, name, leaves, function, self._split_every, first, *arguments)

    def _step(self, kind: str, place: tuple[int, ...], function: Callable[..., Any], *arguments: Any) -> Key:
        key = (f"segscore-{kind}-{self._token}", *place)
        self.layer[key] = Step(key, function, *arguments)
        return key

"""Label issues: the graph that marks them in each block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import dask.array as da
import numpy as np
from dask._task_spec import TaskRef
from dask.highlevelgraph import HighLevelGraph

from . import _tasks
from ._decision import Decision
from ._graphs import Blocks, Key, Recipe, Step, Tasks, added, delayed, item_array, numbers_of, together
from ._parts import Part


class Marks(NamedTuple):
    """The tasks that mark the label issues of each block."""

    graph: HighLevelGraph
    #: The layer of each part, whose keys are `(name, block)`; what they give is `_tasks.Marks`.
    names: tuple[str, ...]
    #: The images that each part's blocks have.
    chunks: tuple[tuple[int, ...], ...]
    #: What results are called that depend on all of this.
    token: str
    #: The class totals, n and the cut.
    statistics: tuple[Key, Key, Key]

    @classmethod
    def of(cls, parts: Sequence[Part], split_every: int) -> Marks:
        """The label issues of the images of all parts."""
        decision = Decision.of(parts, split_every)
        shared = TaskRef(decision.cut), TaskRef(decision.quotas)
        graph = decision.graph
        names = []
        first = 0
        for index, part in enumerate(parts):
            arrays = part.cells.own, part.cells.labels, part.pixels.labels, part.pixels.predicted
            sizes = part.pixels.own.chunks[0]
            name = f"segscore-mark-{decision.token}-{index}"
            layer = Recipe(_marks, name, tuple(map(Blocks.of, arrays)), sizes, shared, first)
            graph = HighLevelGraph.merge(graph, together(arrays))
            graph = added(graph, name, layer, {decision.layer, *(array.name for array in arrays)})
            names.append(name)
            first += len(numbers_of(sizes))
        chunks = tuple(part.pixels.own.chunks[0] for part in parts)
        return cls(graph, tuple(names), chunks, decision.token, (decision.totals, decision.count, decision.cut))

    def mask(self, index: int, like: da.Array) -> da.Array:
        """The label issues of a part, in the shape of an array of its pixels."""
        return self._array(index, 0, "issues", like.chunks, bool)

    def image_scores(self, index: int) -> da.Array:
        """The share of each image's pixels that are no label issues."""
        return self._array(index, 2, "image-scores", (self.chunks[index],), np.float64)

    def blocks(self) -> list[tuple[int, int, int]]:
        """The part of each block that has images, its number there, and that of its first image over all parts."""
        found = []
        first = 0
        for index, sizes in enumerate(self.chunks):
            for block, images in enumerate(sizes):
                if images:
                    found.append((index, block, first))
                first += images
        return found

    def summed_up(self, downsample: int) -> object:
        """The statistics, as a `dask.delayed`."""
        name = f"segscore-statistics-{self.token}"
        return delayed(self.graph, name, _tasks.statistics, self.statistics, downsample)

    def _array(self, index: int, item: int, what: str, chunks: tuple[tuple[int, ...], ...], dtype: type) -> da.Array:
        name = f"segscore-{what}-{self.token}-{index}"
        return item_array(self.graph, self.names[index], item, name, chunks, dtype)


def _marks(
    name: str, arrays: Sequence[Blocks], sizes: Sequence[int], shared: tuple[TaskRef, TaskRef], first: int
) -> Tasks:
    """The tasks of one part, of whose blocks the first that has images has the quota of number `first`."""
    tasks: Tasks = {}
    for number, block in enumerate(numbers_of(sizes), first):
        own, labels, pixel_labels, pixel_predicted = (array[block] for array in arrays)
        key = (name, block)
        tasks[key] = Step(key, _tasks.marked, own, labels, *shared, number, pixel_labels, pixel_predicted)
    return tasks

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
from ._graphs import Blocks, Chunks, Key, Recipe, Results, Step, Tasks, added, blocks_of, by_blocks, delayed, numbers_of
from ._parts import Part


class Marks(NamedTuple):
    """The tasks that mark the label issues of each block."""

    graph: HighLevelGraph
    #: The layer of each part, whose keys are `(name, block)`; what they give is `_tasks.Marks`.
    names: tuple[str, ...]
    #: The images that each part's blocks have.
    sizes: tuple[tuple[int, ...], ...]
    #: What results are called that depend on all of this.
    token: str
    #: The class totals with the first counts, n and the cut.
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
            name = f"segscore-mark-{decision.token}-{index}"
            layer = Recipe(_marks, name, blocks_of(part.kept), part.kept.sizes, shared, first)
            graph = added(HighLevelGraph.merge(graph, part.kept.graph), name, layer, {decision.layer, part.kept.name})
            names.append(name)
            first += len(numbers_of(part.kept.sizes))
        sizes = tuple(part.kept.sizes for part in parts)
        return cls(graph, tuple(names), sizes, decision.token, (decision.first, decision.count, decision.cut))

    def of_part(self, index: int) -> Results:
        """The label issues of each block of a part."""
        return Results(self.graph, self.names[index], self.sizes[index])

    def mask(self, index: int, chunks: Chunks) -> da.Array:
        """The label issues of a part, whose labels have such chunks."""
        return self._array(index, "mask", "issues", chunks, bool)

    def image_scores(self, index: int) -> da.Array:
        """The share of each image's pixels that are no label issues."""
        return self._array(index, "image_scores", "image-scores", (self.sizes[index],), np.float64)

    def blocks(self) -> list[tuple[int, int, int]]:
        """The part of each block that has images, its number there, and that of its first image over all parts."""
        found = []
        first = 0
        for index, sizes in enumerate(self.sizes):
            for block, images in enumerate(sizes):
                if images:
                    found.append((index, block, first))
                first += images
        return found

    def summed_up(self, downsample: int) -> object:
        """The statistics, as a `dask.delayed`."""
        name = f"segscore-statistics-{self.token}"
        return delayed(self.graph, name, _tasks.statistics, self.statistics, downsample)

    def _array(self, index: int, item: str, what: str, chunks: Chunks, dtype: type) -> da.Array:
        name = f"segscore-{what}-{self.token}-{index}"
        return by_blocks(name, _tasks.of_marks, [self.of_part(index)], chunks, dtype, item, is_shown=False)


def _marks(name: str, kept: Blocks, sizes: Sequence[int], shared: tuple[TaskRef, TaskRef], first: int) -> Tasks:
    """The tasks of one part, of whose blocks the first that has images has the quota of number `first`."""
    tasks: Tasks = {}
    for number, block in enumerate(numbers_of(sizes), first):
        key = (name, block)
        tasks[key] = Step(key, _tasks.marked, kept[block], *shared, number)
    return tasks

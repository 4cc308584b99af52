"""Label issues: the graph that marks them in each block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import dask.array as da
import numpy as np
from dask._task_spec import TaskRef
from dask.highlevelgraph import HighLevelGraph

from . import _tasks
from ._decision import decision_of
from ._graphs import Key, Layer, Step, added, block_key, blocks_of, delayed, in_one_go, item_array, together
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
    @in_one_go
    def of(cls, parts: Sequence[Part], split_every: int) -> Marks:
        """The label issues of the images of all parts."""
        decision = decision_of(parts, split_every)
        pixels_of_all = [array for part in parts for array in (part.pixels.labels, part.pixels.predicted)]
        graph = HighLevelGraph.merge(decision.graph, together(pixels_of_all))
        names = []
        number = 0
        for index, part in enumerate(parts):
            cells, pixels = part.cells, part.pixels
            name = f"segscore-mark-{decision.token}-{index}"
            layer: Layer = {}
            for block in blocks_of(pixels.own):
                own, labels, pixel_labels, pixel_predicted = (
                    TaskRef(block_key(array, block))
                    for array in (cells.own, cells.labels, pixels.labels, pixels.predicted)
                )
                shared = TaskRef(decision.cut), TaskRef(decision.quotas), number
                key = (name, block)
                layer[key] = Step(key, _tasks.marked, own, labels, *shared, pixel_labels, pixel_predicted)
                number += 1
            needs = {array.name for array in (cells.own, cells.labels, pixels.labels, pixels.predicted)}
            graph = added(graph, name, layer, {decision.layer, *needs})
            names.append(name)
        chunks = tuple(part.pixels.own.chunks[0] for part in parts)
        return cls(graph, tuple(names), chunks, decision.token, (decision.totals, decision.count, decision.cut))

    def mask(self, index: int, like: da.Array) -> da.Array:
        """The label issues of a part, in the shape of an array of its pixels."""
        return self._array(index, 0, "issues", like.chunks, bool)

    def image_scores(self, index: int) -> da.Array:
        """The share of each image's pixels that are no label issues."""
        return self._array(index, 2, "image-scores", (self.chunks[index],), np.float64)

    def tasks(self) -> list[tuple[int, int, int, TaskRef]]:
        """The part and the number in it of each block that has images, its first image over all parts, and its task."""
        found = []
        first = 0
        for index, along in enumerate(self.chunks):
            for block, images in enumerate(along):
                if images:
                    found.append((index, block, first, TaskRef((self.names[index], block))))
                first += images
        return found

    def summed_up(self, downsample: int) -> object:
        """The statistics, as a `dask.delayed`."""
        name = f"segscore-statistics-{self.token}"
        return delayed(self.graph, name, _tasks.statistics, self.statistics, downsample)

    def _array(self, index: int, item: int, what: str, chunks: tuple[tuple[int, ...], ...], dtype: type) -> da.Array:
        name = f"segscore-{what}-{self.token}-{index}"
        return item_array(self.graph, self.names[index], item, name, chunks, dtype)

"""Images of one size, reduced: what is lazily there of each block of them."""

from __future__ import annotations

import dataclasses

import dask.array as da
import numpy as np

from . import _tasks
from ._frames import Frame
from ._graphs import Chunks, Results, by_blocks


@dataclasses.dataclass(frozen=True)
class Part:
    """The reduced images of one array.

    It is a dataclass, so that Dask finds the lazy things in it where it persists a whole `Reduction`. What scores and
    issues are made of lies in few of them, since Dask takes longer for a task than many take to run.
    """

    #: `_tasks.Kept` of each block.
    kept: Results
    #: The largest probability of each pixel, (N, H, W), in the type of `own`.
    largest: da.Array
    #: That of each cell. It is looked at once, ahead of the cut, and apart from the others, so that it can be let go.
    cell_largest: da.Array
    #: `_tasks.First` of each block.
    first: Results
    #: Those of labels, (N, H, W).
    chunks: Chunks
    #: The types of `own`, of cells' scores, of predicted classes and of labels.
    dtypes: dict[str, np.dtype]
    classes: int
    #: How results are framed if labels are a `DataArray`.
    frame: Frame | None

    @property
    def own(self) -> da.Array:
        """The probability of each pixel's label, (N, H, W), float32 or float64; 1 where it takes no part."""
        return self._pixels("own")

    @property
    def predicted(self) -> da.Array:
        """The class of the largest probability, the first of equals, uint8 or uint16 (N, H, W)."""
        return self._pixels("predicted")

    @property
    def labels(self) -> da.Array:
        """The class of each pixel's label, uint8 or uint16 (N, H, W); all ones where it takes no part."""
        return self._pixels("labels")

    def _pixels(self, name: str) -> da.Array:
        token = self.kept.name.rpartition("-")[2]
        called = f"segscore-{name}-{token}"
        return by_blocks(called, _tasks.of_pixels, [self.kept], self.chunks, self.dtypes[name], name, is_shown=False)

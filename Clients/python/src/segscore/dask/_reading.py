"""The graph that reduces blocks of images."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple

import dask.array as da
import numpy as np
from dask._task_spec import DataNode, TaskRef
from dask.base import is_dask_collection, tokenize
from dask.highlevelgraph import HighLevelGraph

from .._rounds import digits_of
from . import _tasks
from ._frames import Frame, is_data_array
from ._graphs import Blocks, Chunks, Key, Recipe, Results, Step, Tasks, added, blocks_of, by_blocks, results, together
from ._inputs import aligned, check, check_downsample, check_images, opened, score_dtype
from ._parts import Part


class Reading(NamedTuple):
    """How predictions are read."""

    #: What they are called, `pred_probs` or `logits`.
    name: str
    #: The parameters of the engine that are given.
    query: dict[str, Any]
    downsample: int

    def arrays(self, labels: Any, predictions: Any) -> Part:
        """The reduced images of arrays of labels and predictions."""
        given, labels, predictions = labels, opened(labels, "labels"), opened(predictions, self.name)
        layout = self.query.get("layout")
        check(labels, predictions, self.name, layout, self._is_resized)
        is_one_hot = labels.ndim == predictions.ndim
        predictions, labels = aligned(predictions, labels)
        token = str(tokenize("arrays", labels.name, predictions.name, self))

        arrays = labels, predictions
        graph = self._reduced(together(arrays), token, _tasks.reduced, (), arrays, ())
        channels = predictions.shape[-1 if layout == "NHWC" else 1]
        chunks = (labels.chunks[0], *labels.chunks[2 if is_one_hot else 1 :])
        frame = Frame(given, 1 if is_one_hot else None) if is_data_array(given) else None
        return self._part(graph, token, chunks, score_dtype(predictions.dtype), self._classes(channels), frame)

    def modelled(self, model: Any, dtype: np.dtype[Any], labels: Any, images: Any) -> Part:
        """The reduced images of what a model predicts, whose scores are of a type."""
        given, labels, images = labels, opened(labels, "labels"), opened(images, "images")
        check_images(labels, images)
        images, labels = aligned(images, labels)
        token = str(tokenize("model", model, images.name, labels.name, self, dtype))
        graph = together([images, labels])
        if is_dask_collection(model):
            key = model.key
            graph = together([images, labels, model])
        else:
            key = f"segscore-model-{token}"
            graph = added(graph, key, {key: DataNode(key, model)}, [])
        after = dtype, self._is_resized or "layout" in self.query
        graph = self._reduced(graph, token, _tasks.modelled, (key,), (images, labels), after)
        frame = Frame(given, None) if is_data_array(given) else None
        return self._part(graph, token, labels.chunks, dtype, self.query["classes"], frame)

    @property
    def _is_resized(self) -> bool:
        """Whether predictions may have another height and width than labels."""
        return "resize" in self.query or "valid" in self.query

    def _classes(self, channels: int) -> int:
        """K. One channel tells of two classes where it goes through a sigmoid."""
        activation = self.query.get("activation", "sigmoid" if self.name == "logits" else None)
        is_pair = channels == 1 and activation == "sigmoid"
        return int(self.query.get("classes", 2 if is_pair else channels))

    def _reduced(
        self,
        graph: HighLevelGraph,
        token: str,
        function: Callable[..., Any],
        before: tuple[Key, ...],
        arrays: tuple[da.Array, ...],
        after: tuple[Any, ...],
    ) -> HighLevelGraph:
        """Adds the tasks that reduce blocks, which may need all that is in the graph.

        Parameters
        ----------
        function : Callable[..., Any]
            Takes the results of the tasks `before`, a block of each array, what predictions are called, the query, the
            number of the block's first image, and `after`.
        """
        name = f"segscore-reduce-{token}"
        given = tuple(map(blocks_of, arrays))
        sizes = arrays[0].chunks[0]
        layer = Recipe(_reductions, name, function, before, given, sizes, (self.name, self.query), after)
        return added(graph, name, layer, graph.layers)

    def _part(
        self, graph: HighLevelGraph, token: str, chunks: Chunks, dtype: np.dtype[Any], classes: int, frame: Frame | None
    ) -> Part:
        """What there is of the results of the tasks that reduce blocks.

        Parameters
        ----------
        chunks : Chunks
            Those of labels, (N, H, W).
        """
        along, *space = chunks
        side = self.downsample
        check_downsample(side, tuple(extent for [extent] in space))
        # Of the codes of labels, that of all ones is no class.
        codes = np.dtype(np.uint8 if classes <= 255 else np.uint16)
        dtypes = {
            "own": dtype,
            "cells": dtype if side == 1 else np.dtype(np.float64),
            "predicted": codes,
            "labels": codes,
        }
        reduced = Results(graph, f"segscore-reduce-{token}", along)

        def largest(prefix: str, dtype: Any, *space: tuple[int, ...]) -> da.Array:
            name = f"segscore-{prefix}largest-{token}".replace("_", "-")
            item = f"{prefix}largest"
            return by_blocks(name, _tasks.handed_on, [reduced], (along, *space), dtype, item, is_shown=False)

        of_pixels = largest("", dtype, *space)
        blocks = [(extent // side,) for [extent] in space]
        return Part(
            kept=results(f"segscore-kept-{token}", _tasks.handed_on, reduced, "kept", is_shown=False),
            largest=of_pixels,
            cell_largest=of_pixels if side == 1 else largest("block_", dtypes["cells"], *blocks),
            first=results(f"segscore-totals-{token}", _tasks.first_of, reduced, digits_of(dtypes["cells"])[0]),
            chunks=chunks,
            dtypes=dtypes,
            classes=classes,
            frame=frame,
        )


def _reductions(
    name: str,
    function: Callable[..., Any],
    before: tuple[Key, ...],
    arrays: tuple[Blocks, ...],
    sizes: tuple[int, ...],
    about: tuple[Any, ...],
    after: tuple[Any, ...],
) -> Tasks:
    tasks: Tasks = {}
    first = 0
    for block, images in enumerate(sizes):
        if images:
            key = (name, block)
            blocks = (array[block] for array in arrays)
            tasks[key] = Step(key, function, *map(TaskRef, before), *blocks, *about, first, *after)
        first += images
    return tasks

"""The graph that reduces blocks of images."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any, Callable, NamedTuple

import dask.array as da
import numpy as np
from dask._task_spec import DataNode, TaskRef
from dask.base import is_dask_collection, tokenize
from dask.highlevelgraph import HighLevelGraph

from . import _tasks
from ._frames import Frame, is_data_array
from ._graphs import Layer, Step, added, block_key, item_array, together
from ._inputs import aligned, check, check_downsample, check_images, opened, score_dtype
from ._parts import Cells, Part


class Reading(NamedTuple):
    """How predictions are read."""

    #: What they are called, `pred_probs` or `logits`.
    name: str
    #: The parameters of the engine that are given.
    query: dict[str, Any]
    downsample: int

    @classmethod
    def of(cls, name: str, query: Mapping[str, Any], downsample: int) -> Reading:
        """That of some parameters, of which those that are None are not given."""
        wanted = {**query, "downsample": downsample if operator.index(downsample) != 1 else None}
        return cls(name, {key: value for key, value in wanted.items() if value is not None}, downsample)

    def arrays(self, labels: Any, predictions: Any) -> Part:
        """The reduced images of arrays of labels and predictions."""
        given, labels, predictions = labels, opened(labels, "labels"), opened(predictions, self.name)
        layout = self.query.get("layout")
        check(labels, predictions, self.name, layout, self._is_resized)
        is_one_hot = labels.ndim == predictions.ndim
        predictions, labels = aligned(predictions, labels)
        token = str(tokenize("arrays", labels.name, predictions.name, self))

        def task(key: Any, block: int, first: int) -> Step:
            blocks = (TaskRef(block_key(array, block)) for array in (labels, predictions))
            return Step(key, _tasks.reduced, *blocks, self.name, self.query, first)

        graph = self._reduced(together([labels, predictions]), [labels.name, predictions.name], token, labels, task)
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
            key, [layer_name] = model.key, model.__dask_layers__()
            graph = together([images, labels, model])
        else:
            key = layer_name = f"segscore-model-{token}"
            graph = added(graph, key, {key: DataNode(key, model)}, [])

        def task(key_of_block: Any, block: int, first: int) -> Step:
            blocks = (TaskRef(block_key(array, block)) for array in (images, labels))
            about = self.name, self.query, first, dtype, self._is_resized or "layout" in self.query
            return Step(key_of_block, _tasks.modelled, TaskRef(key), *blocks, *about)

        graph = self._reduced(graph, [images.name, labels.name, layer_name], token, labels, task)
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
        needs: Iterable[str],
        token: str,
        labels: da.Array,
        task: Callable[[Any, int, int], Step],
    ) -> HighLevelGraph:
        """Adds the tasks that reduce blocks, each made of its key, the number of the block, and of its first image."""
        name = f"segscore-reduce-{token}"
        layer: Layer = {}
        first = 0
        for block, images in enumerate(labels.chunks[0]):
            if images:
                layer[name, block] = task((name, block), block, first)
            first += images
        return added(graph, name, layer, needs)

    def _part(
        self,
        graph: HighLevelGraph,
        token: str,
        chunks: tuple[tuple[int, ...], ...],
        dtype: np.dtype[Any],
        classes: int,
        frame: Frame | None,
    ) -> Part:
        """The arrays of the results of the tasks that reduce blocks.

        Parameters
        ----------
        chunks : tuple[tuple[int, ...], ...]
            Those of labels, (N, H, W).
        """
        along, *space = chunks
        side = self.downsample
        check_downsample(side, tuple(extent for [extent] in space))
        # Of the codes of labels, that of all ones is no class.
        predicted, codes = np.uint8 if classes <= 256 else np.uint16, np.uint8 if classes <= 255 else np.uint16

        def array(item: str, dtype: Any, *space: tuple[int, ...]) -> da.Array:
            called = f"segscore-{item.replace('_', '-')}-{token}"
            return item_array(graph, f"segscore-reduce-{token}", item, called, (along, *space), dtype)

        def cells(prefix: str, dtype: Any, *space: tuple[int, ...]) -> Cells:
            return Cells(
                own=array(f"{prefix}own", dtype, *space),
                largest=array(f"{prefix}largest", dtype, *space),
                predicted=array(f"{prefix}predicted", predicted, *space),
                labels=array(f"{prefix}labels", codes, *space),
            )

        pixels = cells("", dtype, *space)
        blocks = pixels if side == 1 else cells("block_", np.float64, *((extent // side,) for [extent] in space))
        sums = array("class_sums", np.float64, (classes,))
        counts = array("class_counts", np.int64, (classes,))
        return Part(pixels, blocks, sums, counts, frame)

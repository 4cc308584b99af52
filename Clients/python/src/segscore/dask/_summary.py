"""Tables of what is found, which need pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dask._task_spec import GraphNode, TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from .._tables import pandas_for
from . import _tasks
from ._graphs import Key, Layer, Step, added, block_key, table, tree
from ._marks import Marks
from ._parts import Part


def image_table(marks: Marks) -> Any:
    """The images with their scores, a partition for each block."""
    pandas = pandas_for("to_dataframe")
    layer: Layer = {}
    starts: list[int] = []
    name = f"segscore-table-{marks.token}"
    for index, block, first, task in marks.tasks():
        key = (name, index, block)
        layer[key] = Step(key, _tasks.image_table, task, first)
        starts.append(first)
    columns = {"image": "int64", "score": "float64", "num_pixel_issues": "int64"}
    meta = pandas.DataFrame({column: pandas.Series(dtype=dtype) for column, dtype in columns.items()})
    meta.index = meta.index.astype("int64")
    last = sum(map(sum, marks.chunks)) - 1
    return table(added(marks.graph, name, layer, marks.names), name, list(layer), meta, (*starts, last))


def marked_pair_table(marks: Marks, parts: Sequence[Part], split_every: int, **options: Any) -> Any:
    """The pairs of classes of label issues; see `pair_table`."""
    layer: Layer = {}
    name = f"segscore-pairs-{marks.token}"
    classes = parts[0].class_sums.shape[1]
    for index, block, _, task in marks.tasks():
        pixels = parts[index].pixels
        given = (TaskRef(block_key(array, block)) for array in (pixels.labels, pixels.predicted))
        key = (name, index, block)
        layer[key] = Step(key, _tasks.marked_pairs, task, *given, classes)
    needs = [*marks.names, *(array.name for part in parts for array in (part.pixels.labels, part.pixels.predicted))]
    return pair_table(added(marks.graph, name, layer, needs), name, layer, classes, split_every, **options)


def pair_table(
    graph: HighLevelGraph,
    source: str,
    layer: Mapping[Key, GraphNode],
    classes: int,
    split_every: int,
    *,
    class_names: Sequence[str] | None,
    exclude: Sequence[int] | None,
    top: int | None,
) -> Any:
    """The most frequent pairs, in one partition.

    Parameters
    ----------
    layer : Mapping[Key, GraphNode]
        The tasks that count the pairs of each block, in the layer `source`.
    """
    pandas = pandas_for("common_label_issues")
    meta = pandas.DataFrame(
        {
            "given_label": pandas.Series(dtype=str),
            "predicted_label": pandas.Series(dtype=str),
            "num_pixel_issues": pandas.Series(dtype="int64"),
        }
    )
    token = str(tokenize(source, class_names, exclude, top, split_every))
    merges: Layer = {}
    total = tree(
        merges, (f"segscore-merge-{token}", "pairs"), list(map(TaskRef, layer)), _tasks.pairs_merged, split_every
    )
    name = f"segscore-table-{token}"
    key = (name, 0)
    merges[key] = Step(
        key, _tasks.pair_table, TaskRef(total), classes, class_names, exclude, top, meta.dtypes.to_dict()
    )
    return table(added(graph, name, merges, [source]), name, [key], meta, (None, None))

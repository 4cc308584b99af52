"""Tables of what is found, which need pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dask._task_spec import TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from .._tables import pandas_for
from . import _tasks
from ._graphs import Blocks, Key, Recipe, Step, Tasks, added, blocks_of, table, tree
from ._marks import Marks
from ._parts import Part


def image_table(marks: Marks) -> Any:
    """The images with their scores, a partition for each block."""
    pandas = pandas_for("to_dataframe")
    name = f"segscore-table-{marks.token}"
    blocks = marks.blocks()
    columns = {"image": "int64", "score": "float64", "num_pixel_issues": "int64"}
    meta = pandas.DataFrame({column: pandas.Series(dtype=dtype) for column, dtype in columns.items()})
    meta.index = meta.index.astype("int64")
    last = sum(map(sum, marks.sizes)) - 1
    graph = added(marks.graph, name, Recipe(_image_tables, name, marks.names, blocks), marks.names)
    keys = [(name, index, block) for index, block, _ in blocks]
    return table(graph, name, keys, meta, (*(first for _, _, first in blocks), last))


def _image_tables(name: str, marks: Sequence[str], blocks: Sequence[tuple[int, int, int]]) -> Tasks:
    tasks: Tasks = {}
    for index, block, first in blocks:
        key = (name, index, block)
        tasks[key] = Step(key, _tasks.image_table, TaskRef((marks[index], block)), first)
    return tasks


def marked_pair_table(marks: Marks, parts: Sequence[Part], split_every: int, **options: Any) -> Any:
    """The pairs of classes of label issues; see `pair_table`."""
    name = f"segscore-pairs-{marks.token}"
    classes = parts[0].classes
    kept = [part.kept for part in parts]
    blocks = marks.blocks()
    layer = Recipe(_marked_pairs, name, marks.names, list(map(blocks_of, kept)), blocks, classes)
    graph = added(marks.graph, name, layer, [*marks.names, *(each.name for each in kept)])
    return pair_table(
        graph, name, [(name, index, block) for index, block, _ in blocks], classes, split_every, **options
    )


def _marked_pairs(
    name: str, marks: Sequence[str], kept: Sequence[Blocks], blocks: Sequence[tuple[int, int, int]], classes: int
) -> Tasks:
    tasks: Tasks = {}
    for index, block, _ in blocks:
        key = (name, index, block)
        tasks[key] = Step(key, _tasks.marked_pairs, TaskRef((marks[index], block)), kept[index][block], classes)
    return tasks


def pair_table(
    graph: HighLevelGraph,
    source: str,
    keys: Sequence[Key],
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
    keys : Sequence[Key]
        Those of the tasks that count the pairs of each block, in the layer `source`.
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
    name = f"segscore-table-{token}"
    about = classes, class_names, exclude, top, meta.dtypes.to_dict()
    layer = Recipe(_pair_tables, name, token, list(keys), split_every, about)
    return table(added(graph, name, layer, [source]), name, [(name, 0)], meta, (None, None))


def _pair_tables(name: str, token: str, keys: Sequence[Key], split_every: int, about: tuple[Any, ...]) -> Tasks:
    tasks: Tasks = {}
    start = (f"segscore-merge-{token}", "pairs")
    total = tree(tasks, start, list(map(TaskRef, keys)), _tasks.pairs_merged, split_every)
    tasks[name, 0] = Step((name, 0), _tasks.pair_table, total, *about)
    return tasks

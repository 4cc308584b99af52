"""The regions of many images, a table of which each partition has those of a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dask._task_spec import TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from .._tables import pandas_for
from . import _tasks
from ._graphs import Blocks, Recipe, Step, Tasks, added, blocks_of, table, together
from ._marks import Marks
from ._parts import Part

COLUMNS = {
    "image": "int64",
    "given": "int64",
    "suggested": "int64",
    "x": "int64",
    "y": "int64",
    "width": "int64",
    "height": "int64",
    "area": "int64",
    "thickness": "int64",
    "touches_border": "bool",
    "mean_own": "float64",
    "mean_largest": "float64",
    "mass": "float64",
}


def region_table(marks: Marks, parts: Sequence[Part], of: str) -> Any:
    """The regions of label issues, or of all pixels that are predicted as another class than their label."""
    pandas = pandas_for("regions")
    axes = len(parts[0].chunks) - 3
    columns = {**COLUMNS, **{f"slice_{axis}": "int64" for axis in range(axes)}}
    meta = pandas.DataFrame({column: pandas.Series(dtype=dtype) for column, dtype in columns.items()})
    rows = [(blocks_of(part.kept), blocks_of(part.largest)) for part in parts]
    given = [each for part in parts for each in (part.kept, part.largest)]
    names = list(marks.names) if of == "label_issues" else []
    graph = HighLevelGraph.merge(together(given), *([marks.graph] if names else []))
    name = f"segscore-regions-{tokenize(names, [each.name for each in given])}"
    blocks = marks.blocks()
    layer = Recipe(_regions, name, names, rows, blocks, columns)
    keys = [(name, index, block) for index, block, _ in blocks]
    graph = added(graph, name, layer, [*names, *(each.name for each in given)])
    return table(graph, name, keys, meta, (None,) * (len(keys) + 1))


def _regions(
    name: str,
    marks: Sequence[str],
    given: Sequence[tuple[Blocks, ...]],
    blocks: Sequence[tuple[int, int, int]],
    columns: dict[str, str],
) -> Tasks:
    tasks: Tasks = {}
    for index, block, first in blocks:
        key = (name, index, block)
        marked = TaskRef((marks[index], block)) if marks else None
        tasks[key] = Step(key, _tasks.region_table, marked, *(each[block] for each in given[index]), first, columns)
    return tasks

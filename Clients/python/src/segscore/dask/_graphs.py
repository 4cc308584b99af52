"""Graphs of Dask: tasks by blocks, trees of merges, and arrays and tables that are made of them."""

from __future__ import annotations

import functools
import gc
import operator
from collections import UserDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, TypeVar, cast

import dask.array as da
import numpy as np
from dask._task_spec import DataNode, GraphNode, List, Task, TaskRef, convert_legacy_graph, cull
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph
from dask.utils import ensure_dict

from .._rounds import grouped

Key = Any
Layer = dict[Any, GraphNode]
F = TypeVar("F", bound=Callable[..., Any])


class Step(Task):
    """A task that Dask does not fuse with others.

    So it is shown by its own name, and is run once for an array and a table that are computed together, though Dask
    optimizes the graphs of these apart.
    """

    __slots__ = ()

    @property
    def block_fusion(self) -> bool:
        return True


def in_one_go(function: F) -> F:
    """Has a function make tasks without Python looking for garbage among them.

    It would look through all of them again and again, for two thirds of the time, and there is none.
    """

    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        if not gc.isenabled():
            return function(*arguments, **options)
        gc.disable()
        try:
            return function(*arguments, **options)
        finally:
            gc.enable()

    return cast(F, wrapped)


def refs(keys: Iterable[Key]) -> Any:
    """The results of several tasks, as a list that a task takes."""
    return List(*map(TaskRef, keys))


def block_key(array: da.Array, block: int) -> Key:
    """The key of a block of images."""
    return (array.name, block) + (0,) * (array.ndim - 1)


def blocks_of(array: da.Array) -> list[int]:
    """The blocks that have images. Those without any are made of nothing, and no task looks at them."""
    return [block for block, images in enumerate(array.chunks[0]) if images]


def tree(
    layer: Layer,
    name: tuple[Any, ...],
    leaves: Sequence[Any],
    function: Callable[[Any], Any],
    split_every: int,
    first: Callable[..., Any] | None = None,
    *arguments: Any,
) -> Key:
    """Adds the merges of results, a few of them by each task, and returns the key of the last.

    Parameters
    ----------
    name : tuple[Any, ...]
        How the keys of the tasks begin.
    leaves : Sequence[Any]
        What is merged, in order: references of tasks, or lists of them.
    function : Callable[[Any], Any]
        Merges a list of what it returns.
    first : Callable[..., Any] | None
        Merges a list of leaves, if that is another function. It takes `arguments` besides.
    """
    first = first or function
    level = 0
    while True:
        keys = []
        for place, group in enumerate(grouped(leaves, split_every)):
            key = (*name, level, place)
            layer[key] = Step(key, first, List(*group), *arguments) if level == 0 else Step(key, function, List(*group))
            keys.append(key)
        if len(keys) == 1:
            return keys[0]
        leaves = [TaskRef(key) for key in keys]
        level += 1


def added(graph: HighLevelGraph, name: str, layer: Mapping[Any, Any], needs: Iterable[str]) -> HighLevelGraph:
    """The graph with one layer more, which needs the tasks of other layers."""
    return HighLevelGraph({**graph.layers, name: layer}, {**graph.dependencies, name: set(needs)})


@in_one_go
def item_array(
    graph: HighLevelGraph, source: str, item: Any, name: str, chunks: tuple[tuple[int, ...], ...], dtype: Any
) -> da.Array:
    """The array of one item of each block's results.

    Parameters
    ----------
    source : str
        The layer of the results, whose keys are `(source, block)`.
    chunks : tuple[tuple[int, ...], ...]
        Those of the array, of which only those along the first axis are several.
    """
    layer: Layer = {}
    zeros = (0,) * (len(chunks) - 1)
    for block, images in enumerate(chunks[0]):
        key = (name, block, *zeros)
        if images:
            layer[key] = Task(key, operator.getitem, TaskRef((source, block)), item)
        else:
            layer[key] = DataNode(key, _empty(chunks, dtype))
    return da.Array(added(graph, name, layer, [source]), name, chunks, dtype=dtype)


@in_one_go
def by_blocks(
    name: str,
    function: Callable[..., Any],
    arrays: Sequence[da.Array],
    chunks: tuple[tuple[int, ...], ...],
    dtype: Any,
    *arguments: Any,
) -> da.Array:
    """The array of what a function makes of each block of some arrays."""
    layer: Layer = {}
    zeros = (0,) * (len(chunks) - 1)
    for block, images in enumerate(chunks[0]):
        key = (name, block, *zeros)
        if images:
            given = (TaskRef(block_key(array, block)) for array in arrays)
            layer[key] = Step(key, function, *given, *arguments)
        else:
            layer[key] = DataNode(key, _empty(chunks, dtype))
    return da.Array(added(together(arrays), name, layer, (each.name for each in arrays)), name, chunks, dtype=dtype)


def delayed(
    graph: HighLevelGraph, name: str, function: Callable[..., Any], keys: Sequence[Key], *arguments: Any
) -> Any:
    """A `dask.delayed` of a function of the results of tasks.

    Parameters
    ----------
    name : str
        That of the task, which is a layer of its own.
    """
    layer = {name: Step(name, function, *map(TaskRef, keys), *arguments)}
    return Delayed(name, added(graph, name, layer, graph.layers), layer=name)


def table(graph: HighLevelGraph, name: str, keys: Sequence[Key], meta: Any, divisions: tuple[int | None, ...]) -> Any:
    """The `dask.dataframe` of the tables that tasks give.

    Parameters
    ----------
    name : str
        The layer of the tasks, the name of which says what they are made of.
    meta : pandas.DataFrame
        A table of the same columns without rows.
    """
    import dask.dataframe as dd

    # Of a table that is computed together with arrays, Dask takes all tasks on which no other depends for partitions.
    needed = cull(convert_legacy_graph(ensure_dict(graph)), list(keys))
    return dd.from_graph(_NamedTasks(needed, name), meta, divisions, list(keys), name)


class _NamedTasks(UserDict[Any, GraphNode]):
    """Tasks that are told from others by a name, since Dask would take longer to look at each than to run it."""

    def __init__(self, tasks: Layer, name: str):
        super().__init__(tasks)
        self._name = name

    def __dask_tokenize__(self) -> str:
        return self._name


def together(collections: Iterable[Any]) -> HighLevelGraph:
    """One graph of those of several arrays, or of other lazy things."""
    return HighLevelGraph.merge(*(each.__dask_graph__() for each in collections))


def _empty(chunks: tuple[tuple[int, ...], ...], dtype: Any) -> np.ndarray:
    """A block of no images."""
    return np.empty((0, *(extent for [extent] in chunks[1:])), dtype)

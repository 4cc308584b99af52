"""Graphs of Dask: tasks by blocks, trees of merges, and arrays and tables that are made of them."""

from __future__ import annotations

import dataclasses
import functools
import gc
import itertools
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from typing import Any, Callable

import dask.array as da
import numpy as np
from dask._task_spec import DataNode, GraphNode, List, Task, TaskRef, convert_legacy_graph, cull
from dask.base import DaskMethodsMixin
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph, Layer
from dask.utils import ensure_dict

from .._rounds import grouped

Key = Any
Chunks = tuple[tuple[int, ...], ...]
Tasks = dict[Any, GraphNode]


class Step(Task):
    """A task that Dask does not fuse with others.

    So it is shown by its own name, and is run once for an array and a table that are computed together, though Dask
    optimizes the graphs of these apart.
    """

    __slots__ = ()

    @property
    def block_fusion(self) -> bool:
        return True


class Recipe(Layer):
    """A layer whose tasks are made where they are needed, by a function of a few names and numbers.

    Hence a graph of many blocks is there at once, and goes to a scheduler in few bytes.

    Parameters
    ----------
    make : Callable[..., Tasks]
        Takes `arguments`, and returns the tasks.
    """

    has_legacy_tasks = False

    def __init__(self, make: Callable[..., Tasks], *arguments: Any):
        super().__init__()
        self._make = make
        self._arguments = arguments

    @functools.cached_property
    def _tasks(self) -> Tasks:
        # Python would look through all tasks for garbage again and again, for two thirds of the time.
        is_enabled = gc.isenabled()
        gc.disable()
        try:
            return self._make(*self._arguments)
        finally:
            if is_enabled:
                gc.enable()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_tasks"}

    def __getitem__(self, key: Key) -> GraphNode:
        return self._tasks[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def is_materialized(self) -> bool:
        return "_tasks" in self.__dict__

    def get_output_keys(self) -> KeysView[Key]:
        return self._tasks.keys()


@dataclasses.dataclass(frozen=True)
class Blocks:
    """The blocks of an array, each of whole images, or other results, as tasks take them."""

    name: str
    ndim: int

    def __getitem__(self, block: int) -> TaskRef:
        return TaskRef((self.name, block) + (0,) * (self.ndim - 1))


def blocks_of(collection: da.Array | Results) -> Blocks:
    """The blocks of an array or of other results."""
    return Blocks(collection.name, collection.ndim if isinstance(collection, da.Array) else 1)


class Results(DaskMethodsMixin):
    """What tasks give for each block that has images, lazily, where it is no array.

    Parameters
    ----------
    graph : HighLevelGraph
        The graph that has the tasks.
    name : str
        Their layer, whose keys are `(name, block)`.
    sizes : tuple[int, ...]
        How many images each block has.
    """

    # Dask optimizes what has the same function together, and so what arrays and these have in common is run once.
    __dask_optimize__ = staticmethod(da.Array.__dask_optimize__)
    __dask_scheduler__ = staticmethod(da.Array.__dask_scheduler__)

    def __init__(self, graph: HighLevelGraph, name: str, sizes: tuple[int, ...]):
        self.graph = graph
        self.name = name
        self.sizes = sizes

    def __dask_graph__(self) -> HighLevelGraph:
        return self.graph

    def __dask_keys__(self) -> list[Key]:
        return [(self.name, block) for block in numbers_of(self.sizes)]

    def __dask_layers__(self) -> tuple[str]:
        return (self.name,)

    def __dask_tokenize__(self) -> str:
        return self.name

    def __dask_postcompute__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return list, ()

    def __dask_postpersist__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._rebuilt, ()

    def _rebuilt(self, tasks: Mapping[Any, Any], *, rename: Mapping[str, str] | None = None) -> Results:
        name = self.name if rename is None else rename.get(self.name, self.name)
        return Results(HighLevelGraph({name: tasks}, {name: set()}), name, self.sizes)


def numbers_of(sizes: Sequence[int]) -> list[int]:
    """The blocks that have images, of which these are the numbers. No task looks at one without any."""
    return [block for block, images in enumerate(sizes) if images]


def tree(
    tasks: Tasks,
    name: tuple[Any, ...],
    leaves: Sequence[Any],
    function: Callable[[Any], Any],
    split_every: int,
    first: Callable[..., Any] | None = None,
    *arguments: Any,
) -> TaskRef:
    """Adds the merges of results, a few of them by each task, and returns the last, whose key is `name`.

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
    merge = first or function
    for level in itertools.count():
        groups = list(grouped(leaves, split_every))
        keys = [name] if len(groups) == 1 else [(*name, level, place) for place in range(len(groups))]
        for key, group in zip(keys, groups):
            tasks[key] = Step(key, merge, List(*group), *arguments)
        if len(groups) == 1:
            break
        leaves, merge, arguments = list(map(TaskRef, keys)), function, ()
    return TaskRef(name)


def added(graph: HighLevelGraph, name: str, layer: Mapping[Any, Any], needs: Iterable[str]) -> HighLevelGraph:
    """The graph with one layer more, which needs the tasks of other layers."""
    return HighLevelGraph({**graph.layers, name: layer}, {**graph.dependencies, name: set(needs)})


def by_blocks(
    name: str,
    function: Callable[..., Any],
    given: Sequence[Any],
    chunks: Chunks,
    dtype: Any,
    *arguments: Any,
    is_shown: bool = True,
) -> da.Array:
    """The array of what a function makes of each block.

    Parameters
    ----------
    given : Sequence[da.Array | Results]
        What the function takes of each block, ahead of `arguments`.
    chunks : Chunks
        Those of the array, of which only those along the first axis are several.
    is_shown : bool
        Whether the tasks are steps of their own. Those that only hand on what there is may be run with what follows.
    """
    layer = Recipe(_results, name, function, tuple(map(blocks_of, given)), chunks, dtype, arguments, is_shown)
    graph = added(together(given), name, layer, (each.name for each in given))
    return da.Array(graph, name, chunks, dtype=dtype)


def _results(
    name: str,
    function: Callable[..., Any],
    given: Sequence[Blocks],
    chunks: Chunks,
    dtype: Any,
    arguments: tuple[Any, ...],
    is_shown: bool,
) -> Tasks:
    make = Step if is_shown else Task

    def task(key: Key, block: int) -> GraphNode:
        return make(key, function, *(each[block] for each in given), *arguments)

    return _of_array(task, name, chunks, dtype)


def results(
    name: str, function: Callable[..., Any], source: Results, *arguments: Any, is_shown: bool = True
) -> Results:
    """What a function makes of each of some results."""
    layer = Recipe(_made, name, function, blocks_of(source), source.sizes, arguments, is_shown)
    return Results(added(source.graph, name, layer, [source.name]), name, source.sizes)


def _made(
    name: str,
    function: Callable[..., Any],
    source: Blocks,
    sizes: Sequence[int],
    arguments: tuple[Any, ...],
    is_shown: bool,
) -> Tasks:
    make = Step if is_shown else Task
    keys = [(name, block) for block in numbers_of(sizes)]
    return {key: make(key, function, source[key[1]], *arguments) for key in keys}


def _of_array(task: Callable[[Key, int], GraphNode], name: str, chunks: Chunks, dtype: Any) -> Tasks:
    """The tasks of an array. A block of no images is there without one."""
    zeros = (0,) * (len(chunks) - 1)
    empty = np.empty((0, *(extent for [extent] in chunks[1:])), dtype)
    tasks: Tasks = {}
    for block, images in enumerate(chunks[0]):
        key = (name, block, *zeros)
        tasks[key] = task(key, block) if images else DataNode(key, empty)
    return tasks


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

    return dd.from_graph(_Named(Recipe(_needed, graph, list(keys)), name), meta, divisions, list(keys), name)


def _needed(graph: HighLevelGraph, keys: list[Key]) -> Tasks:
    # Of a table that is computed together with arrays, Dask takes all tasks on which no other depends for partitions.
    tasks: Tasks = cull(convert_legacy_graph(ensure_dict(graph)), keys)
    return tasks


class _Named(Mapping[Any, GraphNode]):
    """Tasks that are told from others by a name, since Dask would take longer to look at each than to run it."""

    def __init__(self, tasks: Mapping[Any, GraphNode], name: str):
        self._tasks = tasks
        self._name = name

    def __dask_tokenize__(self) -> str:
        return self._name

    def __getitem__(self, key: Key) -> GraphNode:
        return self._tasks[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)


def together(collections: Iterable[Any]) -> HighLevelGraph:
    """One graph of those of several arrays, or of other lazy things."""
    return HighLevelGraph.merge(*(each.__dask_graph__() for each in collections))

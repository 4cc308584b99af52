"""Arrays of images in the columns of Arrow tables, which are the blocks of Ray's datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from ray.data.block import BlockAccessor

from .._tensors import in_memory

PREFIX = "segscore:"
"""How columns of reduced predictions begin, which only this package reads."""

FOUND = ("label_issues", "score", "num_pixel_issues")
"""The columns of what is found by confident learning."""


def groups_of(table: pa.Table, columns: Sequence[str]) -> Iterator[tuple[np.ndarray, ...]]:
    """The rows in groups whose images are of one size each, in order, without copies.

    Yields
    ------
    tuple[np.ndarray, ...]
        The arrays of the columns, of n rows each: (n, H, W), or whatever each row has.
    """
    names = list(dict.fromkeys(columns))
    for batch in table.select(names).to_batches():
        if batch.num_rows:
            arrays = BlockAccessor.for_block(pa.Table.from_batches([batch])).to_numpy(names)
            yield from alike([arrays[name] for name in columns])


def alike(columns: Sequence[Any]) -> Iterator[tuple[np.ndarray, ...]]:
    """Rows in groups whose arrays are of one size each: all rows, or single ones if their sizes may differ.

    Parameters
    ----------
    columns : Sequence[array_like]
        The columns: arrays or tensors, (n, ...), or lists or arrays of n such of several sizes, (...).
    """
    if any(isinstance(column, (list, tuple)) or column.dtype == object for column in columns):
        for row in zip(*columns):
            yield tuple(in_memory(array, "the column")[None] for array in row)
    else:
        yield tuple(in_memory(column, "the column") for column in columns)


def joined(groups: Iterable[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The columns of all groups; such of images of several sizes are arrays of arrays."""
    rows = list(groups)
    return {name: _joined([group[name] for group in rows]) for name in rows[0]}


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    if len({array.dtype for array in arrays}) > 1:
        raise ValueError("all images must have predictions of as wide a type")
    if len({array.shape[1:] for array in arrays}) == 1:
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    images = [image for array in arrays for image in array]
    column = np.empty(len(images), object)
    for place, image in enumerate(images):
        column[place] = image
    return column


def with_columns(table: pa.Table, added: Mapping[str, np.ndarray]) -> pa.Table:
    """The table with further columns."""
    block = BlockAccessor.batch_to_arrow_block(dict(added))
    for name in added:
        table = table.append_column(name, block.column(name))
    return table


def without_reduced(table: pa.Table) -> pa.Table:
    """The table without reduced predictions."""
    return table.select([name for name in table.column_names if not name.startswith(PREFIX)])

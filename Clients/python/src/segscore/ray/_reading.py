"""Reduces the predictions of rows: what tasks do that see predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from .. import _engine
from ..errors import SegscoreError
from ._tables import FOUND, PREFIX, alike, groups_of, joined, with_columns


class Reading(NamedTuple):
    """Where rows have their labels and predictions, and how these are read."""

    #: The columns.
    labels: str
    predictions: str
    #: What predictions are, `pred_probs` or `logits`.
    name: str
    #: The parameters of the engine that are given.
    query: dict[str, Any]
    #: The column by which messages call images, or None.
    image_id: str | None

    def of_table(self, table: pa.Table) -> pa.Table:
        """The rows with reduced predictions in place of these."""
        self._check(table.column_names)
        groups = groups_of(table, (self.labels, self.predictions))
        names = None if self.image_id is None else table.column(self.image_id).to_pylist()
        kept = [name for name in table.column_names if name != self.predictions]
        return with_columns(table.select(kept), self._reduced(groups, names))

    def of_batch(self, batch: Any) -> dict[str, Any]:
        """What a model gave for some rows, with reduced predictions in place of these.

        Raises
        ------
        TypeError
            It gave no columns by their names.
        """
        if not isinstance(batch, Mapping):
            raise TypeError(f"the model must return a dictionary of columns, not {type(batch).__name__}")
        self._check(list(batch))
        labels, predictions = batch[self.labels], batch[self.predictions]
        if len(labels) != len(predictions):
            raise ValueError(f"the model gave predictions of {len(predictions)} images, and labels of {len(labels)}")
        names = None if self.image_id is None else list(batch[self.image_id])
        kept = {name: column for name, column in batch.items() if name != self.predictions}
        return {**kept, **self._reduced(alike([labels, predictions]), names)}

    def _check(self, columns: Iterable[str]) -> None:
        """Refuses rows without the columns that are read, and such that have those that results will have.

        Raises
        ------
        ValueError
            Rows are so.
        """
        columns = list(columns)
        for name in filter(None, (self.labels, self.predictions, self.image_id)):
            if name not in columns:
                raise ValueError(f"rows have no column {name!r}: they have {', '.join(map(repr, columns))}")
        taken = [name for name in columns if name in FOUND or name.startswith(PREFIX)]
        if taken:
            raise ValueError(
                f"rows have columns that results would overwrite: rename or drop {', '.join(map(repr, taken))}"
            )

    def _reduced(self, groups: Iterable[tuple[np.ndarray, ...]], names: list[Any] | None) -> dict[str, np.ndarray]:
        found = []
        first = 0
        for labels, predictions in groups:
            found.append(self._of_group(labels, predictions, first, names))
            first += len(labels)
        return {PREFIX + name: column for name, column in joined(found).items()}

    def _of_group(
        self, labels: np.ndarray, predictions: np.ndarray, first: int, names: list[Any] | None
    ) -> dict[str, np.ndarray]:
        try:
            return _engine.reduce(labels, predictions, self.name, self.query)
        except SegscoreError as error:
            row, error = self._first_refused(labels, predictions) or (0, error)
            which = f"{first + row} of its batch" if names is None else repr(names[first + row])
            raise type(error)({**error.problem, "detail": f"Of the image {which}: {error.detail}"}) from None

    def _first_refused(self, labels: np.ndarray, predictions: np.ndarray) -> tuple[int, SegscoreError] | None:
        """The first row that the engine refuses by itself."""
        for row in range(min(len(labels), len(predictions))):
            try:
                _engine.reduce(labels[row : row + 1], predictions[row : row + 1], self.name, self.query)
            except SegscoreError as error:
                return row, error
        return None


class Model:
    """A model whose predictions are reduced where it made them; one in each of Ray's actors.

    Parameters
    ----------
    kind : type
        The class of the model.
    args, kwargs
        What it is made with.
    """

    def __init__(self, reading: Reading, kind: Any, args: Iterable[Any], kwargs: Mapping[str, Any]):
        self._reading = reading
        self._model = kind(*args, **kwargs)

    def __call__(self, batch: dict[str, np.ndarray], *args: Any, **kwargs: Any) -> dict[str, Any]:
        return self._reading.of_batch(self._model(batch, *args, **kwargs))


def modelled(batch: dict[str, np.ndarray], *args: Any, reading: Reading, model: Any, **kwargs: Any) -> dict[str, Any]:
    """What a function predicts for some rows, reduced."""
    return reading.of_batch(model(batch, *args, **kwargs))

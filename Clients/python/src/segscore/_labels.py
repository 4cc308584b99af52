"""What the values of labels stand for, as parameters of a request."""

from __future__ import annotations

import json
import operator
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Union

import numpy as np

IgnoredLabels = Union[int, Collection[int], None]
LabelMap = Union[str, Mapping[int, Union[int, None]], None]

CITYSCAPES = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""The ids of the classes of Cityscapes, of which the server's `label_map=cityscapes` makes 0 to 18."""
NO_CLASS = -1
WIDEST = 1 << 16  # If the values of labels are further apart, they are sorted rather than looked up in a table.


def ignored_labels(ignore_label: IgnoredLabels) -> tuple[int, ...]:
    """The labels whose pixels take no part.

    Raises
    ------
    TypeError
        One of them is no whole number.
    """
    if ignore_label is None:
        return ()
    return tuple(map(operator.index, ignore_label if isinstance(ignore_label, Collection) else [ignore_label]))


def label_parameters(
    ignore_label: IgnoredLabels, label_map: LabelMap, label_offset: int | None, reduce_zero_label: bool
) -> dict[str, Any]:
    """The query of a request whose labels are no classes yet.

    Raises
    ------
    TypeError
        A label or a class is no whole number.
    """
    if isinstance(label_map, Mapping):
        classes = {
            str(operator.index(value)): None if index is None else operator.index(index)
            for value, index in label_map.items()
        }
        label_map = json.dumps(classes, separators=(",", ":"))
    return {
        "ignore_label": ",".join(map(str, ignored_labels(ignore_label))) or None,
        "label_map": label_map,
        "label_offset": label_offset,
        "reduce_zero_label": "true" if reduce_zero_label else None,
    }


class LabelRule(NamedTuple):
    """What the server makes of labels, for arrays that are told by their classes before the server sees these."""

    ignored: tuple[int, ...]
    label_map: LabelMap = None
    label_offset: int | None = None
    reduce_zero_label: bool = False

    @property
    def is_known(self) -> bool:
        """Whether it can be told here: a map may have a name that only the server knows."""
        changes = (self.label_map is not None, bool(self.label_offset), self.reduce_zero_label)
        return sum(changes) <= 1 and (not isinstance(self.label_map, str) or self.label_map in ("cityscapes", "ade20k"))

    def classes_of(self, labels: np.ndarray) -> np.ndarray:
        """The class of each label, int32, or -1 for those that are ignored and those that the server refuses."""
        if labels.dtype.kind == "f":
            whole = np.isfinite(labels) & (labels == np.floor(labels)) & (abs(labels) < 2.0**62)
            labels = np.where(whole, labels, NO_CLASS - 1.0)
        labels = labels.astype(np.int64)
        least, most = int(labels.min()), int(labels.max())
        if most - least < WIDEST:
            values, places = np.arange(least, most + 1), labels - least
        else:
            values, places = np.unique(labels, return_inverse=True)
        classes: np.ndarray = self._meanings(values)[places.reshape(labels.shape)]
        return classes

    def _meanings(self, values: np.ndarray) -> np.ndarray:
        return np.array([self._meaning(value) for value in values.tolist()], np.int32)

    def _meaning(self, value: int) -> int:
        if value in self.ignored:
            return NO_CLASS
        if self.reduce_zero_label or self.label_map == "ade20k":
            return value - 1 if 0 < value < WIDEST and value != 255 else NO_CLASS
        if self.label_map == "cityscapes":
            return CITYSCAPES.index(value) if value in CITYSCAPES else NO_CLASS
        if isinstance(self.label_map, Mapping):
            index = self.label_map.get(value)
            return NO_CLASS if index is None or index in self.ignored else int(index)
        index = value + (self.label_offset or 0)
        return index if 0 <= index < WIDEST else NO_CLASS

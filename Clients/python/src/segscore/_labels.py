"""What the values of labels stand for, as parameters of a request."""

from __future__ import annotations

import json
import operator
from collections.abc import Collection, Mapping
from typing import Any, Union

IgnoredLabels = Union[int, Collection[int], None]
LabelMap = Union[str, Mapping[int, Union[int, None]], None]


def ignored_labels(ignore_label: IgnoredLabels) -> tuple[int, ...]:
    """The labels whose pixels take no part.

    Raises:
        TypeError: One of them is no whole number.
    """
    if ignore_label is None:
        return ()
    return tuple(map(operator.index, ignore_label if isinstance(ignore_label, Collection) else [ignore_label]))


def label_parameters(
    ignore_label: IgnoredLabels, label_map: LabelMap, label_offset: int | None, reduce_zero_label: bool
) -> dict[str, Any]:
    """The query of a request whose labels are no classes yet.

    Raises:
        TypeError: A label or a class is no whole number.
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

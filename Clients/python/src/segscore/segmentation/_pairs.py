"""Counts label issues by their label and by the class that is most probable there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

TOP = 20

Pairs = Counter[tuple[int, int]]
"""How many pixels have a label, and another class as their most probable one."""


def counted_pairs(labels: np.ndarray, predicted: np.ndarray, classes: int) -> Pairs:
    """Counts some pixels.

    Parameters
    ----------
    labels : np.ndarray
        Their labels, (P,); whole numbers.
    predicted : np.ndarray
        Their most probable classes, (P,), 0 to K - 1.
    classes : int
        K.
    """
    codes, counts = np.unique(labels.astype(np.int64) * classes + predicted, return_counts=True)
    pairs: Pairs = Counter()
    for code, count in zip(codes.tolist(), counts.tolist()):
        pairs[divmod(code, classes)] = count
    return pairs


def rows_of(
    pairs: Pairs, classes: int, class_names: Sequence[str] | None, exclude: Sequence[int] | None, top: int | None
) -> list[tuple[str, str, int]]:
    """The most frequent pairs with the names of their classes; arguments are those of `common_label_issues`.

    Raises
    ------
    ValueError
        A name is missing.
    """
    left_out = set(exclude or ())
    listed = [
        (label, other, count)
        for (label, other), count in sorted(pairs.items())
        if 0 <= label < classes and other not in left_out
    ]
    listed.sort(key=lambda row: row[2], reverse=True)
    return [
        (_name(label, class_names), _name(other, class_names), count)
        for label, other, count in listed[: TOP if top is None else top]
    ]


def _name(label: int, class_names: Sequence[str] | None) -> str:
    if class_names is None:
        return str(label)
    if label >= len(class_names):
        raise ValueError(f"class_names has {len(class_names)} names, and none for class {label}, which has issues")
    return class_names[label]

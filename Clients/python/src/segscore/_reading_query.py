"""How labels and predictions are read, as parameters of the engine."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from ._labels import IgnoredLabels, LabelMap, label_parameters
from ._sampling import sampling_parameters


def reading_query(
    ignore_label: IgnoredLabels,
    label_map: LabelMap,
    label_offset: int | None,
    reduce_zero_label: bool,
    activation: str | None,
    normalize: str | None,
    classes: int | None,
    layout: str | None,
    resize: str | None,
    align_corners: bool,
    valid: Sequence[int] | None,
    downsample: int,
) -> dict[str, Any]:
    """The parameters of `_engine.reduce`, of which those that say nothing are not given.

    Raises
    ------
    TypeError
        A label, a class that labels are mapped to, or an extent is no whole number.
    """
    wanted = {
        **label_parameters(ignore_label, label_map, label_offset, reduce_zero_label),
        **sampling_parameters(layout, resize, align_corners, valid),
        "activation": activation,
        "normalize": normalize,
        "classes": classes,
        "downsample": downsample if operator.index(downsample) != 1 else None,
    }
    return {name: value for name, value in wanted.items() if value is not None}

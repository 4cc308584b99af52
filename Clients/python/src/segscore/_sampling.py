"""How predictions lie in their arrays, and what brings them to the pixels of the labels, as parameters of a request."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

NAMES = ("layout", "resize", "valid")
"""Parameters with which sizes of predictions and labels may differ, or be on other axes."""


def sampling_parameters(
    layout: str | None, resize: str | None, align_corners: bool, valid: Sequence[int] | None
) -> dict[str, Any]:
    """The query of a request whose predictions lie in another way than labels.

    Raises
    ------
    TypeError
        An extent is no whole number.
    """
    return {
        "layout": layout,
        "resize": resize,
        "align_corners": "true" if align_corners else None,
        "valid": None if valid is None else ",".join(str(operator.index(extent)) for extent in valid),
    }


def are_resized(wanted: Mapping[str, Any]) -> bool:
    """Whether the server brings predictions to the pixels of the labels."""
    return any(wanted.get(name) is not None for name in NAMES)

"""The colours of classes in pictures of masks."""

from __future__ import annotations

import colorsys

import numpy as np

GOLDEN = 0.618034  # The share of the colour circle from one hue to the next: by this ratio no two come close.


def colors_of(classes: int) -> np.ndarray:
    """A colour for each class, and as the last one black for labels that are no class; (K + 1, 3)."""
    colors = [
        colorsys.hsv_to_rgb(k * GOLDEN % 1, (0.45, 0.75)[k % 2], (0.95, 0.7, 0.85)[k % 3]) for k in range(classes)
    ]
    return np.array([*colors, (0, 0, 0)])


def colored(mask: np.ndarray, classes: int) -> np.ndarray:
    """A mask in the colours of its classes, float64 (…, 3) from 0 to 1."""
    return colors_of(classes)[np.where((mask >= 0) & (mask < classes), mask, classes).astype(np.int64)]

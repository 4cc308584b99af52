"""Pictures of masks and of the issues in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._colors import colored, colors_of

try:
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch
except ImportError as error:
    raise ImportError("display_issues draws with matplotlib: pip install 'segscore[plot]'") from error

RED, PALE = (0.85, 0.1, 0.1), 0.93


def legend(class_names: Sequence[str], classes: int, **options: Any) -> None:
    """Shows which colour is which class."""
    colors = colors_of(max(classes, len(class_names)))
    patches = [Patch(color=color, label=name) for name, color in zip(class_names, colors)]
    columns = min(len(patches), 6)
    _, axis = plt.subplots(figsize=(1.6 * columns, 0.4 * -(-len(patches) // columns) + 0.2))
    axis.legend(handles=patches, loc="center", ncol=columns, frameon=False)
    axis.axis("off")
    plt.show(**options)


def picture(
    image: int,
    issues: np.ndarray,
    labels: np.ndarray | None,
    predicted: np.ndarray | None,
    classes: int | None,
    **options: Any,
) -> None:
    """Shows an image's labels, most probable classes and issues beside each other, as far as they are given."""
    panels: list[Any] = []
    if classes is not None:
        for title, mask in (("given labels", labels), ("likeliest classes", predicted)):
            if mask is not None:
                panels.append((title, colored(mask, classes)))
    marked = np.full((*issues.shape, 3), PALE)
    marked[issues] = RED
    panels.append((f"image {image}, issue pixels: {np.count_nonzero(issues)}", marked))
    _, axes = plt.subplots(1, len(panels), figsize=(4 * len(panels), 4), squeeze=False)
    for axis, (title, pixels) in zip(axes[0], panels):
        axis.imshow(pixels)
        axis.set_title(title)
        axis.axis("off")
    plt.show(**options)

"""Images of one size, reduced: lazy arrays in blocks of whole images."""

from __future__ import annotations

import dataclasses

import dask.array as da

from ._frames import Frame


@dataclasses.dataclass(frozen=True)
class Cells:
    """What decides which pixels are candidates: pixels or, with `downsample`, blocks of them."""

    #: The probability of each cell's label, (N, H, W), float32 or float64; 1 where it takes no part.
    own: da.Array
    #: Each cell's largest probability, in the same type. It is looked at once, ahead of the cut.
    largest: da.Array
    #: The class of the largest probability, the first of equals, uint8 or uint16.
    predicted: da.Array
    #: The class of each cell's label, in as many bits; all ones where it takes no part.
    labels: da.Array


@dataclasses.dataclass(frozen=True)
class Part:
    """The reduced images of one array.

    It is a dataclass, so that Dask finds the arrays in it where it persists a whole `Reduction`.
    """

    pixels: Cells
    cells: Cells
    #: For each image and class, the sum of the cells' own probabilities by their label, float64 (N, K).
    class_sums: da.Array
    #: How many cells these are, int64 (N, K).
    class_counts: da.Array
    #: How results are framed if labels are a `DataArray`.
    frame: Frame | None

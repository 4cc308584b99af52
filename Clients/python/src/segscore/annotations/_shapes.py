"""Runs and polygons as places of pixels. What they say is checked before anything is allocated for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_LETTERS = 7  # Of a run of COCO's: 35 bits.
CHANNELS = 4  # Label Studio has each pixel as red, green, blue and opacity.


def pixels_of_runs(runs: Any, extent: int) -> np.ndarray:
    """The places of pixels in turn outside and inside of a mask, outside first; int64, ascending.

    Parameters
    ----------
    runs : Sequence[int] | np.ndarray
        How many pixels each run has.
    extent : int
        How many pixels all runs have together.

    Raises
    ------
    ValueError
        A run is no whole number, or they do not have `extent` pixels together.
    """
    if isinstance(runs, np.ndarray):
        lengths = runs
    elif isinstance(runs, list) and all(type(run) is int and 0 <= run <= extent for run in runs):
        lengths = np.array(runs, np.int64)
    else:
        raise ValueError(f"runs must be whole numbers from 0 to {extent}")
    if lengths.size and (lengths.min() < 0 or lengths.max() > extent):
        raise ValueError(f"runs must be from 0 to {extent}")
    total = int(lengths.sum())
    if total != extent:
        raise ValueError(f"runs have {total} pixels, and not {extent}")
    ends = lengths.cumsum()
    inside = lengths[1::2]
    # Each place is its run's first, and how far it is from there.
    starts = (ends[1::2] - inside) - (inside.cumsum() - inside)
    return np.asarray(starts.repeat(inside) + np.arange(inside.sum()), np.int64)


def runs_of_letters(letters: str, extent: int) -> np.ndarray:
    """The runs that COCO writes as letters: 5 bits in each, and whether more follow.

    Values behind the third are differences to the value two before.

    Raises
    ------
    ValueError
        These are no such letters.
    """
    if len(letters) > MOST_LETTERS * (extent + 2):
        raise ValueError(f"the letters of its runs are more than {extent} pixels have")
    codes = np.frombuffer(letters.encode("utf-8"), np.uint8).astype(np.int64) - 48
    if codes.size == 0 or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise ValueError("the letters of its runs are none of COCO's")
    last = np.flatnonzero((codes & 32) == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    if (last - first).max() >= MOST_LETTERS:
        raise ValueError(f"a run has more than {extent} pixels")
    place = np.arange(codes.size) - first.repeat(last - first + 1)
    values = np.add.reduceat((codes & 31) << (5 * place), first)
    values -= np.where(codes[last] & 16, np.int64(1) << (5 * (last - first + 1)), 0)
    for start in (1, 2):
        values[start::2] = values[start::2].cumsum()
    return values


def mask_of_brush(data: Any, height: int, width: int) -> np.ndarray:
    """The mask of Label Studio's brush, bool (H, W): where the opacity is at least a half.

    It is a stream of bits: how many values there are, the bits of a value and of four lengths, and then runs of one
    value or lists of values.

    Raises
    ------
    ValueError
        The bits are of another number of values, or end early.
    """
    if not (isinstance(data, list) and all(type(each) is int and 0 <= each <= 255 for each in data)):
        raise ValueError("the runs of a brush must be bytes, whole numbers from 0 to 255")
    extent = height * width * CHANNELS
    bits = _Bits(bytes(data))
    count, word, sizes = bits.read(32), bits.read(5) + 1, [bits.read(4) + 1 for _ in range(4)]
    if count != extent:
        raise ValueError(f"its brush has {count} values, and not {extent}, {CHANNELS} for each pixel")
    if word != 8:
        raise ValueError(f"its brush has values of {word} bits, and not of 8")
    values = np.empty(extent, np.uint8)
    done = 0
    while done < extent:
        is_run = bits.read(1)
        length = bits.read(sizes[bits.read(2)]) + 1
        if length > extent - done:
            raise ValueError(f"its brush has more than {extent} values")
        values[done : done + length] = bits.read(8) if is_run else bits.read_bytes(length)
        done += length
    return np.asarray(values.reshape(height, width, CHANNELS)[..., -1] > 127)


class _Bits:
    """A stream of bits, the highest of a byte first."""

    def __init__(self, data: bytes):
        self._length = 8 * len(data)
        self._data = data + bytes(8)
        self._place = 0

    def read(self, count: int) -> int:
        """A number of at most 32 bits."""
        byte, bit = divmod(self._advance(count), 8)
        window = int.from_bytes(self._data[byte : byte + 5], "big")
        return window >> (40 - bit - count) & ((1 << count) - 1)

    def read_bytes(self, count: int) -> np.ndarray:
        """Some numbers of 8 bits, uint8."""
        byte, bit = divmod(self._advance(8 * count), 8)
        bits = np.unpackbits(np.frombuffer(self._data, np.uint8, count + 1, byte))
        return np.packbits(bits[bit : bit + 8 * count])

    def _advance(self, count: int) -> int:
        place = self._place
        if place + count > self._length:
            raise ValueError("its brush ends early")
        self._place += count
        return place


def pixels_of_polygon(points: Sequence[float] | np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows and columns of the pixels whose centres are within a polygon: a line from there crosses its edge an odd
    number of times. The pixel (x, y) has the corners (x, y) and (x + 1, y + 1).

    Parameters
    ----------
    points : Sequence[float] | np.ndarray
        x and y in turn.

    Raises
    ------
    ValueError
        A coordinate is no number, or there are fewer than three points.
    """
    try:
        corners = np.array(points, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("the points of a polygon must be numbers") from error
    if corners.ndim != 1 or corners.size < 6 or corners.size % 2 or not np.isfinite(corners).all():
        raise ValueError("a polygon must have three points or more, x and y in turn")
    corners = np.clip(corners.reshape(-1, 2), -1e9, 1e9)
    top = int(np.clip(np.floor(corners[:, 1].min()), 0, height))
    bottom = int(np.clip(np.ceil(corners[:, 1].max()), top, height))
    left = int(np.clip(np.floor(corners[:, 0].min()), 0, width))
    right = int(np.clip(np.ceil(corners[:, 0].max()), left, width))
    # How many edges are crossed on the way to each pixel from the left; what is crossed behind the last is not drawn.
    crossed = np.zeros((bottom - top, right - left + 1), np.int32)
    for (x, y), (next_x, next_y) in zip(corners.tolist(), np.roll(corners, -1, axis=0).tolist()):
        if y > next_y:
            x, y, next_x, next_y = next_x, next_y, x, y
        # The rows whose centres are from y on, and below next_y.
        rows = np.arange(max(int(np.ceil(y - 0.5)), top), min(int(np.ceil(next_y - 0.5)), bottom))
        if rows.size:
            at = x + (rows + 0.5 - y) * ((next_x - x) / (next_y - y))
            columns = np.clip(np.ceil(at - 0.5), left, right).astype(np.int64)
            crossed[rows - top, columns - left] += 1
    rows, columns = np.nonzero(crossed[:, :-1].cumsum(axis=1) & 1)
    return rows + top, columns + left

"""Writes PNG files, without Pillow."""

from __future__ import annotations

import struct
import zlib

import numpy as np

COLOURS = {1: 0, 3: 2}  # What PNG calls grey and red, green and blue, by the number of samples.


def png(pixels: np.ndarray, level: int = -1) -> bytes:
    """Colours, uint8 (H, W, 3), or grey, (H, W) or (H, W, 1), as a PNG file.

    Parameters
    ----------
    level : int
        How much time compression may take, from 1 to 9; by default zlib's.
    """
    height, width = pixels.shape[:2]
    samples = pixels.shape[2] if pixels.ndim > 2 else 1
    # Each row begins with the filter that it was put through: none.
    rows = np.pad(pixels.reshape(height, width * samples), ((0, 0), (1, 0))).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, COLOURS[samples], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, level)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )

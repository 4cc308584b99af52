"""Writes the PNG files of the sample, 8 bits a channel, RGB or with a palette, and unpacks them to compare."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode_rgb(pixels: NDArray[np.uint8]) -> bytes:
    """Encodes an (H, W, 3) picture; pixels are stored less the mean of left and upper neighbour, which packs best."""
    height, width, _ = pixels.shape
    padded = np.pad(pixels.astype(np.int64), [(1, 0), (1, 0), (0, 0)])
    means = (padded[1:, :-1] + padded[:-1, 1:]) // 2
    rows = (pixels - means).astype(np.uint8).reshape(height, -1)
    filtered = np.concatenate([np.full((height, 1), 3, np.uint8), rows], axis=1)
    return _file(width, height, 2, filtered.tobytes())


def encode_indexed(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Encodes an (H, W) mask, whose pixel values stay what they are, with a (K, 3) palette to show them in."""
    height, width = indices.shape
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), indices], axis=1)
    return _file(width, height, 3, filtered.tobytes(), _chunk(b"PLTE", palette.tobytes()))


def content(file: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG file, its pixel data inflated: equal for equal pictures, whichever zlib packed them."""
    chunks, packed, position = [], b"", len(SIGNATURE)
    while position < len(file):
        length, kind = struct.unpack_from(">I4s", file, position)
        body = position + 8
        if kind == b"IDAT":
            packed += file[body : body + length]
        else:
            chunks.append((kind, file[body : body + length + 4]))
        position += length + 12
    return [*chunks, (b"IDAT", zlib.decompress(packed))]


def _file(width: int, height: int, colour: int, rows: bytes, palette: bytes = b"") -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    return SIGNATURE + head + palette + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

"""What notebooks show of scores: the worst images with their pictures, as HTML that stands by itself."""

from __future__ import annotations

import base64
import html
import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

SHOWN = 6  # Images.
SIDE = 128  # The longer side of a picture, in pixels.

# The colours of the server's heat maps: nine of matplotlib's "inferno" (CC0), from no doubt to doubt.
HEAT = np.array(
    [
        (0, 0, 4),
        (31, 12, 72),
        (85, 15, 109),
        (136, 34, 106),
        (186, 54, 85),
        (227, 89, 51),
        (249, 140, 10),
        (249, 201, 50),
        (252, 255, 164),
    ]
)
ISSUE = (226, 0, 122)


class Image(NamedTuple):
    """An image as it is shown.

    Attributes
    ----------
    name : str
        What it is called.
    score : float
        Its score.
    pixel_scores : np.ndarray
        (H, W), or (D, H, W) of a volume, of which each column's lowest is shown.
    issues : np.ndarray | None
        Which pixels are issues, of the same shape; None if that was not asked for.
    """

    name: str
    score: float
    pixel_scores: np.ndarray
    issues: np.ndarray | None


def gallery(title: str, images: Iterable[Image], link: str | None = None) -> str:
    """Cards of images, in the order in which they are given.

    Parameters
    ----------
    link : str | None
        Where the title leads.
    """
    title = html.escape(title)
    title = f'<a href="{html.escape(link)}">{title}</a>' if link else title
    images = list(images)
    legend = "Bright is suspect"
    if any(image.issues is not None for image in images):
        legend += "; issues are magenta"
    cards = "".join(map(_card, images))
    return f'<div style="margin-bottom:4px"><b>{title}</b><br><small>{legend}.</small></div><div>{cards}</div>'


def _card(image: Image) -> str:
    name = html.escape(image.name)
    caption = f"<b>{name}</b> &nbsp;{image.score:.4f}"
    pictures = [_picture(heat(image.pixel_scores), f"scores of {name}")]
    if image.issues is not None:
        count = np.count_nonzero(image.issues)
        caption += f" &nbsp;{count:,} issue{'' if count == 1 else 's'}"
        pictures.append(_picture(marked(image.issues), f"issues of {name}"))
    return (
        '<figure style="display:inline-block;margin:0 16px 12px 0;vertical-align:top">'
        f'<div style="display:flex;gap:4px">{"".join(pictures)}</div>'
        f'<figcaption style="font-variant-numeric:tabular-nums">{caption}</figcaption></figure>'
    )


def heat(pixel_scores: np.ndarray) -> np.ndarray:
    """A small picture of scores, uint8 (H, W, 3), bright where a pixel is suspect: of each block the lowest score."""
    doubt = 1 - np.clip(np.nan_to_num(_small(pixel_scores, np.minimum), nan=0), 0, 1)
    places = np.linspace(0, 1, len(HEAT))
    return np.stack([np.interp(doubt, places, HEAT[:, channel]) for channel in range(3)], axis=-1).astype(np.uint8)


def marked(issues: np.ndarray) -> np.ndarray:
    """A small picture of issues, uint8 (H, W, 3): a block is bright if one of its pixels is."""
    return np.where(_small(issues, np.maximum)[..., None], ISSUE, HEAT[0]).astype(np.uint8)


def _small(pixels: np.ndarray, of_block: np.ufunc) -> np.ndarray:
    """An array of two dimensions, none of which is above `SIDE`, with one value for each block of pixels."""
    while pixels.ndim > 2:
        pixels = of_block.reduce(pixels, axis=0)
    pixels = np.atleast_2d(pixels)
    step = -(-max(pixels.shape) // SIDE)
    for axis in (0, 1):
        pixels = of_block.reduceat(pixels, np.arange(0, pixels.shape[axis], step), axis=axis)
    return pixels


def _picture(pixels: np.ndarray, text: str) -> str:
    data = base64.b64encode(png(pixels)).decode()
    scale = min(SIDE / max(pixels.shape[:2]), 8)
    height, width = (max(round(extent * scale), 1) for extent in pixels.shape[:2])
    return (
        f'<img src="data:image/png;base64,{data}" alt="{text}" title="{text}" width="{width}" height="{height}" '
        'style="margin:0;image-rendering:pixelated">'
    )


def png(pixels: np.ndarray) -> bytes:
    """Colours, uint8 (H, W, 3), as a PNG file."""
    height, width, _ = pixels.shape
    # Each row begins with the filter that it was put through: none.
    rows = np.pad(pixels.reshape(height, width * 3), ((0, 0), (1, 0))).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )

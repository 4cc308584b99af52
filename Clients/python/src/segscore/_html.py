"""What notebooks show of scores: the worst images with their pictures, as HTML that stands by itself."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ._colors import colored
from ._png import png

SHOWN = 6  # Images.
PAIRS = 12  # Of classes, in a table.
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


class Mask(NamedTuple):
    """An image as its labels are shown.

    Attributes
    ----------
    name : str
        What it is called.
    score : float
        Its score.
    labels : np.ndarray
        (H, W), or (D, H, W) of a volume, of which the slice with the most issues is shown.
    issues : np.ndarray
        Which pixels are issues, of the same shape.
    classes : int
        K; greater labels are black.
    picture : np.ndarray | None
        What the labels are of, uint8 of the size that `outlined` asks for, with 3 samples; None if that is not known.
    """

    name: str
    score: float
    labels: np.ndarray
    issues: np.ndarray
    classes: int
    picture: np.ndarray | None = None


class Change(NamedTuple):
    """An image as its labels before and after a change are shown.

    Attributes
    ----------
    name : str
        What it is called.
    caption : str
        What is said of the change.
    before, after : np.ndarray
        The labels, (H, W).
    classes : int
        K; greater labels are black.
    """

    name: str
    caption: str
    before: np.ndarray
    after: np.ndarray
    classes: int


def gallery(title: str, images: Iterable[Image], link: str | None = None) -> str:
    """Cards of images, in the order in which they are given.

    Parameters
    ----------
    link : str | None
        Where the title leads.
    """
    images = list(images)
    legend = "Bright is suspect"
    if any(image.issues is not None for image in images):
        legend += "; issues are magenta"
    return _page(title, link, legend, map(_card_of_scores, images))


def masks(title: str, images: Iterable[Mask], link: str) -> str:
    """Cards of images with their labels, in the order in which they are given.

    Parameters
    ----------
    link : str
        Where the title leads.
    """
    images = list(images)
    legend = "Labels in the colours of their classes; issues are magenta"
    if any(image.picture is not None for image in images):
        legend = "Outlines of labels in the colours of their classes; issues are magenta"
    return _page(title, link, legend, map(_card_of_mask, images))


def changes(title: str, images: Iterable[Change], pairs: Iterable[tuple[int, str, str]]) -> str:
    """Cards of images with their labels before and after, and a table of what became of which class.

    Parameters
    ----------
    pairs : Iterable[tuple[int, str, str]]
        How many pixels were changed, and the names of their classes before and after; the most first.
    """
    legend = "Labels before and after in the colours of their classes; what was changed is magenta"
    rows = [
        f"<tr><td>{count:,}</td><td>{html.escape(before)}</td><td>{html.escape(after)}</td></tr>"
        for count, before, after in list(pairs)[:PAIRS]
    ]
    table = f"<table><tr><th>pixels</th><th>before</th><th>after</th></tr>{''.join(rows)}</table>" if rows else ""
    return _page(title, None, legend, map(_card_of_change, images)) + table


def _card_of_change(image: Change) -> str:
    before, after = (classed(labels, image.classes) for labels in (image.before, image.after))
    name = html.escape(image.name)
    pictures = [_picture(before, f"labels of {name} before"), _picture(after, f"labels of {name} after")]
    pictures.append(_picture(marked(image.before != image.after), f"changes of {name}"))
    return _figure(pictures, f"<b>{name}</b> &nbsp;{html.escape(image.caption)}")


def _page(title: str, link: str | None, legend: str, cards: Iterable[str]) -> str:
    title = html.escape(title)
    if link:
        title = f'<a href="{html.escape(link)}" target="_blank" rel="noopener">{title}</a>'
    head = f'<div style="margin-bottom:4px"><b>{title}</b><br><small>{legend}.</small></div>'
    return f"{head}<div>{''.join(cards)}</div>"


def _card_of_scores(image: Image) -> str:
    issues = None if image.issues is None else (image.issues, int(np.count_nonzero(image.issues)))
    return _card(image.name, image.score, "scores", heat(image.pixel_scores), issues)


def _card_of_mask(image: Mask) -> str:
    labels, issues = image.labels, image.issues
    if issues.ndim > 2:
        slices = issues.reshape(-1, *issues.shape[-2:])
        worst = int(np.count_nonzero(slices, axis=(1, 2)).argmax())
        labels, issues = labels.reshape(slices.shape)[worst], slices[worst]
    found = (issues, int(np.count_nonzero(image.issues)))
    if image.picture is not None:
        return _card(image.name, image.score, "picture", outlined(image.picture, labels, image.classes), found)
    return _card(image.name, image.score, "labels", classed(labels, image.classes), found)


def _card(name: str, score: float, kind: str, picture: np.ndarray, found: tuple[np.ndarray, int] | None) -> str:
    """A picture of an image, and beside it its issues.

    Parameters
    ----------
    kind : str
        What the picture shows.
    found : tuple[np.ndarray, int] | None
        The issues that are drawn, and how many the image has; None if that was not asked for.
    """
    name = html.escape(name)
    caption = f"<b>{name}</b> &nbsp;{score:.4f}"
    pictures = [_picture(picture, f"{kind} of {name}")]
    if found is not None:
        issues, count = found
        caption += f" &nbsp;{count:,} issue{'' if count == 1 else 's'}"
        pictures.append(_picture(marked(issues), f"issues of {name}"))
    return _figure(pictures, caption)


def _figure(pictures: Iterable[str], caption: str) -> str:
    """Pictures beside each other, and a caption that is HTML."""
    return (
        '<figure style="display:inline-block;margin:0 16px 12px 0;vertical-align:top">'
        f'<div style="display:flex;gap:4px">{"".join(pictures)}</div>'
        f'<figcaption style="font-variant-numeric:tabular-nums">{caption}</figcaption></figure>'
    )


def classed(labels: np.ndarray, classes: int) -> np.ndarray:
    """A small picture of labels, uint8 (H, W, 3): of each block the first pixel, in the colour of its class."""
    labels = np.atleast_2d(labels)
    step = _step(labels)
    return np.asarray(colored(labels[::step, ::step], classes) * 255).astype(np.uint8)


def size_of_outlined(labels: np.ndarray) -> tuple[int, int]:
    """The height and width of the picture on which labels, (H, W), are outlined."""
    height, width = _enlarged(labels).shape
    return height, width


def outlined(picture: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """A small picture, uint8 with 3 samples, in which a pixel beside another label has the colour of its class."""
    small = _enlarged(labels)
    edges = np.zeros(small.shape, bool)
    for axis in (0, 1):
        differs = np.diff(small.astype(np.int64), axis=axis) != 0
        ahead, behind = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
        ahead[axis], behind[axis] = (1, 0), (0, 1)
        edges |= np.pad(differs, ahead) | np.pad(differs, behind)
    colours = (colored(small, classes) * 255).astype(np.uint8)
    return np.where(edges[..., None], colours, picture).astype(np.uint8)


def _enlarged(labels: np.ndarray) -> np.ndarray:
    """Labels in a size at which a picture can be made out: of each block the first pixel, or each pixel as a block."""
    step = _step(labels)
    small = labels[::step, ::step]
    times = max(SIDE // max(small.shape), 1)
    return small.repeat(times, axis=0).repeat(times, axis=1)


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
    step = _step(pixels)
    for axis in (0, 1):
        pixels = of_block.reduceat(pixels, np.arange(0, pixels.shape[axis], step), axis=axis)
    return pixels


def _step(pixels: np.ndarray) -> int:
    """The extent of the blocks of pixels that are one in a small picture."""
    longer: int = max(pixels.shape)
    return -(-longer // SIDE)


def _picture(pixels: np.ndarray, text: str) -> str:
    data = base64.b64encode(png(pixels)).decode()
    scale = min(SIDE / max(pixels.shape[:2]), 8)
    height, width = (max(round(extent * scale), 1) for extent in pixels.shape[:2])
    return (
        f'<img src="data:image/png;base64,{data}" alt="{text}" title="{text}" width="{width}" height="{height}" '
        'style="margin:0;image-rendering:pixelated">'
    )

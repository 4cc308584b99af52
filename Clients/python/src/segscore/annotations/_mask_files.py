"""Masks as pictures: of class numbers, or of CVAT's colours (segmentation mask 1.1)."""

from __future__ import annotations

from typing import Callable

import numpy as np

from .._masks import Mask
from ._canvas import Canvas
from ._files import Files, ending

LABEL_MAP = "labelmap.txt"
CLASSES = "SegmentationClass/"
BACKGROUND = "background"
MOST_BYTES_PER_PIXEL = 8  # Four samples of 16 bits. Compressed, a picture has fewer.
MOST_BYTES_BESIDE = 1 << 20


def paint_pictures(files: Files, canvas: Canvas, source: str) -> None:
    """Takes the values of each picture as classes.

    Raises
    ------
    ValueError
        A value is no class, a file is no PNG of the size of its image, or is of no image.
    """
    for name in files.names:
        if ending(name) != ".png":
            continue
        image = canvas.image(name, source=source)
        mask = _mask(files, name, canvas, image, source)
        if not (mask.is_grey or mask.has_palette):
            raise ValueError(f"{source}: {name} has colours, and no {LABEL_MAP} tells which classes these are")
        values = _read(mask.values)
        for value in np.unique(values).tolist():
            canvas.check(value, f"{source}: a pixel of {name}")
        canvas.labels[image][...] = values


def paint_cvat_masks(files: Files, label_map: str, canvas: Canvas, source: str) -> None:
    """Takes the colours of each picture as the classes that the list of labels gives them; nothing is painted where a
    pixel has the colour of the background.

    Raises
    ------
    ValueError
        The list of labels has no such colour or makes no sense, a file is no PNG of the size of its image, or is of no
        image, or a class is not known.
    """
    rows = _label_map(files.read(label_map), label_map)
    root = label_map[: -len(LABEL_MAP)] + CLASSES
    colours = {colour: name for name, colour in reversed(rows)}
    for file in files.names:
        if not file.startswith(root) or ending(file) != ".png":
            continue
        image = canvas.image(file[len(root) :], source=source)
        codes = _codes(_mask(files, file, canvas, image, source), rows)
        found, places = np.unique(codes, return_inverse=True)
        classes = np.zeros(len(found), np.int64)
        for place, code in enumerate(found.tolist()):
            where = f"{source}: {file}"
            if code not in colours:
                raise ValueError(f"{where} has the colour #{code:06x}, which {label_map} does not list")
            classes[place] = _class(colours[code], canvas, where)
        painted = classes[places.reshape(codes.shape)]
        labels = canvas.labels[image]
        np.copyto(labels, painted.astype(labels.dtype), where=painted >= 0)


def _class(name: str, canvas: Canvas, where: str) -> int:
    """The class of a name, or -1 for the background if no class is called so."""
    try:
        return canvas.number(name, where)
    except ValueError:
        if name.lower() != BACKGROUND:
            raise
        return -1


def _label_map(data: bytes, name: str) -> list[tuple[str, int]]:
    """The labels and their colours, red first: `label:r,g,b:parts:actions`.

    If none has a colour, as where Datumaro was not told of any, they have those of PASCAL VOC, in their order.
    """
    rows: list[tuple[str, int]] = []
    without: list[tuple[str, int]] = []
    try:
        for line in data.decode("utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                label, colour, *_ = line.split(":")
                if not colour.strip():
                    without.append((label, _voc(len(without))))
                    continue
                red, green, blue = (int(sample) for sample in colour.split(","))
                if not all(0 <= sample <= 255 for sample in (red, green, blue)):
                    raise ValueError(colour)
                rows.append((label, red << 16 | green << 8 | blue))
    except ValueError as error:
        raise ValueError(f"{name} must have lines such as road:128,64,128:: ({error})") from error
    if rows and without:
        raise ValueError(f"{name} has colours of some labels, and none of {without[0][0]!r}")
    return rows or without


def _voc(number: int) -> int:
    """The colour of a number in PASCAL VOC: its bits in turn are the highest of red, green and blue, and so on."""
    return sum((number >> bit & 1) << (23 - bit // 3 - 8 * (bit % 3)) for bit in range(24))


def _mask(files: Files, name: str, canvas: Canvas, image: int, source: str) -> Mask:
    """The PNG of an image. Its size is compared before anything is decoded."""
    height, width = canvas.labels[image].shape
    data = files.read(name, MOST_BYTES_BESIDE + MOST_BYTES_PER_PIXEL * height * width)
    mask = Mask(data, f"{source}: {name}")
    canvas.check_size(image, *mask.shape, source)
    return mask


def _read(samples: Callable[[], np.ndarray]) -> np.ndarray:
    """The samples of a picture."""
    try:
        return samples()
    except ImportError as error:
        raise ImportError("pictures of masks are read by Pillow: pip install pillow") from error
    except Exception as error:  # What is damaged is told of by Pillow in many ways.
        raise ValueError(f"a picture cannot be read: {error}") from error


def _codes(mask: Mask, rows: list[tuple[str, int]]) -> np.ndarray:
    """The colours of the pixels, red first. Grey of 8 bits counts the rows of the list."""
    if mask.is_grey:
        values = _read(mask.values)
        if values.max() >= len(rows):
            raise ValueError(f"a picture has the grey value {values.max()}, and there are {len(rows)} labels")
        return np.asarray(np.array([colour for _, colour in rows])[values])
    samples = _read(mask.colours).astype(np.int64)
    return np.asarray(samples[..., 0] << 16 | samples[..., 1] << 8 | samples[..., 2])

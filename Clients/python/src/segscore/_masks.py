"""Masks as files and images: PNG is sent as it lies in its file, other files are read."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union

import numpy as np

from ._readers import is_readable, read

Colors = Union[str, Sequence[Any], Mapping[str, int]]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEAD = 26  # Bytes of a PNG file that tell its width and height, and its bits and kind of samples.
GREY, PALETTE = 0, 3  # Kinds of samples that are classes.
CLASSES = ("1", "L", "P", "I", "F")
"""What the modes of Pillow begin with whose samples are classes: grey of 1, 8, 16 and 32 bits, and palette indices."""
COLOURS = ("RGB", "RGBA", "LA")  # The modes that a PNG file can have, and of which only the server knows what they are.


class Mask:
    """The labels of one image, (H, W), in the bytes of a PNG file.

    Raises
    ------
    ValueError
        The file is no PNG image.
    """

    dtype = np.dtype(np.uint8)  # The server reads the type of the samples from the file; here it stands for any.

    def __init__(self, data: bytes, name: str):
        if len(data) < HEAD or not data.startswith(SIGNATURE):
            raise ValueError(f"{name} is no PNG image, and no file that is read here (.nii, .nii.gz, .tif, .npy, .npz)")
        self.data = data
        self.shape = (int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big"))

    @property
    def is_grey(self) -> bool:
        """Whether the samples are grey values."""
        return self.data[25] == GREY

    @property
    def has_palette(self) -> bool:
        """Whether the samples are indices of a palette."""
        return self.data[25] == PALETTE

    @property
    def has_classes(self) -> bool:
        """Whether the samples are classes, and can be read here, by Pillow."""
        return (self.is_grey or self.has_palette) and importlib.util.find_spec("PIL") is not None

    def values(self) -> np.ndarray:
        """The values of the labels, if the mask has classes.

        Raises
        ------
        OSError
            Pillow cannot read the file.
        """
        import PIL.Image

        with PIL.Image.open(io.BytesIO(self.data)) as image:
            values: np.ndarray = np.asarray(image.convert("L") if image.mode == "1" else image)
        depth, kind = self.data[24:26]
        # Pillow scales grey of few bits to 255.
        return values // (255 // ((1 << depth) - 1)) if kind == GREY and depth < 8 else values

    def colours(self) -> np.ndarray:
        """The colours of the pixels, uint8 (H, W, 3).

        Raises
        ------
        OSError
            Pillow cannot read the file.
        """
        import PIL.Image

        with PIL.Image.open(io.BytesIO(self.data)) as image:
            return np.asarray(image.convert("RGB"))


class Masks:
    """Several masks of one size, each of which is sent as a part of its own.

    Raises
    ------
    ValueError
        Masks are of different sizes.
    """

    dtype = Mask.dtype
    fortran_order = False

    def __init__(self, masks: Sequence[Mask]):
        shapes = {mask.shape for mask in masks}
        if len(shapes) != 1:
            raise ValueError(f"masks that are sent together must be of one size, not of {len(shapes)}")
        self.masks = masks
        self.shape = (len(masks), *shapes.pop())

    def pieces(self) -> Iterator[list[memoryview]]:
        for mask in self.masks:
            yield [memoryview(mask.data)]


def is_file(data: Any) -> bool:
    """Whether this is the path of a file."""
    return isinstance(data, (str, os.PathLike))


def is_image(data: Any) -> bool:
    """Whether this is an image of Pillow, which need not be installed."""
    pillow: Any = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(data, pillow.Image)


def opened_mask(data: Any) -> Any:
    """What a path or an image of Pillow stands for: a mask, or the array of a file or an image of classes. All else as
    it is.

    An image with a palette is the array of its indices; grey of 2 or 4 bits has been scaled to 255 by Pillow. An image
    of colours becomes a PNG file, since only the server knows their classes, by `colors`.

    Raises
    ------
    ValueError
        The file is none that is read here, or the image has samples that are neither classes nor colours.
    """
    if is_file(data):
        if is_readable(data):
            return read(data, "labels")
        with open(data, "rb") as file:
            return Mask(file.read(), os.fsdecode(data))
    if is_image(data):
        if data.mode in COLOURS:
            target = io.BytesIO()
            data.save(target, "png", compress_level=1)
            return Mask(target.getvalue(), "the image")
        if data.mode.split(";")[0] not in CLASSES:
            raise ValueError(
                f"an image of Pillow has the mode {data.mode}, whose samples are no classes: give the path of its "
                "file, or an array of classes"
            )
        # Pillow hands over bool of one bit whose bytes are 255, which are True for NumPy and no 1.
        return np.asarray(data.convert("L")) != 0 if data.mode == "1" else np.asarray(data)
    return data


def opened_masks(data: Any) -> Any:
    """The masks of a list of paths, as they are sent together. All else as it is."""
    if isinstance(data, (list, tuple)) and data and all(is_file(each) or is_image(each) for each in data):
        opened = [opened_mask(each) for each in data]
        if all(isinstance(each, Mask) for each in opened):
            return Masks(opened)
        return opened
    return opened_mask(data)


def colors_text(colors: Colors | None) -> str | None:
    """The parameter `colors`."""
    if colors is None or isinstance(colors, str):
        return colors
    if isinstance(colors, Mapping):
        return json.dumps({name: int(index) for name, index in colors.items()})
    return json.dumps([each if isinstance(each, str) else [int(sample) for sample in each] for each in colors])

"""The pictures that labels are of: files are sent as they lie, arrays and images of Pillow as PNG."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from ._batches import Batch, count_of
from ._masks import is_image
from ._names import are_plain
from ._parts import PIECE, is_stored
from ._png import png
from ._tensors import in_memory

KINDS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
HEAD = 12  # Bytes of a file that tell what it is.
SENT_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")  # Of images of Pillow, those that a PNG holds and browsers show.
LEVEL = 1  # Of compression: pictures hardly become smaller by more.


class Picture:
    """A picture in the bytes of a PNG, JPEG or WebP file.

    Attributes
    ----------
    name : str | None
        What its file is called, if it has one.
    kind : str
        Its media type.
    size : int
        How many bytes it has.
    """

    def __init__(self, name: str | None, head: bytes, size: int):
        is_webp = head[8:HEAD] == b"WEBP"
        kinds = [kind for kind, start in KINDS.items() if head.startswith(start) and (kind != "image/webp" or is_webp)]
        if not kinds:
            raise ValueError(f"{name} is no PNG, JPEG or WebP file")
        self.name, self.kind, self.size = name, kinds[0], size

    def pieces(self) -> Iterator[memoryview]:
        """The bytes, which may be asked for again."""
        raise NotImplementedError


class PictureFile(Picture):
    """A picture in a file, of which a piece is read at a time.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is no PNG, JPEG or WebP file.
    """

    def __init__(self, path: Any):
        self._path = os.fsdecode(path)
        with open(self._path, "rb") as file:
            super().__init__(os.path.basename(self._path), file.read(HEAD), os.fstat(file.fileno()).st_size)

    def pieces(self) -> Iterator[memoryview]:
        left = self.size
        with open(self._path, "rb") as file:
            while left:
                piece = file.read(min(PIECE, left))
                if not piece:
                    raise OSError(f"{self._path} became shorter while it was sent")
                left -= len(piece)
                yield memoryview(piece)


class EncodedPicture(Picture):
    """A picture in memory."""

    def __init__(self, name: str | None, data: bytes):
        super().__init__(name, data[:HEAD], len(data))
        self._data = data

    def pieces(self) -> Iterator[memoryview]:
        yield memoryview(self._data)


class Pictures:
    """The pictures of a data set, in the order of its images, which are read as batches are sent.

    Parameters
    ----------
    images : array_like
        A list, or anything that can be iterated over, with an item for each image: the path of a PNG, JPEG or WebP
        file, an image of Pillow, or an array, uint8 (H, W, 3), (H, W) or (H, W, 1). Or an array of all of these. Of one
        image it may be the item itself.

    Raises
    ------
    TypeError
        This is none of these.
    """

    def __init__(self, images: Any):
        if isinstance(images, (str, bytes)):
            raise TypeError(f"images are a list of paths, of images or of arrays, and not {images!r:.80}")
        self._images = images
        self._items: Iterator[Any] | None = None
        self._taken = 0
        self._stems: list[str] = []

    def of(self, batch: Batch) -> Batch:
        """A batch with its pictures, which are those behind the ones of the batch before.

        Raises
        ------
        ValueError
            There are no more, or one is no picture.
        """
        if self._items is None:
            self._items = iter(self._listed(batch))
        pictures = []
        for item in islice(self._items, batch.images):
            picture = picture_of(item, self._taken)
            pictures.append(picture)
            self._taken += 1
            if picture.name is not None:
                self._stems.append(os.path.splitext(picture.name)[0])
        if len(pictures) < batch.images:
            raise ValueError(f"images are {self._taken}, and the labels are of more")
        return batch._replace(pictures=tuple(pictures))

    def end(self) -> None:
        """Refuses pictures that no batch was of.

        Raises
        ------
        ValueError
            There are some.
        """
        if self._items is not None and next(self._items, None) is not None:
            raise ValueError(f"images are more than {self._taken}, and the labels are of {self._taken}")

    @property
    def names(self) -> list[str] | None:
        """What the files are called that were taken, without suffixes; None unless each has a name of its own."""
        is_named = 0 < len(self._stems) == self._taken == len(set(self._stems))
        return list(self._stems) if is_named and are_plain(self._stems) else None

    def all_of(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Batches with their pictures; at the end none may be left."""
        for batch in batches:
            yield self.of(batch)
        self.end()

    def _listed(self, batch: Batch) -> Iterable[Any]:
        """The items, of which the first are those of a batch."""
        images = self._images
        is_item = isinstance(images, os.PathLike) or is_image(images)
        if is_item or (hasattr(images, "shape") and _is_single(images, batch)):
            if batch.images > 1:
                raise TypeError(f"images are a list with an item for each image: [{images!r:.80}]")
            return [images]
        if is_stored(images):
            return (images[image] for image in range(count_of(images)))
        if not isinstance(images, Iterable):
            raise TypeError(f"images are arrays or can be iterated over; {type(images).__name__} is neither")
        return images


def _is_single(array: Any, batch: Batch) -> bool:
    """Whether an array is one picture, (H, W), (H, W, 1) or (H, W, 3), and not one of several."""
    shape = tuple(array.shape)
    if len(shape) not in (2, 3) or shape[2:] not in ((), (1,), (3,)) or batch.images > 1:
        return False
    # (1, H, W) of a list of one grey picture has as many axes as (H, W, 3): the extents of the labels tell them apart.
    return len(shape) == 2 or not batch.has_images or shape[:2] == tuple(batch.labels.shape[-2:])


def picture_of(item: Any, image: int) -> Picture:
    """What a path, an image of Pillow or an array is as a file.

    Parameters
    ----------
    image : int
        Which image it is of, for messages.

    Raises
    ------
    ValueError
        The file is none that browsers show, or the array is no picture.
    """
    if isinstance(item, (str, os.PathLike)):
        return PictureFile(item)
    if is_image(item):
        name = os.path.basename(os.fsdecode(getattr(item, "filename", ""))) or None
        target = io.BytesIO()
        (item if item.mode in SENT_MODES else item.convert("RGB")).save(target, "png", compress_level=LEVEL)
        return EncodedPicture(name, target.getvalue())
    array = in_memory(item, "images")
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3))
    if not is_picture or array.dtype != np.uint8 or 0 in array.shape:
        raise ValueError(
            f"image {image} is {array.dtype} {array.shape}; arrays of images are uint8 (H, W, 3), (H, W) or (H, W, 1): "
            "of values from 0 to 1, (255 * x).round().astype('uint8')"
        )
    return EncodedPicture(None, png(array, LEVEL))

"""CVAT for images 1.1: XML with masks and polygons."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from ._canvas import Canvas
from ._shapes import pixels_of_polygon, pixels_of_runs

SHAPES = ("mask", "polygon")
OTHERS = ("box", "polyline", "points", "cuboid", "ellipse", "skeleton", "track")
"""What has no pixels, or may have been drawn for several reasons. A tag is of a whole image, and is passed over."""


def paint_cvat(data: bytes, canvas: Canvas, source: str) -> bool:
    """Paints the shapes of each image by their `z_order`, and those of one in the order in which they stand.

    Returns
    -------
    bool
        Whether the document is one of CVAT's: its first element is `annotations`.

    Raises
    ------
    ValueError
        It is no XML, or declares a type of document, whose entities could become a text of any length; or a shape
        makes no sense, or an image or a class is not known.
    """
    reader = _Reader(canvas, source)
    reader.read(data)
    return reader.is_cvat


class _Reader:
    """Paints an image when its element ends."""

    def __init__(self, canvas: Canvas, source: str):
        self._canvas = canvas
        self._source = source
        self._image: int | None = None
        self._shapes: list[tuple[int, str, dict[str, str]]] = []
        self._depth = 0
        self.is_cvat = False

    def read(self, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise ValueError(f"{self._source} is no XML: {error}") from error

    def _refuse(self, *_: Any) -> None:
        raise ValueError(f"{self._source} declares a type of document (DOCTYPE), which CVAT's exports do not")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 0:
            self.is_cvat = name == "annotations"
        if self._depth == 1 and self.is_cvat and name == "track":
            raise ValueError(f"{self._source} is of a video: export it as CVAT for images 1.1")
        if self._depth == 1 and self.is_cvat and name == "image":
            self._image = self._canvas.image(attributes.get("name", ""), source=self._source)
            height, width = (_whole(attributes, side, self._source) for side in ("height", "width"))
            self._canvas.check_size(self._image, height, width, self._source)
        elif self._depth == 2 and self._image is not None and name in SHAPES + OTHERS:
            where = self._where(name)
            if name in OTHERS:
                raise ValueError(f"{where}: only masks and polygons tell which pixels are meant")
            order = _whole({"z_order": "0"} | attributes, "z_order", where)
            self._shapes.append((order, name, attributes))
        self._depth += 1

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._depth == 1 and self._image is not None:
            for _, shape, attributes in sorted(self._shapes, key=lambda shape: shape[0]):
                self._paint(shape, attributes)
            self._image, self._shapes = None, []

    def _where(self, shape: str) -> str:
        name = "" if self._image is None else self._canvas.names[self._image]
        return f"{self._source}, a {shape} of the image {name!r}"

    def _paint(self, shape: str, attributes: dict[str, str]) -> None:
        assert self._image is not None
        where, labels = self._where(shape), self._canvas.labels[self._image]
        label = self._canvas.number(attributes.get("label", ""), where)
        try:
            if shape == "polygon":
                points = [float(each) for each in attributes.get("points", "").replace(";", ",").split(",")]
                labels[pixels_of_polygon(points, *labels.shape)] = label
                return
            left, top, width, height = (_whole(attributes, side, "it") for side in ("left", "top", "width", "height"))
            if (
                min(left, top) < 0
                or min(width, height) < 1
                or left + width > labels.shape[1]
                or top + height > len(labels)
            ):
                raise ValueError("its box is not within the image")
            # Runs go along the rows of the box.
            if attributes.get("rle", "").count(",") > width * height + 1:
                raise ValueError(f"its runs are more than the {width * height} pixels of its box")
            runs = [int(run) for run in attributes.get("rle", "").split(",")]
            rows, columns = divmod(pixels_of_runs(runs, width * height), width)
            labels[rows + top, columns + left] = label
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error


def _whole(attributes: dict[str, str], name: str, where: str) -> int:
    text = attributes.get(name, "")
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{where}: {name} must be a whole number, and is {text!r:.40}") from error

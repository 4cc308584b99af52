"""COCO's instances: runs, as numbers or letters, and polygons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._canvas import Canvas
from ._shapes import pixels_of_polygon, pixels_of_runs, runs_of_letters


def is_coco(document: Any) -> bool:
    """Whether a JSON document is one of COCO's instances."""
    return isinstance(document, dict) and all(
        isinstance(document.get(name), list) for name in ("images", "annotations", "categories")
    )


def paint_coco(document: Mapping[str, Any], canvas: Canvas, source: str) -> None:
    """Paints the annotations in their order, so that the last holds where several cover a pixel.

    Raises
    ------
    ValueError
        An annotation has no mask, or one that makes no sense; or an image or a class is not known.
    """
    categories = {row["id"]: row.get("name") for row in _rows(document, "categories", source)}
    images: dict[int, int] = {}
    for row in _rows(document, "images", source):
        image = canvas.image(_text(row, "file_name", source), source=source)
        canvas.check_size(image, row.get("height"), row.get("width"), source)
        if row["id"] in images:
            raise ValueError(f"{source}: two images have the id {row['id']}")
        images[row["id"]] = image
    for row in _rows(document, "annotations", source):
        where = f"{source}, annotation {row['id']}"
        image, category = row.get("image_id"), row.get("category_id")
        if type(image) is not int or image not in images:
            raise ValueError(f"{where}: there is no image {image!r}")
        if type(category) is not int or category not in categories:
            raise ValueError(f"{where}: there is no category {category!r}")
        label = canvas.number(categories[category], where)
        try:
            _paint(row.get("segmentation"), canvas, images[image], label)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error


def _paint(segmentation: Any, canvas: Canvas, image: int, label: int) -> None:
    labels = canvas.labels[image]
    height, width = labels.shape
    if isinstance(segmentation, dict):
        if segmentation.get("size") != [height, width]:
            raise ValueError(f"its runs are of the size {segmentation.get('size')!r}, and not {[height, width]}")
        counts = segmentation.get("counts")
        runs = runs_of_letters(counts, height * width) if isinstance(counts, str) else counts
        # COCO counts down the columns.
        columns, rows = divmod(pixels_of_runs(runs, height * width), height)
        labels[rows, columns] = label
    elif isinstance(segmentation, list) and segmentation:
        for ring in segmentation:
            labels[pixels_of_polygon(ring, height, width)] = label
    else:
        raise ValueError("it has no mask, and a box alone does not tell which pixels are meant")


def _rows(document: Mapping[str, Any], name: str, source: str) -> list[Any]:
    """The objects of a list, each of which has an id."""
    for row in document[name]:
        if not isinstance(row, dict) or type(row.get("id")) is not int:
            raise ValueError(f"{source}: {name} must be objects with an id, a whole number")
    rows: list[Any] = document[name]
    return rows


def _text(row: Mapping[str, Any], name: str, source: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{source}: {name} must be a text, and is {value!r:.80}")
    return value

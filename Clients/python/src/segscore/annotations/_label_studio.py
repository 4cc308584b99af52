"""Label Studio's tasks: brushes and polygons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from ._canvas import Canvas
from ._shapes import mask_of_brush, pixels_of_polygon

NAMES = ("brushlabels", "polygonlabels", "labels")
WITHOUT_PIXELS = ("choices", "textarea", "rating", "number", "datetime", "taxonomy", "relation", "pairwise")
"""The results that say something else of an image. They are passed over."""


def is_label_studio(document: Any) -> bool:
    """Whether a JSON document is a list of Label Studio's tasks."""
    return (
        isinstance(document, list)
        and len(document) > 0
        and all(isinstance(task, dict) and isinstance(task.get("data"), dict) for task in document)
    )


def paint_label_studio(document: Sequence[Mapping[str, Any]], canvas: Canvas, source: str) -> None:
    """Paints each task's latest annotation, or its last prediction if nobody has annotated it.

    Raises
    ------
    ValueError
        A result has no mask, or one that makes no sense; or an image or a class is not known.
    """
    for number, task in enumerate(document):
        where = f"{source}, task {task.get('id', number + 1)}"
        files = [file for value in task["data"].values() if isinstance(value, str) for file in _files_of(value)]
        image = canvas.image(*files, source=where)
        for result in _results(task, where):
            try:
                _paint(result, canvas, image, where)
            except ValueError as error:
                message = str(error)
                raise ValueError(message if message.startswith(where) else f"{where}: {message}") from error


def _files_of(value: str) -> list[str]:
    """What the file at an address may be called: `/data/local-files/?d=images/a.png`, `s3://bucket/a.png`."""
    address = urlsplit(value) if "://" in value or "?" in value else None
    if address is None:
        return [unquote(value), value]
    named = [unquote(part[2:]) for part in address.query.split("&") if part.startswith("d=")]
    return [*named, unquote(address.path).lstrip("/"), value]


def _results(task: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    annotations = [each for each in _objects(task, "annotations", where) if not each.get("was_cancelled")]
    predictions = _objects(task, "predictions", where)
    if annotations:
        # Of those that were changed at one time, or do not say when, the last holds.
        _, latest = max(enumerate(annotations), key=lambda each: (str(each[1].get("updated_at") or ""), each[0]))
        return _objects(latest, "result", where)
    return _objects(predictions[-1], "result", where) if predictions else []


def _objects(row: Mapping[str, Any], name: str, where: str) -> list[Mapping[str, Any]]:
    rows = row.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise ValueError(f"{where}: {name} must be a list of objects")
    return rows


def _paint(result: Mapping[str, Any], canvas: Canvas, image: int, where: str) -> None:
    kind, value = result.get("type"), result.get("value")
    if kind in WITHOUT_PIXELS:
        return
    if not isinstance(value, dict) or ("rle" not in value and "points" not in value):
        raise ValueError(f"a result of the type {kind!r} does not tell which pixels are meant: use a brush or polygons")
    labels = canvas.labels[image]
    height, width = labels.shape
    canvas.check_size(image, result.get("original_height"), result.get("original_width"), where)
    if result.get("image_rotation"):
        raise ValueError(f"the image {canvas.names[image]!r} is turned by {result['image_rotation']} degrees")
    names: list[Any] = next((value[name] for name in NAMES if isinstance(value.get(name), list)), [])
    if len(names) != 1:
        raise ValueError(f"a result must have one label, and has {names!r:.80}")
    label = canvas.number(names[0], where)
    if "rle" in value:
        labels[mask_of_brush(value["rle"], height, width)] = label
    else:
        # Its points are in percent of the image.
        try:
            points = np.array(value["points"], np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError("the points of a polygon must be pairs of numbers") from error
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError("the points of a polygon must be pairs of numbers")
        labels[pixels_of_polygon((points * (width, height) / 100).ravel(), height, width)] = label

"""The way back from annotation tools: corrected masks become labels, and what was changed is shown.

    job.export("masks.zip", "coco")
    corrected = segscore.annotations.read("corrected.zip", like=job)
    after = client.submit(corrected.labels, pred_probs, method="margin")
    segscore.annotations.changes(job, after)

Between the first line and the second, people correct the masks in their tool, and export them again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from os import fsdecode
from typing import Any

import numpy as np

from .._changes import ChangedImage, Changes, changes
from ..job import Images, Job
from ._canvas import Canvas
from ._coco import is_coco, paint_coco
from ._cvat import paint_cvat
from ._files import Files, ending, files_at
from ._label_studio import is_label_studio, paint_label_studio
from ._mask_files import LABEL_MAP, paint_cvat_masks, paint_pictures

__all__ = ["Annotations", "ChangedImage", "Changes", "changes", "read"]

FORMATS = "COCO, CVAT for images 1.1, CVAT's segmentation mask 1.1, tasks of Label Studio, or PNG of class numbers"


@dataclasses.dataclass(frozen=True)
class Annotations:
    """What annotations make of labels.

    Attributes
    ----------
    labels : np.ndarray | list[np.ndarray]
        The classes of the pixels, (N, H, W) in the order of the images, or a list of (H, W) if they are of several
        sizes, uint8 or uint16. Of a job of one image without an axis of images they have none either.
    names : list[str]
        What the images are called.
    missing : list[str]
        The images that the files do not have. Their labels stay as they were.
    format : str
        `coco`, `cvat`, `cvat-mask`, `label-studio` or `png`.
    class_names : list[str] | None
        What the classes are called, from 0 on, if that is known.
    """

    labels: Images
    names: list[str]
    missing: list[str]
    format: str
    class_names: list[str] | None = None

    def __repr__(self) -> str:
        missing = f", {len(self.missing)} of them missing" if self.missing else ""
        return f"<segscore.annotations.Annotations: {len(self.names)} images from {self.format}{missing}>"


def read(
    path: Any,
    like: Job | Mapping[str, Sequence[int]],
    *,
    class_names: Sequence[str] | None = None,
    background: int | None = None,
) -> Annotations:
    """The labels that an annotation tool has exported.

    Where several masks cover a pixel, the last counts, or of CVAT's the one of the greatest `z_order`. Images are known
    by their names, whatever folders and suffixes are around these. Of a task of Label Studio the latest annotation is
    taken, or the last prediction if there is none.

    Parameters
    ----------
    path : str | os.PathLike
        A file, a folder, or a zip as the tool makes it:

        - COCO's instances, JSON: runs as numbers or letters, and polygons.
        - CVAT for images 1.1, XML: masks and polygons.
        - CVAT's segmentation mask 1.1: `labelmap.txt`, and PNG in `SegmentationClass`. Pillow reads them.
        - Label Studio's JSON: brushes and polygons.
        - PNG files of class numbers, as `Job.save_mended` writes them. Pillow reads them.
    like : Job | Mapping[str, tuple[int, int]]
        The job whose images they are, for their names, their sizes and their order, and for the labels of pixels that
        nothing covers. Or the images' names and their (H, W), in their order.
    class_names : Sequence[str] | None
        What the classes are called, from 0 on, as in `Job.export`. By default as the job calls them, or "0", "1" and so
        on.
    background : int | None
        The class of pixels that nothing covers. By default they have the label that was given to the job.

    Raises
    ------
    ValueError
        A file is of no image or of an image of another size, a class is not known, a mask makes no sense, or there is
        nothing that is read here. Nothing is taken then.
    FileNotFoundError
        There is nothing at the path.
    ImportError
        Pillow is not installed, and the files are pictures.
    """
    files = files_at(path)
    canvas = Canvas.like(like, class_names, background)
    form = _paint(files, canvas, fsdecode(path))
    labels: Images = canvas.labels
    if not canvas.has_images:
        labels = canvas.labels[0]
    elif len({image.shape for image in canvas.labels}) == 1:
        labels = np.stack(canvas.labels)
    return Annotations(labels, canvas.names, canvas.missing, form, canvas.class_names)


def _paint(files: Files, canvas: Canvas, path: str) -> str:
    """Paints what the files hold, and returns the name of their format."""
    label_map = next((name for name in files.names if name.rpartition("/")[2] == LABEL_MAP), None)
    if label_map is not None:
        paint_cvat_masks(files, label_map, canvas, path)
        return "cvat-mask"
    documents = [name for name in files.names if ending(name) in (".json", ".xml")]
    # COCO's files of other kinds, as those of panoptic segmentation, stand beside that of the instances.
    instances = [name for name in documents if name.rpartition("/")[2].startswith("instances_")]
    forms = [_paint_document(files.read(name), canvas, name) for name in instances or documents]
    if any(forms):
        return next(form for form in forms if form)
    if documents or not any(ending(name) == ".png" for name in files.names):
        held = ", ".join(files.names[:3]) + (", …" if len(files.names) > 3 else "") or "nothing"
        raise ValueError(f"{path} holds {held}, and none of what is read here: {FORMATS}")
    paint_pictures(files, canvas, path)
    return "png"


def _paint_document(data: bytes, canvas: Canvas, name: str) -> str | None:
    """Paints a document, and returns the name of its format; None if that is not known."""
    if ending(name) == ".xml":
        return "cvat" if paint_cvat(data, canvas, name) else None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is no JSON: {error}") from error
    if is_coco(document):
        paint_coco(document, canvas, name)
        return "coco"
    if is_label_studio(document):
        paint_label_studio(document, canvas, name)
        return "label-studio"
    return None

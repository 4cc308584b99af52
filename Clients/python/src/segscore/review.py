"""The page on which people review a job."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import numpy as np

from . import _html
from .errors import SegscoreError

if TYPE_CHECKING:
    from .job import Job

SHOWN = 8  # Images.


class Review:
    """Where a job is reviewed in a browser. What is decided there is in the job's `decisions`.

    Attributes
    ----------
    job : Job
        The job.
    url : str
        The address of the page.
    """

    def __init__(self, job: Job, url: str):
        self.job = job
        self.url = url

    def __repr__(self) -> str:
        return self.url

    def _repr_html_(self) -> str:
        """What notebooks show: a link to the page, and the worst images with their issues: their labels, or outlines of
        these on the pictures, if the job has some that Pillow reads.
        """
        document = self.job.document()
        shape = document["shape"]
        images = []
        for each in self.job.ranking(SHOWN):
            name = str(each.image) if each.name is None else each.name
            labels = np.asarray(self.job.labels(each.image))
            issues = np.asarray(self.job._found(each.image))
            picture = None
            if "images" in document["links"] and labels.ndim == 2:
                picture = _picture(self.job, each.image, _html.size_of_outlined(labels))
            images.append(_html.Mask(name, each.score, labels, issues, shape["classes"], picture))
        shown = "" if shape["images"] == len(images) else f", the worst {len(images)}"
        count = f"{shape['images']} image{'' if shape['images'] == 1 else 's'}"
        return _html.masks(f"Review job {self.job.id}: {count}{shown}", images, self.url)


def _picture(job: Job, image: int, size: tuple[int, int]) -> np.ndarray | None:
    """The picture of an image, uint8 (height, width, 3) of a size; None if there is none, or none that Pillow reads."""
    try:
        import PIL.Image
    except ImportError:
        return None
    try:
        path = f"/jobs/{job.id}/images/{image}"
        data = job._transport.read("GET", path, fields={"Accept": "image/png, image/jpeg, image/webp"})
        with PIL.Image.open(io.BytesIO(data)) as picture:
            picture.draft("RGB", size[::-1])  # Of a JPEG no more is decoded than that needs.
            return np.asarray(picture.convert("RGB").resize(size[::-1]))
    except SegscoreError as error:
        if error.status in (404, 422):
            return None
        raise
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return None  # It is damaged, or larger than Pillow takes.


def address_of(url: str, is_own: bool, job: str) -> str:
    """The address of the page of a job.

    Parameters
    ----------
    url : str
        Where the server is.
    is_own : bool
        Whether it is one of this process's own.

    Raises
    ------
    ValueError
        The server is on a Unix socket, which browsers do not open, or the URL is none that they open.
    """
    if url.startswith("unix:"):
        which = "this process's own server, which is on a Unix socket" if is_own else f"the server at {url}"
        also = "" if is_own else " If that server listens on a port too, name its address by url=."
        raise ValueError(
            f"A browser does not reach {which}. Start one that it reaches, as by `segscore serve --state-dir FOLDER`, "
            "and have segscore.Client('http://127.0.0.1:8080') score the data there, or SEGSCORE_URL name it." + also
        )
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is no http://host:port or https://host:port")
    return f"{url.rstrip('/')}/#/jobs/{job}"


def is_in_notebook() -> bool:
    """Whether this process runs the cells of a notebook, which show what they return."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")

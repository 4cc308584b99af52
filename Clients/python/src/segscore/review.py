"""The page on which people review a job."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from . import _html

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
        """What notebooks show: a link to the page, and the labels and issues of the worst images."""
        shape = self.job.document()["shape"]
        images = []
        for each in self.job.ranking(SHOWN):
            name = str(each.image) if each.name is None else each.name
            labels = np.asarray(self.job.labels(each.image))
            issues = np.asarray(self.job._found(each.image))
            images.append(_html.Mask(name, each.score, labels, issues, shape["classes"]))
        shown = "" if shape["images"] == len(images) else f", the worst {len(images)}"
        count = f"{shape['images']} image{'' if shape['images'] == 1 else 's'}"
        return _html.masks(f"Review job {self.job.id}: {count}{shown}", images, self.url)


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

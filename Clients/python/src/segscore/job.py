"""Jobs of a server: their state and their results."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Union

import numpy as np

from . import _html
from ._arrays import read_array
from ._transport import Transport
from .errors import JobEndedError, SegscoreError, error_of
from .regions import RegionCell, Regions

Images = Union[np.ndarray, list[np.ndarray]]
"""One array for all images, or a list with an array for each if they are of several sizes."""

LONGEST_POLL = 30  # Seconds that the server may wait for a job's end before it answers that the job still runs.
LIVE = ("open", "receiving", "queued", "running")


class Progress(NamedTuple):
    """The state of a job, and how many of its images are done."""

    status: str
    images_done: int
    images_total: int | None
    fraction: float


class RankedImage(NamedTuple):
    """An image's place in the ranking."""

    image: int
    score: float
    num_pixel_issues: int
    name: str | None = None  # If the images were files of a folder.


class ClassPair(NamedTuple):
    """How many pixels with issues are labelled as one class while another is the most probable."""

    given_label: str
    predicted_label: str
    num_pixel_issues: int


class Job:
    """A job of the server. Its results stay there until they expire, or until the job is deleted.

    Methods that need results wait for the job's end. They raise `JobEndedError` if it failed or was canceled.

    Attributes
    ----------
    id : str
        The name that the server has given the job.
    names : list[str] | None
        What the images are called, if this process has sent them from folders.
    """

    def __init__(
        self,
        transport: Transport,
        id: str,
        shape: dict[str, Any] | None = None,
        image_scores: Sequence[float] | None = None,
    ):
        self.id = id
        self._transport = transport
        self._path = f"/jobs/{id}"
        self.names: list[str] | None = None
        self._shape = shape  # Known once the job has succeeded.
        self._image_scores = image_scores  # Where the answer to the arrays had them.

    def __repr__(self) -> str:
        return f"<segscore.Job {self.id} at {self._transport}>"

    @property
    def link(self) -> str | None:
        """Where people find the job's ranking; None if the server is on a Unix socket, which browsers do not open."""
        url = self._transport.url
        return None if url.startswith("unix:") else f"{url}{self._path}/ranking"

    def _repr_html_(self) -> str:
        """What notebooks show: how far the job is, and of one that has succeeded the worst images."""
        progress = self.progress()
        if progress.status != "succeeded":
            of_all = "" if progress.images_total is None else f" of {progress.images_total}"
            return html.escape(f"Job {self.id}: {progress.status}, {progress.images_done}{of_all} images")
        images = [
            _html.Image(
                str(each.image) if each.name is None else each.name,
                each.score,
                np.asarray(self.pixel_scores(each.image)),
                np.asarray(self._found(each.image)),
            )
            for each in self.ranking(_html.SHOWN)
        ]
        shown = "" if progress.images_total == len(images) else f", the worst {len(images)}"
        return _html.gallery(f"Job {self.id}: {progress.images_total} images{shown}", images, self.link)

    def _found(self, image: int) -> Images:
        """The pixels of an image that the ranking counts."""
        try:
            return self.label_issues(image)
        except SegscoreError as error:
            if error.type != "urn:segscore:no-label-issues":
                raise
            return self.issues(image)

    # Its life

    def document(self) -> dict[str, Any]:
        """Everything that the server says about the job."""
        document: dict[str, Any] = self._transport.ask("GET", self._path)
        return document

    @property
    def status(self) -> str:
        """`open`, `receiving`, `queued` or `running`, then for good `succeeded`, `failed` or `canceled`."""
        return str(self.document()["status"])

    def progress(self) -> Progress:
        """How far the job is, without waiting for it."""
        document = self.document()
        progress = document["progress"]
        return Progress(document["status"], progress["images_done"], progress["images_total"], progress["fraction"])

    def wait(self, timeout: float | None = None) -> Job:
        """Waits until the job has succeeded, and returns it.

        Raises
        ------
        TimeoutError
            The job has not ended within `timeout` seconds. It goes on.
        JobEndedError
            The job has failed, or was canceled.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._shape is None:
            left = LONGEST_POLL if deadline is None else max(deadline - time.monotonic(), 0)
            document = self._transport.ask("GET", self._path, query={"wait": min(int(left), LONGEST_POLL)})
            if document["status"] == "succeeded":
                self._shape = document["shape"]
            elif document["status"] not in LIVE:
                raise failure_of(document)
            elif deadline is not None and left < 1:
                # The server waits for whole seconds only, so that the rest is waited for here.
                if left == 0:
                    raise TimeoutError(f"The job {self.id} is {document['status']} after {timeout} s.")
                time.sleep(min(left, 0.05))
        return self

    def finish(self) -> None:
        """Starts a job that was opened for batches, now that all have been added."""
        try:
            self._transport.ask("POST", f"{self._path}/finish")
        except SegscoreError as error:
            # The job may have been started by the same request when it was first sent, and the answer been lost.
            if error.type != "urn:segscore:job-not-open" or self.status not in ("queued", "running", "succeeded"):
                raise

    def cancel(self) -> None:
        """Stops the job if it has not ended."""
        self._transport.ask("POST", f"{self._path}/cancel")

    def delete(self) -> None:
        """Stops the job if it has not ended, and removes it and its results from the server."""
        self._image_scores = None
        try:
            self._transport.ask("DELETE", self._path)
        except SegscoreError as error:
            if error.status != 404:
                raise

    # Its results

    def image_scores(self) -> np.ndarray:
        """The scores of the images, float64 (N,). Low is suspect."""
        if self._image_scores is not None:
            return np.array(self._image_scores, np.float64)
        self._wait_unless_open()
        return read_array(self._transport, f"{self._path}/image_scores")

    def pixel_scores(self, image: int | None = None, *, dtype: Any = None) -> Images:
        """The probabilities of the pixels' own labels, (N, H, W), or of one image (H, W); of volumes in their shape.

        Unless `dtype` is given they are float32 if the probabilities were float16, bfloat16 or float32, and float64
        otherwise.
        """
        return self._images("pixel_scores", image, dtype=dtype)

    def issues(
        self, image: int | None = None, *, threshold: float | None = None, class_index: int | None = None
    ) -> Images:
        """The pixels that score below a threshold, bool (N, H, W), or of one image (H, W).

        Parameters
        ----------
        threshold : float | None
            The score below which a pixel is an issue. By default that of the job, or 0.1 if it has none.
        class_index : int | None
            Returns only pixels with this class as label or as the most probable class.
        """
        return self._images("issues", image, threshold=threshold, **{"class": class_index})

    def label_issues(self, image: int | None = None, *, class_index: int | None = None) -> Images:
        """The pixels that confident learning finds, bool (N, H, W), if the job's method is not `softmin`.

        Parameters
        ----------
        class_index : int | None
            Returns only pixels with this class as label or as the most probable class.
        """
        return self._images("label_issues", image, **{"class": class_index})

    def ranking(self, limit: int = 20, *, threshold: float | None = None) -> list[RankedImage]:
        """The worst images, lowest score first.

        Parameters
        ----------
        threshold : float | None
            Counts the pixels that score below it. By default label issues are counted if the job has any.
        """
        self._wait_unless_open()
        query = {"limit": limit, "threshold": threshold}
        rows = self._transport.ask("GET", f"{self._path}/ranking", query=query)["ranking"]
        ranking = [RankedImage(**row) for row in rows]
        if self.names is None:
            return ranking
        return [each._replace(name=self.names[each.image]) for each in ranking]

    def summary(
        self,
        *,
        class_names: Sequence[str] | None = None,
        exclude: Sequence[int] | None = None,
        top: int = 20,
        threshold: float | None = None,
    ) -> list[ClassPair]:
        """Which classes are mistaken for which, the pair with the most issues first.

        Parameters
        ----------
        class_names : Sequence[str] | None
            What to call the classes, from 0 on; by default "0", "1" and so on.
        exclude : Sequence[int] | None
            Leaves out the pixels for which one of these classes is the most probable.
        top : int
            How many pairs to list at most.
        threshold : float | None
            Counts the pixels that score below it. By default label issues are counted if the job has any.
        """
        self._wait_unless_open()
        excluded = ",".join(str(int(each)) for each in exclude) if exclude else None
        query = {"exclude": excluded, "top": top, "threshold": threshold}
        rows = self._transport.ask("GET", f"{self._path}/summary", query=query)

        # The server could name the classes too, but takes their names as a list between commas, which names may hold.
        def name(label: str) -> str:
            return label if class_names is None else class_names[int(label)]

        return [
            ClassPair(name(row["given_label"]), name(row["predicted_label"]), row["num_pixel_issues"]) for row in rows
        ]

    def regions(
        self,
        *,
        of: str | None = None,
        threshold: float | None = None,
        image: int | None = None,
        given: int | None = None,
        suggested: int | None = None,
        min_area: int | None = None,
        min_thickness: int | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> Regions:
        """The mistakes to look at: neighbouring pixels of one label for which the model suggests the same other class.

        The first page is read at once, the others while one iterates.

        Parameters
        ----------
        of : str | None
            Of which pixels regions are made: `label_issues`, `issues`, or `disagreements` for all whose label is not
            their most probable class. By default `issues` with a threshold; else label issues if the job has any, or
            else `issues` if the job has a threshold, or else `disagreements`.
        threshold : float | None
            The score below which a pixel is an issue. By default that of the job, or 0.1 if it has none.
        image : int | None
            Returns only regions of this image.
        given, suggested : int | None
            Returns only regions that are labelled as this class, or for which this one is the most probable.
        min_area : int | None
            Returns only regions of at least as many pixels.
        min_thickness : int | None
            Returns only regions that are at least as many pixels deep: with 2 no rims that are one or two pixels wide.
        order : str | None
            What regions are ordered by, the greatest first: `mass`, which is the default, `area` or `thickness`; or
            `id` for images and first pixels.
        limit : int | None
            How many regions to return at most.

        Raises
        ------
        ValueError
            A parameter makes no sense. If the server found that, it is an `InvalidInputError`.
        SegscoreError
            The job has no such regions: its most probable classes or largest probabilities are not known.
        """
        self._wait_unless_open()
        query = {"of": of, "threshold": threshold, "image": image, "given": given, "suggested": suggested}
        query.update(min_area=min_area, min_thickness=min_thickness, order=order)
        return Regions(self._transport, f"{self._path}/regions", query, limit, self.names)

    def region_matrix(
        self,
        *,
        of: str | None = None,
        threshold: float | None = None,
        image: int | None = None,
        given: int | None = None,
        suggested: int | None = None,
        min_area: int | None = None,
        min_thickness: int | None = None,
    ) -> list[RegionCell]:
        """Regions by label and suggested class, the pair of the greatest mass first; arguments are those of `regions`.

        Pairs without regions are left out.
        """
        self._wait_unless_open()
        query = {"of": of, "threshold": threshold, "image": image, "given": given, "suggested": suggested}
        query.update(min_area=min_area, min_thickness=min_thickness)
        cells = self._transport.ask("GET", f"{self._path}/regions/matrix", query=query)["cells"]
        return [RegionCell(**cell) for cell in cells]

    def statistics(self) -> dict[str, Any]:
        """The numbers that decided which pixels are label issues, as the server's `/statistics` gives them."""
        self._wait_unless_open()
        statistics: dict[str, Any] = self._transport.ask("GET", f"{self._path}/statistics")
        return statistics

    def _images(self, resource: str, image: int | None, dtype: Any = None, **query: Any) -> Images:
        self._wait_unless_open()
        path = f"{self._path}/{resource}"
        if image is None and self._shape is not None and self._shape.get("space", self._shape["height"]) is None:
            indices = range(self._shape["images"])
            return [read_array(self._transport, path, {**query, "image": index}, dtype) for index in indices]
        return read_array(self._transport, path, {**query, "image": image}, dtype)

    def _wait_unless_open(self) -> None:
        """Waits for the job's end, but not if it is open: it would never end. The server then refuses the request."""
        if self._shape is None and self.status != "open":
            self.wait()


def failure_of(document: dict[str, Any]) -> SegscoreError:
    """The exception for a job that has ended without results."""
    problem = document["error"]
    if problem is not None and problem["status"] in (400, 422):
        return error_of(problem["status"], problem)
    detail = f"The job {document['id']} was {document['status']}."
    return JobEndedError(
        problem or {"status": 409, "type": "urn:segscore:job-canceled", "title": "Job canceled", "detail": detail}
    )

"""Jobs of a server: their state and their results."""

from __future__ import annotations

import html
import os
import pathlib
import time
import webbrowser
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Union

import numpy as np

from . import _html
from ._arrays import read_array
from ._message import Message
from ._names import names_text
from ._saving import paths_within, replace, replacing
from ._transport import Transport
from .decisions import (
    Decision,
    DecisionCell,
    Decisions,
    DecisionSummary,
    NewDecision,
    Subject,
    batches_of,
    decision_of,
    message_of,
)
from .errors import JobEndedError, SegscoreError, error_of
from .regions import Region, RegionCell, Regions
from .review import Review, address_of, is_in_notebook

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

    def keep(self) -> None:
        """Has the server keep the results until `release`, as while somebody reviews them, and not until they expire.

        They still go before that if the server has no room for newer ones, but after all that nobody keeps. Where the
        server has no state directory they are gone with its process.

        Raises
        ------
        SegscoreError
            The results have expired already, or the job is still open.
        """
        self._wait_unless_open()
        self._transport.ask("POST", f"{self._path}/keep")

    def release(self) -> None:
        """Has the results that are kept expire as those of others do, counted from now."""
        self._wait_unless_open()
        self._transport.ask("DELETE", f"{self._path}/keep")

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

    def labels(self, image: int | None = None) -> Images:
        """The given classes of the pixels, (N, H, W), or of one image (H, W); of volumes in their shape.

        They are what the server made of the labels that it was given: classes from 0 on, as uint8, or as uint16 if a
        value is too great for that. Pixels that take no part have the label that is ignored, or 255 if several are, or
        if it is negative; for more than 255 classes that is 65535.
        """
        return self._classes("labels", image)

    def predicted(self, image: int | None = None) -> Images:
        """The most probable classes of the pixels, (N, H, W), or of one image (H, W); of volumes in their shape.

        Raises
        ------
        SegscoreError
            They are not known, since the server was only given what `softmin` needs.
        """
        return self._classes("predicted", image)

    def mended(self, image: int | None = None) -> Images:
        """The labels, as `labels` returns them, in which all regions that are `wrong` have their new class.

        Of a region that several reviewers have decided about, the latest decision counts.
        """
        return self._classes("mended", image)

    def save_mended(self, folder: Any) -> list[pathlib.Path]:
        """Writes the mended labels as PNG files, one for each image, and returns their paths.

        The values of pixels are the classes, as in `mended`: 8 bits with a palette of colours, or 16 bits of grey if
        classes are too many for that. Files are called as the images are, in folders if names have some, with `.png`
        behind it; or by numbers of six digits, `000000.png`, if images have no names. What is there already is
        replaced, each file at once.

        Parameters
        ----------
        folder : str | os.PathLike
            Where to. It is made if it is not there.

        Raises
        ------
        ValueError
            The name of an image leads out of the folder. Nothing is written then.
        SegscoreError
            An image has other dimensions than two, which PNG does not hold.
        """
        self._wait_unless_open()
        paths = paths_within(folder, self._file_names(), ".png")
        fields = {"Accept": "image/png"}
        for image, path in enumerate(paths):
            data = self._transport.read("GET", f"{self._path}/mended", query={"image": image}, fields=fields)
            replace(path, data)
        return paths

    def export(
        self,
        path: Any,
        format: str = "coco",
        content: str = "mended",
        *,
        class_names: Sequence[str] | None = None,
        polygons: bool = False,
        of: str | None = None,
        threshold: float | None = None,
    ) -> pathlib.Path:
        """Writes the masks for an annotation tool, as a zip, and returns its path.

        It is written as it comes, and is there once it is whole: what was at the path before stays until then.
        `segscore.annotations.read` reads what the tool makes of it.

        Parameters
        ----------
        path : str | os.PathLike
            Where to. Folders that are not there are made.
        format : str
            `coco`, `cvat-mask` (CVAT's segmentation mask 1.1), `cvat` (CVAT for images 1.1), `label-studio`,
            `datumaro`, `labelme`, `geojson` or `fiftyone`.
        content : str
            `given` for the labels as they came, `mended` as `mended` returns them, or `regions` for those alone that
            were decided about.
        class_names : Sequence[str] | None
            What the classes are called, one name for each; by default "0", "1" and so on.
        polygons : bool
            Whether masks of `coco` are outlines, and not runs. Either holds every pixel.
        of, threshold : str | None, float | None
            Of which pixels the regions are, as of `regions`.

        Raises
        ------
        ValueError
            A parameter makes no sense. If the server found that, it is an `InvalidInputError`.
        SegscoreError
            An image has other dimensions than two.
        """
        self._wait_unless_open()
        query: dict[str, Any] = {"format": format, "content": content, "class_names": names_text(class_names), "of": of}
        query.update(threshold=threshold, polygons=_word(polygons or None))
        target = pathlib.Path(os.fsdecode(path))
        with replacing(target) as file:
            fields = {"Accept": "application/zip"}
            self._transport.save(file, "GET", f"{self._path}/export", query=query, fields=fields)
        return target

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
        decided: bool | None = None,
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
        decided : bool | None
            Returns only regions that somebody has decided about, or with False only those that nobody has.
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
        query.update(min_area=min_area, min_thickness=min_thickness, decided=_word(decided), order=order)
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
        decided: bool | None = None,
    ) -> list[RegionCell]:
        """Regions by label and suggested class, the pair of the greatest mass first; arguments are those of `regions`.

        Pairs without regions are left out.
        """
        self._wait_unless_open()
        query = {"of": of, "threshold": threshold, "image": image, "given": given, "suggested": suggested}
        query.update(min_area=min_area, min_thickness=min_thickness, decided=_word(decided))
        cells = self._transport.ask("GET", f"{self._path}/regions/matrix", query=query)["cells"]
        return [RegionCell(**cell) for cell in cells]

    def statistics(self) -> dict[str, Any]:
        """The numbers that decided which pixels are label issues, as the server's `/statistics` gives them."""
        self._wait_unless_open()
        statistics: dict[str, Any] = self._transport.ask("GET", f"{self._path}/statistics")
        return statistics

    # What reviewers decide

    def decide(
        self,
        region: Region | str,
        verdict: str,
        label: int | None = None,
        note: str | None = None,
        reviewer: str | None = None,
        of: str | None = None,
        threshold: float | None = None,
    ) -> Decision:
        """Keeps what a reviewer has decided about a region, in place of what the same reviewer had decided before.

        Parameters
        ----------
        region : Region | str
            The region, or its id.
        verdict : str
            `wrong` if the label is, `fine` if it is not, or `unsure`.
        label : int | None
            The class that the pixels should have, if the label is wrong: by default the suggested one.
        note : str | None
            What the reviewer has to say, of at most 4,096 bytes of UTF-8.
        reviewer : str | None
            Who decides, of at most 128 bytes of UTF-8.
        of, threshold : str | None, float | None
            Of which pixels the region is, as of `regions`. A region knows that; an id needs it where the default is
            another.

        Returns
        -------
        Decision
            The decision as the server has it. If it has a state directory, the decision is on its disk.

        Raises
        ------
        ValueError
            A value makes no sense. If the server found that, it is an `InvalidInputError`.
        SegscoreError
            There is no such region among those of these pixels.
        """
        subject = Subject.named(self._path, region, of, threshold)
        path = subject.path(self._path)
        body = Message(message_of(verdict, label, note, reviewer))
        self._wait_unless_open()
        return decision_of(self._transport.ask("PUT", path, query=subject.query, body=body), self.names)

    def decide_many(
        self,
        decisions: Iterable[NewDecision],
        *,
        reviewer: str | None = None,
        of: str | None = None,
        threshold: float | None = None,
    ) -> int:
        """Keeps many decisions, in their order, as `decide` keeps one.

            job.decide_many({"region": region, "verdict": "fine"} for region in job.regions(given=3, suggested=5))

        They go by up to 10,000 in a request. Either all of a request are kept or, if one makes no sense, none of it;
        those of the requests before it stay.

        Parameters
        ----------
        decisions : Iterable[Decision | Mapping]
            Mappings with `region` and `verdict`, and where wanted `label`, `note`, `reviewer`, `of` and `threshold`,
            which are arguments of `decide`. Or decisions of another job about the same data, whose regions have the
            same ids.
        reviewer : str | None
            Who decides, where a decision does not say.
        of, threshold : str | None, float | None
            Of which pixels regions are, where neither a decision nor the region says.

        Returns
        -------
        int
            How many were kept.

        Raises
        ------
        ValueError
            A value makes no sense. If the server found that, it is an `InvalidInputError`.
        SegscoreError
            There is no such region among those of these pixels.
        """
        self._wait_unless_open()
        path, decided = f"{self._path}/decisions", 0
        for count, query, body in batches_of(self._path, decisions, reviewer, of, threshold):
            self._transport.ask("POST", path, query=query, body=body)
            decided += count
        return decided

    def withdraw(
        self, region: Region | str, reviewer: str | None = None, of: str | None = None, threshold: float | None = None
    ) -> None:
        """Takes back what a reviewer has decided about a region; arguments are those of `decide`.

        Raises
        ------
        SegscoreError
            The reviewer has not decided about the region.
        """
        subject = Subject.named(self._path, region, of, threshold)
        path = subject.path(self._path)
        self._wait_unless_open()
        self._transport.ask("DELETE", path, query={**subject.query, "reviewer": reviewer})

    def decisions(self) -> Decisions:
        """What reviewers have decided and not taken back, of regions of all pixels, in the order of time."""
        self._wait_unless_open()
        return Decisions(self._transport, f"{self._path}/decisions", self.names)

    def decision_summary(self, *, of: str | None = None, threshold: float | None = None) -> DecisionSummary:
        """How many regions were decided in which way, by label and suggested class.

        Parameters
        ----------
        of, threshold : str | None, float | None
            Of which pixels the regions are that are counted, as of `regions`.
        """
        self._wait_unless_open()
        query = {"of": of, "threshold": threshold}
        summary = self._transport.ask("GET", f"{self._path}/decisions/summary", query=query)
        cells = [DecisionCell(**cell) for cell in summary["cells"]]
        return DecisionSummary(summary["decided"], summary["disputed"], cells)

    def review(self, open: bool = True, *, url: str | None = None) -> Review:
        """Keeps the job, and shows the page of the server on which people decide about its regions.

        In a notebook, what is returned is a link to the page, with pictures of the worst images. Elsewhere the page is
        opened in the browser, and what is returned prints as the address. If the server needs a key, the page asks for
        it.

        Parameters
        ----------
        open : bool
            Whether to open the page, if this is no notebook.
        url : str | None
            Where the browser reaches the server, if that is another address than this process has for it, as beyond a
            tunnel, or where this process asks it on a Unix socket.

        Raises
        ------
        ValueError
            The server is on a Unix socket, which browsers do not open, as a process's own server is.
        """
        # This comes first, since a job that nobody can review is not to be kept.
        own = url is None and self._transport.is_own
        address = address_of(self._transport.url if url is None else url, own, self.id)
        self.keep()
        if open and not is_in_notebook():
            webbrowser.open(address)
        return Review(self, address)

    def _classes(self, resource: str, image: int | None) -> Images:
        try:
            return self._images(resource, image)
        except SegscoreError as error:
            if image is not None or error.type != "urn:segscore:not-acceptable":
                raise
        # Images of one size, of which some were sent with labels that need more bits than those of others.
        path, indices = f"{self._path}/{resource}", range(self._known_shape()["images"])
        return np.stack([read_array(self._transport, path, {"image": index}) for index in indices])

    def _image_names(self) -> list[str] | None:
        """What the images are called; None if they have numbers alone."""
        return self.names if self.names is not None else self._server_names()

    def _server_names(self) -> list[str] | None:
        """What the images are called, as the server knows it."""
        try:
            names: list[str] = self._transport.ask("GET", f"{self._path}/names")
        except SegscoreError as error:
            if error.type != "urn:segscore:no-names":
                raise
            return None
        return names

    def _class_names(self) -> list[str] | None:
        """What the classes are called; None if they have numbers alone."""
        names: list[str] | None = self.document()["parameters"].get("class_names")
        return names

    def _file_names(self) -> list[str]:
        """What files of the images are called, without a suffix: as the images, or by numbers of six digits."""
        names = self._image_names()
        return names if names is not None else [f"{image:06}" for image in range(self._known_shape()["images"])]

    def _known_shape(self) -> dict[str, Any]:
        """The shape of a job that has succeeded."""
        if self._shape is None:
            self._shape = self.document()["shape"]
        shape: dict[str, Any] = self._shape or {}
        return shape

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


def _word(flag: bool | None) -> str | None:
    """A flag as queries have it."""
    return None if flag is None else "true" if flag else "false"


def failure_of(document: dict[str, Any]) -> SegscoreError:
    """The exception for a job that has ended without results."""
    problem = document["error"]
    if problem is not None and problem["status"] in (400, 422):
        return error_of(problem["status"], problem)
    detail = f"The job {document['id']} was {document['status']}."
    return JobEndedError(
        problem or {"status": 409, "type": "urn:segscore:job-canceled", "title": "Job canceled", "detail": detail}
    )

"""Tells a CVAT what to look at: an issue at each region of a job.

    segscore.cvat.post_issues(job, "https://app.cvat.ai", token, 1234, regions=job.regions(min_thickness=2, limit=50))

The facts about its REST are those of cvat-sdk 2.80.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import urllib3

from ._names import names_of
from .annotations._aliases import ImageNames
from .job import Job
from .regions import Region

TIMEOUT = 60.0  # Seconds without a byte of an answer after which a request has failed.
MOST_SHOWN = 500  # Of what CVAT says in an error.


class CVATError(Exception):
    """CVAT refused a request, or did not answer.

    Attributes
    ----------
    status : int | None
        The HTTP status; None if there was no answer.
    posted : int
        How many issues were posted before.
    """

    def __init__(self, message: str, status: int | None = None, posted: int = 0):
        super().__init__(message)
        self.status = status
        self.posted = posted


def post_issues(
    job: Job,
    url: str,
    token: str,
    cvat_job: int,
    *,
    regions: Iterable[Region] | None = None,
    class_names: Sequence[str] | None = None,
    by_order: bool = False,
) -> int:
    """Posts an issue at the box of each region to a job of CVAT, and returns how many.

    The message names the classes, the region's score, which is the mean probability of its label, and what was decided
    about it. An issue is posted whether or not there is one like it.

    Parameters
    ----------
    job : Job
        The job whose regions they are.
    url : str
        Where CVAT is, as `https://app.cvat.ai`.
    token : str
        The token of a user of CVAT. It is sent to `url` alone.
    cvat_job : int
        The number of the job in CVAT.
    regions : Iterable[Region] | None
        The regions, by default the 100 of the greatest mass: `job.regions(limit=100)`.
    class_names : Sequence[str] | None
        What the classes are called, from 0 on. By default as the job calls them, or "0", "1" and so on.
    by_order : bool
        Whether the images are the frames of CVAT's job in their order, and not those of the same names. Images that
        have numbers alone are taken by their order.

    Raises
    ------
    ValueError
        The region of an image that is no frame of CVAT's job, or in a slice of a volume. No issue is posted then.
    CVATError
        CVAT refused a request, or did not answer. Its `posted` tells how many of the regions have their issue.
    """
    api = _API(url, token)
    start = api.ask("GET", f"/api/jobs/{cvat_job}")
    meta = api.ask("GET", f"/api/jobs/{cvat_job}/data/meta")
    try:
        first, frames = int(start["start_frame"]), [str(frame["name"]) for frame in meta["frames"]]
    except (KeyError, TypeError, ValueError) as error:
        raise CVATError(f"CVAT at {url} tells of its job {cvat_job} no start_frame and frames") from error
    names = job._class_names() if class_names is None else names_of(class_names)
    image_names = None if by_order else job._image_names()
    places = _places(frames, image_names)
    issues = []
    for region in job.regions(limit=100) if regions is None else regions:
        if region.slice:
            raise ValueError(f"the region {region.id} is in a slice of a volume, and CVAT's issues are in images")
        if region.image not in places:
            name = region.image if image_names is None else repr(image_names[region.image])
            raise ValueError(f"the image {name} is no frame of CVAT's job {cvat_job}, which has {len(frames)}")
        x, y, width, height = region.bbox
        position = [float(x), float(y), float(x + width), float(y + height)]
        message = _message(region, names)
        frame = first + places[region.image]
        issues.append({"job": cvat_job, "frame": frame, "position": position, "message": message})
    for posted, issue in enumerate(issues):
        api.ask("POST", "/api/issues", issue, posted)
    return len(issues)


def _places(frames: list[str], names: list[str] | None) -> dict[int, int]:
    """The place among the frames of each image that is one of them."""
    if names is None:
        return {place: place for place in range(len(frames))}
    images = ImageNames(names)
    found: dict[int, int] = {}
    for place, frame in enumerate(frames):
        image = images.find(frame)
        if image is None:
            continue
        if image in found:
            raise ValueError(f"{frames[found[image]]!r} and {frame!r} are both of the image {names[image]!r}")
        found[image] = place
    return found


def _message(region: Region, names: list[str] | None) -> str:
    def name(label: int) -> str:
        return str(label) if names is None or label >= len(names) else names[label]

    text = (
        f"segscore: labelled {name(region.given)}, the model suggests {name(region.suggested)}; "
        f"score {region.mean_own:.3f}, {region.area} pixel{'' if region.area == 1 else 's'}"
    )
    if region.verdict is None:
        return text
    became = "" if region.label is None else f", should be {name(region.label)}"
    by = "" if region.reviewer is None else f" by {region.reviewer}"
    return f"{text}; {region.verdict}{became}{by}"


class _API:
    """Speaks with CVAT. It follows no redirects, which could lead a token elsewhere."""

    def __init__(self, url: str, token: str):
        if not url.lower().startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is no http://host or https://host of CVAT")
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)
        self._fields = {
            "Authorization": f"Token {token}",
            "Accept": "application/vnd.cvat+json",
            "Content-Type": "application/json",
        }

    def ask(self, method: str, path: str, body: Any = None, posted: int = 0) -> Any:
        """The JSON answer to a request."""
        what = f"{method} {self._url}{path}"
        done = f" {posted} issues were posted before." if body is not None else ""
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = self._pool.request(method, self._url + path, body=data, headers=self._fields, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise CVATError(f"No answer to {what}: {error}.{done}", None, posted) from error
        if not 200 <= answer.status < 300:
            said = answer.data.decode("utf-8", "replace")[:MOST_SHOWN]
            where = answer.headers.get("Location")
            led = "" if where is None else f" It leads to {where}: give that address as url."
            raise CVATError(f"CVAT answered {answer.status} to {what}: {said}{led}{done}", answer.status, posted)
        try:
            return json.loads(answer.data)
        except ValueError as error:
            message = f"What answered {what} is no CVAT: {answer.data[:80]!r}.{done}"
            raise CVATError(message, answer.status, posted) from error

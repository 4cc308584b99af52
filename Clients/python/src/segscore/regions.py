"""Regions of a job: neighbouring pixels of one label for which the model suggests the same other class."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import read_array
from ._tables import pandas_for
from ._transport import Transport

if TYPE_CHECKING:
    import pandas as pd

FIRST_PAGE = 500  # How many regions are asked for at first: few, since most callers look at the worst alone.
PAGE = 10_000  # How many are asked for then: all that the server gives at once, since each page has it look at all.

# The columns of a table: those of the server's CSV and what was decided. They have these types without a row too.
COLUMNS = {
    "id": "object",
    "image": "int64",
    "name": "object",
    "slice": "object",
    "given": "int64",
    "suggested": "int64",
    "x": "int64",
    "y": "int64",
    "width": "int64",
    "height": "int64",
    "area": "int64",
    "thickness": "int64",
    "mean_own": "float64",
    "mean_largest": "float64",
    "mass": "float64",
    "touches_border": "bool",
    "verdict": "object",
    "label": "Int64",
    "reviewer": "object",
}


@dataclasses.dataclass(frozen=True)
class RegionCell:
    """All regions of one label and one suggested class, counted.

    Attributes
    ----------
    given : int
        The class that the pixels are labelled as.
    suggested : int
        The class that is the most probable there.
    regions, pixels : int
        How many regions there are, and how many pixels these have.
    mass : float
        The sum of the regions' masses.
    """

    given: int
    suggested: int
    regions: int
    pixels: int
    mass: float


class _OfJob:
    """Where a region's pixels are asked for.

    These are no fields of the region, so that `dataclasses.asdict` gives what the server tells of it and nothing else.
    """

    _transport: Transport
    _path: str
    # Of which pixels the regions are, since the same id may be that of another region of other pixels.
    _query: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Region(_OfJob):
    """Neighbouring pixels, corners included, of one label for which the model suggests the same other class.

    Attributes
    ----------
    id : str
        What the region is called among those of its job that were found in the same way.
    image : int
        The number of the image.
    name : str | None
        What the image is called, if it was a file of a folder.
    slice : tuple[int, ...]
        Which slice of a volume the region is in: its place along each axis ahead of the last two. Empty of an image of
        two dimensions.
    given : int
        The class that the pixels are labelled as.
    suggested : int
        The class that is the most probable there.
    bbox : tuple[int, int, int, int]
        The box around the region: x, y, width and height.
    area : int
        The number of pixels.
    thickness : int
        How many pixels deep the region is: one of thickness 1 is nowhere wider than two pixels.
    mean_own : float
        The mean probability of the pixels' own label.
    mean_largest : float
        The mean probability of the suggested class.
    mass : float
        How much the model contradicts the labels: the sum of the pixels' squared margins, as of the method `margin`.
    touches_border : bool
        Whether the region reaches the border of the image.
    verdict : str | None
        What was decided last about the region until it was read: `wrong`, `fine` or `unsure`; None if nothing was.
    label : int | None
        The class that the pixels should have by that decision, if it is `wrong`.
    reviewer : str | None
        Who has decided last; None if nobody has, or has not said who it is.
    """

    id: str
    image: int
    name: str | None
    slice: tuple[int, ...]
    given: int
    suggested: int
    bbox: tuple[int, int, int, int]
    area: int
    thickness: int
    mean_own: float
    mean_largest: float
    mass: float
    touches_border: bool
    verdict: str | None = None
    label: int | None = None
    reviewer: str | None = None

    def mask(self) -> np.ndarray:
        """The pixels of the region in its box, bool (height, width)."""
        return read_array(self._transport, self._path, self._query)

    def outline(self) -> dict[str, Any]:
        """The edges of the region's pixels as a GeoJSON feature, whose properties are what the server tells of it.

        The pixel (x, y) has the corners (x, y) and (x + 1, y + 1). Parts that touch at corners alone are polygons of a
        MultiPolygon.
        """
        fields = {"Accept": "application/geo+json"}
        feature: dict[str, Any] = self._transport.ask("GET", self._path, query=self._query, fields=fields)
        if self.name is not None:
            feature["properties"]["name"] = self.name
        return feature


class Regions:
    """The regions of a job that were asked for, in their order.

    They are read from the server a page at a time while one iterates over them, as often as one does; the first page is
    kept. `len` tells how many there are.

    Attributes
    ----------
    of : str
        Of which pixels the regions are: `label_issues`, `issues` or `disagreements`.
    threshold : float | None
        The score below which pixels are issues, if regions are of these.
    """

    def __init__(
        self,
        transport: Transport,
        path: str,
        query: Mapping[str, Any],
        limit: int | None = None,
        names: Sequence[str] | None = None,
    ):
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be at least 1, and is {limit}")
        self._transport = transport
        self._path = path
        self._query = query
        self._limit = limit
        self._names = names
        # What is wrong with the parameters is told here, and not where somebody iterates.
        self._first = self._page(None, FIRST_PAGE if limit is None else min(limit, FIRST_PAGE))
        self.of: str = self._first["of"]
        self.threshold: float | None = self._first["threshold"]

    def __repr__(self) -> str:
        below = "" if self.threshold is None else f" below {self.threshold}"
        return f"<segscore.Regions: {len(self)} of {self.of}{below}>"

    def __len__(self) -> int:
        total = int(self._first["total"])
        return total if self._limit is None else min(total, self._limit)

    def __iter__(self) -> Iterator[Region]:
        page, left = self._first, len(self)
        while True:
            yield from map(self._region, page["regions"])
            left -= len(page["regions"])
            if left <= 0 or page["next"] is None:
                return
            page = self._page(page["next"], min(left, PAGE))

    def to_dataframe(self) -> pd.DataFrame:
        """A table with a row for each region and a column for each of its attributes; of `bbox` there are four.

        Returns
        -------
        pd.DataFrame
            A DataFrame with the columns `id`, `image`, `name`, `slice`, `given`, `suggested`, `x`, `y`, `width`,
            `height`, `area`, `thickness`, `mean_own`, `mean_largest`, `mass`, `touches_border`, `verdict`, `label`,
            which is NA where there is none, and `reviewer`.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        pandas = pandas_for("to_dataframe")
        rows = []
        for region in self:
            row = dataclasses.asdict(region)
            row["x"], row["y"], row["width"], row["height"] = region.bbox
            rows.append([row[column] for column in COLUMNS])
        return pandas.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)

    def _page(self, cursor: str | None, limit: int) -> Any:
        return self._transport.ask("GET", self._path, query={**self._query, "cursor": cursor, "limit": limit})

    def _region(self, row: Mapping[str, Any]) -> Region:
        x, y, width, height = row["bbox"]
        region = Region(
            id=row["id"],
            image=row["image"],
            name=row.get("name") if self._names is None else self._names[row["image"]],
            slice=tuple(row.get("slice", ())),
            given=row["given"],
            suggested=row["suggested"],
            bbox=(x, y, width, height),
            area=row["area"],
            thickness=row["thickness"],
            mean_own=row["mean_own"],
            mean_largest=row["mean_largest"],
            mass=row["mass"],
            touches_border=row["touches_border"],
            verdict=row.get("verdict"),
            label=row.get("label"),
            reviewer=row.get("reviewer"),
        )
        query = {"of": self.of, "threshold": self.threshold}
        # A frozen instance refuses assignments, of what is no field too.
        vars(region).update(_transport=self._transport, _path=f"{self._path}/{region.id}", _query=query)
        return region

"""What reviewers have decided about the regions of a job."""

from __future__ import annotations

import dataclasses
import datetime
import json
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Union
from urllib.parse import quote

from ._message import Message
from ._tables import pandas_for
from ._transport import Transport
from .regions import Region

if TYPE_CHECKING:
    import pandas as pd

PAGE = 10_000  # How many decisions are asked for at once: all that the server gives.
MOST_AT_ONCE = 10_000  # How many are sent by one request: all that the server takes.
MOST_BYTES = 3 << 20  # And how much text, of which the server takes 4 MiB.

# The columns of a table, which are those of the server's CSV, with the types that they have without a row too.
COLUMNS = {
    "region": "object",
    "of": "object",
    "threshold": "float64",
    "image": "int64",
    "name": "object",
    "given": "int64",
    "suggested": "int64",
    "verdict": "object",
    "label": "Int64",
    "note": "object",
    "reviewer": "object",
    "decided_at": "datetime64[ns, UTC]",
}


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a reviewer has decided about a region.

    Attributes
    ----------
    region : str
        The id of the region.
    of : str
        Of which pixels the region is: `label_issues`, `issues` or `disagreements`.
    threshold : float | None
        The score below which pixels are issues, if the region is of these.
    image : int
        The number of the image.
    name : str | None
        What the image is called, if it was a file of a folder.
    given : int
        The class that the pixels are labelled as.
    suggested : int
        The class that is the most probable there.
    verdict : str
        `wrong` if the label is, `fine` if it is not, or `unsure`.
    label : int | None
        The class that the pixels should have, if the label is wrong.
    note : str | None
        What the reviewer has written.
    reviewer : str | None
        Who has decided, if that was said.
    decided_at : datetime.datetime
        When the server was told, in UTC, to the millisecond.
    """

    region: str
    of: str
    threshold: float | None
    image: int
    name: str | None
    given: int
    suggested: int
    verdict: str
    label: int | None
    note: str | None
    reviewer: str | None
    decided_at: datetime.datetime


NewDecision = Union[Decision, Mapping[str, Any]]
"""A decision that is to be made: one that was made before, or a mapping with the arguments of `Job.decide`."""


@dataclasses.dataclass(frozen=True)
class DecisionCell:
    """What was decided about the regions of one label and one suggested class, counted.

    Of a region that several reviewers have decided about, the latest decision counts.

    Attributes
    ----------
    given : int
        The class that the pixels are labelled as.
    suggested : int
        The class that is the most probable there.
    wrong, fine, unsure : int
        How many regions have this verdict.
    disputed : int
        About how many of them reviewers are sure of different things.
    """

    given: int
    suggested: int
    wrong: int
    fine: int
    unsure: int
    disputed: int


@dataclasses.dataclass(frozen=True)
class DecisionSummary:
    """What was decided about the regions of a job, counted.

    Attributes
    ----------
    decided : int
        How many regions were decided about.
    disputed : int
        About how many of them reviewers are sure of different things.
    cells : list[DecisionCell]
        The same by label and suggested class, in the order of these. Pairs without decisions are left out.
    """

    decided: int
    disputed: int
    cells: list[DecisionCell]


class Decisions:
    """The decisions on a job that hold, in the order in which they were made: the latest of each reviewer on a region.

    They are read from the server a page at a time while one iterates over them, anew each time, since reviewers go on.
    `len` asks the server how many there are.
    """

    def __init__(self, transport: Transport, path: str, names: Sequence[str] | None = None):
        self._transport = transport
        self._path = path
        self._names = names

    def __repr__(self) -> str:
        return f"<segscore.Decisions of {self._path.split('/')[2]}>"

    def __len__(self) -> int:
        return int(self._page(None, 1)["total"])

    def __iter__(self) -> Iterator[Decision]:
        cursor = None
        while True:
            page = self._page(cursor, PAGE)
            for row in page["decisions"]:
                yield decision_of(row, self._names)
            cursor = page["next"]
            if cursor is None:
                return

    def to_dataframe(self) -> pd.DataFrame:
        """A table with a row for each decision and a column for each of its attributes.

        Returns
        -------
        pd.DataFrame
            A DataFrame with the columns `region`, `of`, `threshold`, `image`, `name`, `given`, `suggested`, `verdict`,
            `label`, `note`, `reviewer` and `decided_at`. `threshold` is NaN and `label` is NA where there is none.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        pandas = pandas_for("to_dataframe")
        rows = [[getattr(decision, column) for column in COLUMNS] for decision in self]
        return pandas.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)

    def _page(self, cursor: str | None, limit: int) -> Any:
        return self._transport.ask("GET", self._path, query={"cursor": cursor, "limit": limit})


def decision_of(row: Mapping[str, Any], names: Sequence[str] | None) -> Decision:
    """The decision that the server tells of.

    Parameters
    ----------
    names : Sequence[str] | None
        What the images are called, if this process knows that.
    """
    fields: dict[str, Any] = {field.name: row.get(field.name) for field in dataclasses.fields(Decision)}
    if names is not None:
        fields["name"] = names[row["image"]]
    # Python before 3.11 does not read the Z that stands for UTC.
    fields["decided_at"] = datetime.datetime.fromisoformat(row["decided_at"].replace("Z", "+00:00"))
    return Decision(**fields)


class Subject(NamedTuple):
    """Which region of a job is decided about, as requests name it."""

    id: str
    of: str | None
    threshold: float | None

    @classmethod
    def named(cls, job_path: str, region: Region | str, of: str | None, threshold: float | None) -> Subject:
        """The region that a caller names: itself, which knows of which pixels it is, or by its id.

        Raises
        ------
        ValueError
            The region is of another job.
        TypeError
            It is neither a region nor an id.
        """
        if isinstance(region, str):
            return cls(region, of, threshold)
        if not isinstance(region, Region):
            raise TypeError(f"a region is a segscore.Region or its id, and not {type(region).__name__}")
        if region._path != f"{job_path}/regions/{region.id}":
            raise ValueError(
                f"the region {region.id} is of another job: if the data is the same, name it by its id and say of"
            )
        if of is None and threshold is None:
            return cls(region.id, region._query["of"], region._query["threshold"])
        return cls(region.id, of, threshold)

    @property
    def query(self) -> dict[str, Any]:
        return {"of": self.of, "threshold": self.threshold}

    def path(self, job_path: str) -> str:
        """The address of what is decided about the region.

        Raises
        ------
        ValueError
            The id is empty, or the name of something else.
        """
        if self.id in ("", ".", "..", "summary"):
            raise ValueError(f"{self.id!r} is no id of a region")
        return f"{job_path}/decisions/{quote(self.id, safe='')}"


def message_of(verdict: str, label: Any, note: str | None, reviewer: str | None) -> dict[str, Any]:
    """What a request says of a region."""
    given = {
        "verdict": verdict,
        "label": None if label is None else operator.index(label),
        "note": note,
        "reviewer": reviewer,
    }
    return {name: value for name, value in given.items() if value is not None}


def batches_of(
    job_path: str, decisions: Iterable[NewDecision], reviewer: str | None, of: str | None, threshold: float | None
) -> Iterator[tuple[int, dict[str, Any], Message]]:
    """How many decisions a request brings, its query and its body; the decisions keep their order.

    Regions of one request are of the same pixels, and few enough for the server.
    """
    rows: list[dict[str, Any]] = []
    query: dict[str, Any] = {}
    size = 0
    for each in decisions:
        subject, row = _row(job_path, each, of, threshold)
        length = len(json.dumps(row)) + 2
        is_full = len(rows) == MOST_AT_ONCE or size + length > MOST_BYTES
        if rows and (is_full or subject.query != query):
            yield len(rows), query, _message(rows, reviewer)
            rows, size = [], 0
        rows.append(row)
        query, size = subject.query, size + length
    if rows:
        yield len(rows), query, _message(rows, reviewer)


def _message(rows: list[dict[str, Any]], reviewer: str | None) -> Message:
    return Message({"decisions": rows} if reviewer is None else {"decisions": rows, "reviewer": reviewer})


ARGUMENTS = ("region", "verdict", "label", "note", "reviewer", "of", "threshold")


def _row(
    job_path: str, decision: NewDecision, of: str | None, threshold: float | None
) -> tuple[Subject, dict[str, Any]]:
    """The region of a decision, and the object that a list of decisions has for it."""
    if isinstance(decision, Decision):
        given: Mapping[str, Any] = {name: getattr(decision, name) for name in ARGUMENTS}
    else:
        given = decision
    others = sorted(given.keys() - set(ARGUMENTS))
    if others or "region" not in given or "verdict" not in given:
        what = f"has {', '.join(map(str, others))}" if others else "lacks region or verdict"
        raise ValueError(f"a decision {what}: it is a mapping with region, verdict, label, note, reviewer")
    # A decision that says of which pixels its region is says so as a whole.
    if given.get("of") is not None or given.get("threshold") is not None:
        of, threshold = given.get("of"), given.get("threshold")
    subject = Subject.named(job_path, given["region"], of, threshold)
    message = message_of(given["verdict"], given.get("label"), given.get("note"), given.get("reviewer"))
    return subject, {"region": subject.id, **message}

"""Finds the wrong masks in a segmentation data set, by a segscore server.

`segscore.segmentation` has the functions of `cleanlab.segmentation`, so that a program that uses these only has to
change its imports. `Client` is for more: jobs, data sets that come in batches, ignored labels.

`InvalidInput`, `JobEnded` and `Unreachable` are the former names of `InvalidInputError`, `JobEndedError` and
`UnreachableError`.
"""

from . import annotations, cvat
from ._changes import ChangedImage, Changes
from ._config import ServerInfo, configure, default_client, server_info
from ._given import Reduced
from ._version import __version__
from .client import Client
from .dataset import Dataset
from .decisions import Decision, DecisionCell, Decisions, DecisionSummary
from .errors import (
    InvalidInput,
    InvalidInputError,
    JobEnded,
    JobEndedError,
    SegscoreError,
    Unreachable,
    UnreachableError,
)
from .job import ClassPair, Job, Progress, RankedImage
from .regions import Region, RegionCell, Regions
from .review import Review
from .scores import Scores

__all__ = [
    "ChangedImage",
    "Changes",
    "ClassPair",
    "Client",
    "Dataset",
    "Decision",
    "DecisionCell",
    "DecisionSummary",
    "Decisions",
    "InvalidInput",
    "InvalidInputError",
    "Job",
    "JobEnded",
    "JobEndedError",
    "Progress",
    "RankedImage",
    "Reduced",
    "Region",
    "RegionCell",
    "Regions",
    "Review",
    "Scores",
    "SegscoreError",
    "ServerInfo",
    "Unreachable",
    "UnreachableError",
    "__version__",
    "annotations",
    "configure",
    "cvat",
    "default_client",
    "server_info",
]

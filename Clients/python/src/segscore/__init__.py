"""Finds the wrong masks in a segmentation data set, by a segscore server.

`segscore.segmentation` has the functions of `cleanlab.segmentation`, so that a change of imports is all it takes.
`Client` is for more: jobs, data sets that come in batches, ignored labels.
"""

from ._config import configure, default_client
from ._version import __version__
from .client import Client
from .dataset import Dataset
from .errors import InvalidInput, JobEnded, SegscoreError, Unreachable
from .job import ClassPair, Job, Progress, RankedImage
from .scores import Scores

__all__ = [
    "ClassPair",
    "Client",
    "Dataset",
    "InvalidInput",
    "Job",
    "JobEnded",
    "Progress",
    "RankedImage",
    "Scores",
    "SegscoreError",
    "Unreachable",
    "__version__",
    "configure",
    "default_client",
]

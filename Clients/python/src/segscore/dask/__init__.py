"""Finds the wrong masks in a segmentation data set that is larger than one machine, by Dask.

The functions that have the names of cleanlab's take and return lazy arrays, of Dask or of xarray; nothing is computed
until these are. `reduce` and `reduce_with` are for more: they keep what scores need, from which issues, scores and
tables are found together. All images decide together which pixels are label issues, and what is found is, to the bit,
what one machine finds in all of them, however they are cut into blocks, and whatever workers come and go::

    import dask.array as da
    import segscore.dask as sd

    labels, pred_probs = da.from_zarr("labels.zarr"), da.from_zarr("pred_probs.zarr")
    issues = sd.find_label_issues(labels, pred_probs, ignore_label=255)
    issues.to_zarr("issues.zarr")

Tasks are functions of their arguments alone, which run the engine in this package on the worker; there is no server.
"""

try:
    import dask.array
    import dask.delayed  # noqa: F401
    from dask import _task_spec  # noqa: F401
except ImportError as error:
    raise ImportError("segscore.dask needs Dask, 2025.1 or later: pip install 'segscore[dask]'") from error

from ._functions import common_label_issues, find_label_issues, get_label_quality_scores
from ._reducing import reduce, reduce_with
from ._reduction import Reduction

__all__ = ["Reduction", "common_label_issues", "find_label_issues", "get_label_quality_scores", "reduce", "reduce_with"]

"""Finds the wrong masks in a segmentation data set that is larger than one machine, by Ray Data.

Functions take a `ray.data.Dataset` with a row for each image, whose columns of tensors hold the labels, (H, W), and the
predictions, (K, H, W), and give a dataset of the same rows with columns for what is found. Images may be of several
sizes. All images decide together which pixels are label issues, and what is found is, to the bit, what one machine
finds in all of them, however rows are spread over blocks, and whatever workers come and go::

    import ray
    import segscore.ray as sr

    dataset = ray.data.read_parquet("predicted/")
    issues = sr.find_label_issues(dataset, ignore_label=255)
    issues.select_columns(["path", "score", "num_pixel_issues"]).write_parquet("issues/")

Predictions are the largest by far, and need not be stored: `reduce_with` has a model predict in the task that keeps of
predictions what scores need. That is about 10 bytes a pixel, which lie in Ray's object store, and on its disks where
memory does not hold them. No server is needed: tasks run the engine that is in this package, so `segscore` has to be
installed on every node.
"""

try:
    import ray.data  # noqa: F401
except ImportError as error:
    raise ImportError("segscore.ray needs Ray Data, 2.44.1 or later: pip install 'segscore[ray]'") from error

from ._functions import find_label_issues, get_label_quality_scores
from ._reducing import reduce, reduce_with
from ._reduction import Reduction

__all__ = ["Reduction", "find_label_issues", "get_label_quality_scores", "reduce", "reduce_with"]

"""The functions of `cleanlab.segmentation` 2.9, computed by a segscore server.

Names, parameters, defaults, results and kinds of error are cleanlab's, so that

    from cleanlab.segmentation.rank import get_label_quality_scores

becomes

    from segscore.segmentation.rank import get_label_quality_scores

and nothing else changes. Each function says where it differs on purpose. The functions that score take more than
cleanlab's: lists of images of several sizes, arrays of zarr and h5py, and anything that gives images when it is
iterated over.
"""

from . import filter, rank, summary

__all__ = ["filter", "rank", "summary"]

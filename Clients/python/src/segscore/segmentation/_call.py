"""What the functions that ask the server have in common."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._batches import count_of
from .._config import default_client
from .._progress import Bar
from ..errors import SegscoreError
from ..job import Job


def check_batch_size(batch_size: int | None) -> None:
    """Refuses batch sizes that cleanlab refuses, though a batch size has no effect here.

    Raises
    ------
    ValueError
        The batch size is not above 0.
    """
    if batch_size is not None and batch_size <= 0:
        raise ValueError(f"batch_size must be above 0, and is {batch_size}")


def only(options: dict[str, Any], *known: str) -> dict[str, Any]:
    """The keywords that are known and not None. Others are warned of, where cleanlab passes over them in silence."""
    for name in options:
        if name not in known:
            warnings.warn(f"There is no parameter {name!r}; it has no effect.", stacklevel=3)
    return {name: options[name] for name in known if options.get(name) is not None}


@contextmanager
def job_over(labels: Any, pred_probs: Any, description: str, verbose: bool, **parameters: Any) -> Iterator[Job]:
    """A job over a data set, for its scores and label issues alone; it is deleted at the end of the block.

    Nobody else could delete the job, since it is known by its id alone.
    """
    total = count_of(labels) if hasattr(labels, "shape") or hasattr(labels, "__len__") else None
    with Bar(description, total, verbose) as bar:
        job = default_client().submit(
            labels, pred_probs, on_images=bar.show, wait=True, only_labelled=True, **parameters
        )
    try:
        yield job
    finally:
        try:
            job.delete()
        except SegscoreError:
            pass  # The job expires by itself.

"""The results of scoring."""

from __future__ import annotations

import dataclasses

import numpy as np

from .job import Images, Job


@dataclasses.dataclass(frozen=True)
class Scores:
    """The results of a job.

    Arrays of pixels have the shape of labels, (N, H, W) or as they came. If the images are of several sizes, they are a
    list with one (H, W) for each image.

    Attributes:
        image_scores: float64 (N,). Low is suspect.
        pixel_scores: The probabilities of the pixels' own labels: float64 if the probabilities were, else float32.
        issues: The pixels that score below the threshold; None if there was no threshold.
        label_issues: The pixels that confident learning finds; None if the method was not `num_pixel_issues`.
        names: What the images are called, if they were files of folders.
        job: The job, for its `ranking` and `summary`. It stays on the server until it expires or is deleted.
    """

    image_scores: np.ndarray
    pixel_scores: Images
    issues: Images | None
    label_issues: Images | None
    job: Job
    names: list[str] | None = None

    @classmethod
    def of(cls, job: Job, method: str, threshold: float | None) -> Scores:
        """Reads the results of a job that was made with this method and this threshold."""
        return cls(
            job.image_scores(),
            job.pixel_scores(),
            job.issues() if threshold is not None else None,
            job.label_issues() if method == "num_pixel_issues" else None,
            job,
            job.names,
        )

"""The results of scoring."""

from __future__ import annotations

import dataclasses

import numpy as np

from . import _html
from .job import Images, Job


@dataclasses.dataclass(frozen=True)
class Scores:
    """The results of a job.

    Arrays of pixels have the shape of labels, (N, H, W) or as they came. If the images are of several sizes, they are a
    list with one (H, W) for each image.

    Attributes
    ----------
    image_scores : np.ndarray
        float64 (N,). Low is suspect.
    pixel_scores : Images
        The probabilities of the pixels' own labels: float64 if the probabilities were, else float32.
    issues : Images | None
        The pixels that score below the threshold; None if there was no threshold.
    label_issues : Images | None
        The pixels that confident learning finds; None if the method was `softmin`.
    names : list[str] | None
        What the images are called, if they were files of folders.
    job : Job
        The job, for its `ranking` and `summary`. It stays on the server until it expires or is deleted.
    """

    image_scores: np.ndarray
    pixel_scores: Images
    issues: Images | None
    label_issues: Images | None
    job: Job
    names: list[str] | None = None

    def _repr_html_(self) -> str:
        """What notebooks show: the worst images, their scores, and pictures of where these are low."""
        found = self.label_issues if self.label_issues is not None else self.issues
        is_single = isinstance(self.pixel_scores, np.ndarray) and len(self.image_scores) == 1
        worst = np.argsort(self.image_scores, kind="stable")[: _html.SHOWN]

        def of_image(images: Images, image: int) -> np.ndarray:
            # The arrays of one image may have no axis of images.
            array = images[image] if not is_single or len(images) == 1 else images
            return np.asarray(array)

        images = [
            _html.Image(
                str(image) if self.names is None else self.names[image],
                float(self.image_scores[image]),
                of_image(self.pixel_scores, image),
                None if found is None else of_image(found, image),
            )
            for image in worst.tolist()
        ]
        count = len(self.image_scores)
        shown = "" if count == len(images) else f", the worst {len(images)}"
        return _html.gallery(f"{count} image{'s' if count > 1 else ''}{shown}", images, self.job.link)

    @classmethod
    def of(cls, job: Job, method: str, threshold: float | None) -> Scores:
        """Reads the results of a job that was made with this method and this threshold."""
        return cls(
            job.image_scores(),
            job.pixel_scores(),
            job.issues() if threshold is not None else None,
            job.label_issues() if method != "softmin" else None,
            job,
            job.names,
        )

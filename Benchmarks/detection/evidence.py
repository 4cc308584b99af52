"""Data sets of which it is known which masks are wrong, with what a model predicted out of sample."""

import dataclasses
import functools
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Classes = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

# The intersection over union with the expert's mask below which one of a crowd counts as wrong. There is no gap in the
# values that would suggest a cut, so it is a convention, which makes an eighth of BU-BIL's masks wrong.
RIGHT_OVERLAP = 0.6


class EvidenceError(Exception):
    """A folder or a file is not there, or does not hold what a set needs."""


class Pixels(NamedTuple):
    """One mask and what the model says of it, each (H, W).

    Attributes
    ----------
    own
        The probability of each pixel's label.
    largest
        The largest probability of each pixel.
    predicted
        The class of that one.
    labels
        The given class of each pixel.
    kept
        Whether a pixel takes part, which those of the ignored label do not.
    """

    own: Floats
    largest: Floats
    predicted: Classes
    labels: Classes
    kept: Flags


@dataclasses.dataclass(frozen=True)
class MaskSet:
    """Masks, reduced predictions, and the truth about the masks.

    Attributes
    ----------
    name
        What the tables call the set.
    own, largest, predicted, labels
        As in `Pixels`, with an axis of masks, (N, H, W); probabilities are float32.
    wrong
        Whether a mask is wrong, (N,).
    image
        The number of the image that a mask was drawn on, (N,). Masks of one image share what makes it hard, so that
        intervals resample images and not masks.
    ignore_label
        The label whose pixels take no part.
    """

    name: str
    own: Floats
    largest: Floats
    predicted: Classes
    labels: Classes
    wrong: Flags
    image: Classes
    ignore_label: int | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @functools.cached_property
    def kept(self) -> Flags:
        """Which pixels take part, (N, H, W)."""
        return np.ones(self.labels.shape, bool) if self.ignore_label is None else self.labels != self.ignore_label

    @functools.cached_property
    def class_count(self) -> int:
        """The lowest number of classes that has all labels and predictions."""
        return 1 + max(int(self.labels.max(initial=0, where=self.kept)), int(self.predicted.max(initial=0)))

    @property
    def title(self) -> str:
        """The name, with how many of the masks are wrong."""
        images = int(self.image.max()) + 1
        shared = f" of {images} images" if images < len(self) else ""
        return f"{self.name}, {self.wrong.sum()} of {len(self)} masks{shared}"

    def masks(self) -> Iterator[Pixels]:
        """The masks, one at a time."""
        yield from map(Pixels, self.own, self.largest, self.predicted, self.labels, self.kept)


def class_probability(pixels: Pixels, label: int, class_count: int) -> Floats:
    """The probability of one class at each pixel, as far as reduced predictions tell it.

    It is known where the class is the label or the predicted one, and with two classes everywhere. What other classes
    have together is known too, and is shared evenly among them.

    Parameters
    ----------
    pixels
        The mask and its predictions.
    label
        The class.
    class_count
        K, at least 2.

    Returns
    -------
    Floats
        (H, W), nowhere above `pixels.largest`.
    """
    agrees = pixels.predicted == pixels.labels
    left = 1 - pixels.largest - np.where(agrees, 0, pixels.own)
    unknown = class_count - np.where(agrees, 1, 2)
    # Sums of rounded probabilities may exceed 1 by a little.
    share = np.clip(left / np.maximum(unknown, 1), 0, pixels.largest)
    known = np.where(pixels.predicted == label, pixels.largest, share)
    return np.where(pixels.labels == label, pixels.own, known)


def load_folder(folder: pathlib.Path) -> list[MaskSet]:
    """Loads each `.npz` file of a folder as a set, by name.

    Raises
    ------
    EvidenceError
        There is no such folder, there is no such file in it, or a file does not hold a set.
    """
    if not folder.is_dir():
        raise EvidenceError(f"There is no folder {folder}.")
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise EvidenceError(f"There is no .npz file in {folder}.")
    return [load(path) for path in paths]


def load(path: pathlib.Path) -> MaskSet:
    """Loads a set from a file in one of two forms.

    One has `own` and `largest` (uint8, the probability times 255, or floats), `predicted`, `labels`, all (N, H, W), and
    `wrong` (N,); `ignore` may be there, a label whose pixels take no part. The other is that of BU-BIL: `probability`
    of the object, uint8 (N, H, W), and `crowd` (N, M, H, W) and `gold` (N, H, W), bits packed along the last axis.

    Raises
    ------
    EvidenceError
        The file is not readable, has neither form, or its arrays do not fit together.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise EvidenceError(f"{path} is not a readable npz file.") from error
    if "probability" in arrays:
        _need(path, arrays, "crowd", "gold")
        masks = _crowd(path.stem, arrays)
    else:
        _need(path, arrays, "own", "largest", "predicted", "labels", "wrong")
        masks = _reduced(path, arrays)
    if masks.wrong.all() or not masks.wrong.any():
        raise EvidenceError(f"{path} has to have wrong masks and right ones.")
    return masks


def _need(path: pathlib.Path, arrays: dict[str, npt.NDArray[Any]], *names: str) -> None:
    missing = [name for name in names if name not in arrays]
    if missing:
        raise EvidenceError(f"{path} has no array {', '.join(missing)}.")


def _reduced(path: pathlib.Path, arrays: dict[str, npt.NDArray[Any]]) -> MaskSet:
    labels, wrong = arrays["labels"], arrays["wrong"].astype(bool)
    for name in ("own", "largest", "predicted"):
        if arrays[name].shape != labels.shape or labels.ndim != 3:
            raise EvidenceError(
                f"{path}: {name} {arrays[name].shape} and labels {labels.shape} are not both (N, H, W)."
            )
    if wrong.shape != labels.shape[:1]:
        raise EvidenceError(f"{path}: wrong {wrong.shape} does not have one value for each of {len(labels)} masks.")
    ignore = arrays.get("ignore")
    if ignore is not None and ignore.size != 1:
        raise EvidenceError(f"{path}: ignore is not a single label but of shape {ignore.shape}.")
    return MaskSet(
        path.stem,
        _probability(arrays["own"]),
        _probability(arrays["largest"]),
        arrays["predicted"],
        labels,
        wrong,
        np.arange(len(labels)),
        None if ignore is None else int(ignore.item()),
    )


def _crowd(name: str, arrays: dict[str, npt.NDArray[Any]]) -> MaskSet:
    """Each mask of the crowd as a mask of its own, which the expert's one tells to be right or wrong."""
    crowd, gold = (np.unpackbits(arrays[name], axis=-1) for name in ("crowd", "gold"))
    images, people = crowd.shape[:2]
    intersection = (crowd & gold[:, None]).sum(axis=(2, 3))
    union = (crowd | gold[:, None]).sum(axis=(2, 3))
    wrong = intersection < RIGHT_OVERLAP * union
    labels = crowd.reshape(-1, *crowd.shape[2:])
    object_probability = np.repeat(_probability(arrays["probability"]), people, axis=0)
    background = 1 - object_probability
    return MaskSet(
        name,
        np.where(labels, object_probability, background),
        np.maximum(object_probability, background),
        (object_probability > background).astype(np.uint8),
        labels,
        wrong.ravel(),
        np.repeat(np.arange(images), people),
    )


def _probability(array: npt.NDArray[Any]) -> Floats:
    return array / np.float32(255) if array.dtype == np.uint8 else array.astype(np.float32)

"""What scores need of predictions, computed where these lie: of all classes of a pixel there remain three values.

These are the probability of the pixel's own label, the largest probability, and its class, the first of equals. They
are computed with the functions of the array API standard that the predictions' own library has, in bands of rows, so
that a device needs little memory beside the predictions themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import array_api_compat
import numpy as np

from ._given import Reduced
from ._tensors import in_memory
from ._types import reckonable

BAND = 64 << 20  # Bytes of one band's values as float64, of which a device holds a few copies at a time.
ROUNDING = 1e-5  # How far beyond [0, 1] rounding may lead a probability: so far the server takes it for 0 or 1.
PROBED = (8, 256)  # How many pixels of an image are looked at for probabilities that were given as logits.
SUM_ROUNDING = 1e-3, 2.0**-8  # How far from 1 probabilities may add up by rounding; that of bfloat16.


class Function(NamedTuple):
    """What turns the values of predictions into probabilities, as the server does.

    Attributes
    ----------
    name : str | None
        `softmax`, `sigmoid`, or nothing if the values are probabilities.
    divides : bool
        Whether the values are divided by their sum over the classes.
    """

    name: str | None = None
    divides: bool = False

    @classmethod
    def of(cls, array: str, activation: str | None, normalize: str | None, channels: int) -> Function | None:
        """The function for an array of this name; None if the server would refuse it."""
        if activation is None and array == "logits":
            activation = "sigmoid" if channels == 1 else "softmax"
        if activation not in (None, "softmax", "sigmoid") or normalize not in (None, "sum"):
            return None
        if array not in ("pred_probs", "logits") or (channels == 1 and activation != "sigmoid"):
            return None
        return cls(activation, normalize == "sum" and activation != "softmax" and channels > 1)


def is_reducible(predictions: Any, function: Function) -> bool:
    """Whether the library has the functions, and the device reckons in float64 if need be: Apple's do not."""
    with _float64(predictions):
        try:
            xp = array_api_compat.array_namespace(predictions)
            return function == Function() or bool(xp.astype(predictions[:0, ...], xp.float64).dtype == xp.float64)
        except (TypeError, RuntimeError):
            return False


def reduced(
    predictions: Any, classes: np.ndarray, function: Function, name: str = "pred_probs", only_own: bool = False
) -> Reduced:
    """Reduces predictions where they lie.

    Parameters
    ----------
    predictions : array_like
        An array of a library that has the array API standard, (N, K, H, W) or of more axes behind K, none of them
        empty.
    classes : np.ndarray
        The class of each pixel, integers (N, H, W). What is not from 0 to K - 1 is no class.
    name : str
        What messages call the predictions.
    only_own : bool
        Whether only the own probabilities are wanted.

    Returns
    -------
    Reduced
        The arrays in the shape of `classes`; own probabilities are 0 where there is no class, and the others are None
        if only these are wanted.

    Raises
    ------
    ValueError
        A value is not what the function takes.
    """
    with _float64(predictions):
        xp = array_api_compat.array_namespace(predictions)
        images, channels, *space = map(int, predictions.shape)
        # The axes of a volume ahead of the last are rows of one plane.
        plane = (-1, space[-1])
        found = _reduced(
            xp, xp.reshape(predictions, (images, channels, *plane)), classes.reshape(images, *plane), function, only_own
        )
        if isinstance(found, _Refused):
            raise found.error(name, function, space)
        own, *others = (None if array is None else array.reshape(images, *space) for array in found)
        assert own is not None
        return Reduced(own, *others)


class _Refused(NamedTuple):
    """A value that is refused, with its place among (N, K, H, W); without a class if all of a pixel are."""

    value: float | None = None
    place: tuple[int, int | None, int, int] | None = None

    def error(self, name: str, function: Function, space: Sequence[int]) -> ValueError:
        if self.place is None:
            return ValueError(
                f"{name} have the values of probabilities: give them as pred_probs, or without activation"
            )
        image, index, row, column = self.place
        rows = [int(each) for each in np.unravel_index(row, tuple(space[:-1]))]
        if index is None:
            pixel = ", ".join(map(str, (image, *rows, column)))
            return ValueError(f"The pixel [{pixel}] has no probabilities: its {name} add to nothing finite above 0.")
        wanted = "no probability"
        if function.name is not None:
            wanted = "no logit"
        elif function.divides:
            wanted = "no finite number of at least 0"
        return ValueError(
            f"{name}[{', '.join(map(str, (image, index, *rows, column)))}] is {self.value}, which is {wanted}."
        )


def _reduced(
    xp: Any, predictions: Any, classes: np.ndarray, function: Function, only_own: bool
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None] | _Refused:
    images, channels, height, width = map(int, predictions.shape)
    is_wide = predictions.dtype == xp.float64
    if function.name == "softmax" and _are_probabilities(xp, predictions):
        return _Refused()
    count = 2 if channels == 1 else channels
    scores = np.dtype(np.float64 if is_wide else np.float32)
    own = np.empty((images, height, width), scores)
    largest = None if only_own else np.empty_like(own)
    predicted = None if only_own else np.empty(own.shape, np.uint8 if count <= 256 else np.uint16)
    rows = max(BAND // (count * width * 8), 1)
    depth = max(rows // height, 1)
    band = _Band(xp, array_api_compat.device(predictions), function, is_wide, only_own)
    for image in range(0, images, depth):
        for top in range(0, height, rows):
            # The standard knows no slice that goes beyond the end.
            place = (slice(image, min(image + depth, images)), slice(top, min(top + rows, height)), slice(None))
            found = band.reduced(predictions[place[0], :, place[1], :], _codes(classes[place], count))
            if isinstance(found, _Refused):
                n, index, row, column = found.place or (0, None, 0, 0)
                return found._replace(place=(image + n, index, top + row, column))
            for target, values in zip((own, largest, predicted), found):
                if target is not None:
                    target[place] = in_memory(values, "the tensor")
    return own, largest, predicted


class _Band:
    """Reduces some rows of some images, with the functions of one library on one device."""

    def __init__(self, xp: Any, device: Any, function: Function, is_wide: bool, only_own: bool):
        self._xp = xp
        self._device = device
        self._function = function
        self._scores = xp.float64 if is_wide else xp.float32
        self._index = xp.__array_namespace_info__().default_dtypes()["indexing"]
        self._only_own = only_own

    def reduced(self, values: Any, codes: np.ndarray) -> tuple[Any, Any, Any] | _Refused:
        """The three values of each pixel, on the device, or one of them that the server would refuse."""
        xp = self._xp
        given, values = values, self._values(values)
        refused = self._refused(given, self._are_takable(values))
        if refused is not None:
            return refused
        largest = xp.max(values, axis=1, keepdims=True)
        codes = xp.astype(xp.asarray(codes, device=self._device), self._index)[:, None, :, :]
        is_class = codes < values.shape[1]
        own = xp.take_along_axis(values, xp.where(is_class, codes, xp.zeros_like(codes)), axis=1)
        predicted = None if self._only_own else self._first(values, largest)
        if self._function.name == "softmax":
            shift = self._wide(largest)
            refused = self._refused(None, shift > -float("inf"))
            if refused is not None:
                return refused
            total = xp.sum(xp.exp(self._wide(values) - shift), axis=1, keepdims=True)
            own, largest = xp.exp(self._wide(own) - shift) / total, 1 / total
        elif self._function.divides:
            total = xp.sum(self._wide(values), axis=1, keepdims=True)
            refused = self._refused(None, (total > 0) & xp.isfinite(total))
            if refused is not None:
                return refused
            own, largest = self._wide(own) / total, self._wide(largest) / total
        own = xp.where(is_class, own, xp.zeros_like(own))
        return self._narrow(own)[:, 0, :, :], self._narrow(largest)[:, 0, :, :], predicted

    def _values(self, values: Any) -> Any:
        """The values of all classes in the type of scores; logits stay logits if they go through a softmax."""
        xp = self._xp
        if self._function.name != "sigmoid":
            return self._narrow(values)
        wide = self._wide(values)
        of_second = self._narrow(1 / (1 + xp.exp(-wide)))
        if values.shape[1] > 1:
            return of_second
        # One channel tells of two classes.
        return xp.concat([self._narrow(1 / (1 + xp.exp(wide))), of_second], axis=1)

    def _are_takable(self, values: Any) -> Any:
        """Which values the server would take. Of what is no number no comparison is true."""
        if self._function.name == "softmax":
            return values < float("inf")
        if self._function.divides:
            return (values >= 0) & (values < float("inf"))
        return (values >= -ROUNDING) & (values <= 1 + ROUNDING)

    def _refused(self, values: Any, are_takable: Any) -> _Refused | None:
        """The first value, of one image after the other, that is not taken; without values the first pixel."""
        if bool(self._xp.all(are_takable)):
            return None
        image, index, row, column = np.argwhere(~in_memory(are_takable, "the tensor"))[0].tolist()
        if values is None:
            return _Refused(None, (image, None, row, column))
        index = min(index, int(values.shape[1]) - 1)  # One channel has become two classes.
        value = reckonable(in_memory(values[image, index, row, column], "the tensor"))
        return _Refused(float(value), (image, index, row, column))

    def _first(self, values: Any, largest: Any) -> Any:
        """The first class whose value is the largest. Not every library's `argmax` promises the first of equals."""
        xp = self._xp
        count = int(values.shape[1])
        indices = xp.reshape(xp.arange(count, dtype=xp.int32, device=self._device), (1, count, 1, 1))
        others = xp.full((1, 1, 1, 1), count, dtype=xp.int32, device=self._device)
        return xp.min(xp.where(values == largest, indices, others), axis=1)

    def _wide(self, values: Any) -> Any:
        return self._xp.astype(values, self._xp.float64)

    def _narrow(self, values: Any) -> Any:
        return self._xp.astype(values, self._scores)


def _codes(classes: np.ndarray, count: int) -> np.ndarray:
    """Classes as they go to the device, in few bytes; what is no class is `count`."""
    codes = np.where((classes >= 0) & (classes < count), classes, count)
    return codes.astype(np.uint8 if count < 256 else np.int32)


def _float64(array: Any) -> AbstractContextManager[Any]:
    """What has JAX reckon in float64, which it does only if it is told to."""
    if not array_api_compat.is_jax_array(array):
        return nullcontext()
    jax: Any = sys.modules["jax"]
    context: AbstractContextManager[Any] = (
        jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    )(True)
    return context


def _are_probabilities(xp: Any, logits: Any) -> bool:
    """Whether the first pixels have the values of probabilities, which are no logits. The server looks at as many."""
    least, most = PROBED
    rows = min(-(-most // int(logits.shape[3])), int(logits.shape[2]))
    band = in_memory(xp.astype(logits[0, :, :rows, :], xp.float64), "the tensor")
    pixels = band.reshape(len(band), -1)[:, :most]
    rounding = SUM_ROUNDING["bfloat16" in str(logits.dtype)]
    return bool(
        pixels.shape[1] >= least
        and ((pixels >= 0) & (pixels <= 1)).all()
        and (abs(pixels.sum(axis=0) - 1) <= rounding).all()
    )

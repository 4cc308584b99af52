"""Predictions are reduced where they lie, by the functions of their own library, to what the server would make of them.

The libraries are NumPy, array_api_strict on a device that is none, which has the functions of the standard and no
others, and PyTorch and JAX on the processor where they are installed. No GPU is needed.
"""

import array_api_strict as strict
import numpy as np
import pytest

from segscore import _reduce
from segscore._reduce import Function, is_reducible, reduced

PLAIN, SOFTMAX, SIGMOID = Function(), Function("softmax"), Function("sigmoid")
SUM, SIGMOID_SUM = Function(None, True), Function("sigmoid", True)
FUNCTIONS = {"plain": PLAIN, "softmax": SOFTMAX, "sigmoid": SIGMOID, "sum": SUM, "sigmoid and sum": SIGMOID_SUM}
SHAPES = [(3, 5, 7, 6), (1, 260, 2, 3), (2, 1, 5, 9)]


def in_torch(array):
    return pytest.importorskip("torch").asarray(array.copy(), requires_grad=True).detach()


def in_jax(array):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        return jax.numpy.asarray(array)


LIBRARIES = {
    "numpy": np.asarray,
    "strict": lambda array: strict.asarray(array, device=strict.Device("device1")),
    "torch": in_torch,
    "jax": in_jax,
}


@pytest.fixture(params=[1, 4000, 1 << 26], ids=["a row", "some rows", "all rows"])
def bands(request, monkeypatch):
    monkeypatch.setattr(_reduce, "BAND", request.param)


def values_of(function, images, channels, height, width, dtype, seed=0):
    random = np.random.default_rng([seed, images, channels, height, width])
    values = random.normal(size=(images, channels, height, width)) * 4
    if function in (PLAIN, SUM):
        values = random.random(values.shape)
    # Some pixels have equals.
    values[:, :, ::3, ::2] = values[:, :1, ::3, ::2]
    return values.astype(dtype), random.integers(-1, channels + 2, (images, height, width))


def plain(values, classes, function):
    """Own, largest and predicted by float64 in two passes, of one pixel after the other."""
    scores = np.float64 if values.dtype == np.float64 else np.float32
    if function.name == "sigmoid":
        wide = values.astype(np.float64)
        values = (1 / (1 + np.exp(-wide))).astype(scores)
        if values.shape[1] == 1:
            values = np.concatenate([(1 / (1 + np.exp(wide))).astype(scores), values], axis=1)
    probabilities = values.astype(np.float64)
    if function.name == "softmax":
        probabilities = np.exp(probabilities - probabilities.max(axis=1, keepdims=True))
    if function.divides or function.name == "softmax":
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    own, largest = np.zeros(classes.shape, scores), np.zeros(classes.shape, scores)
    predicted = np.zeros(classes.shape, int)
    for place in np.ndindex(classes.shape):
        n, y, x = place
        predicted[place] = list(values[n, :, y, x]).index(max(values[n, :, y, x]))
        largest[place] = probabilities[n, predicted[place], y, x]
        if 0 <= classes[place] < values.shape[1]:
            own[place] = probabilities[n, classes[place], y, x]
    return own, largest, predicted


CASES = {
    f"{library}, {name}, {shape}": (library, function, shape)
    for library in LIBRARIES
    for name, function in FUNCTIONS.items()
    for shape in SHAPES
    if shape[1] > 1 or function == SIGMOID
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_it_is_what_float64_makes_of_them(bands, case, dtype):
    library, function, shape = CASES[case]
    # The standard has no float16.
    values, classes = values_of(function, *shape, np.float32 if (library, dtype) == ("strict", np.float16) else dtype)
    found = reduced(LIBRARIES[library](values), classes, function)
    own, largest, predicted = plain(values, classes, function)
    assert found.own.dtype == found.largest.dtype == own.dtype
    assert found.predicted.dtype == (np.uint16 if shape[1] > 256 else np.uint8)
    np.testing.assert_array_equal(found.predicted, predicted)
    if function == PLAIN:
        np.testing.assert_array_equal(found.own, own)
        np.testing.assert_array_equal(found.largest, largest)
    else:
        # float32 are those of float64 but for the last place; float64 differ by the order of the sum.
        places = 1 if own.dtype == np.float32 else max(shape[1], 4)
        np.testing.assert_array_max_ulp(found.own, own, places)
        np.testing.assert_array_max_ulp(found.largest, largest, places)


@pytest.mark.parametrize("library", LIBRARIES)
def test_own_probabilities_alone(library):
    values, classes = values_of(PLAIN, 2, 4, 5, 6, np.float32)
    only = reduced(LIBRARIES[library](values), classes, PLAIN, only_own=True)
    assert only.largest is None and only.predicted is None
    np.testing.assert_array_equal(only.own, reduced(values, classes, PLAIN).own)


def test_volumes_are_reduced_as_planes(bands):
    values, classes = values_of(SOFTMAX, 2, 4, 15, 6, np.float32)
    found = reduced(values.reshape(2, 4, 3, 5, 6), classes.reshape(2, 3, 5, 6), SOFTMAX)
    for volume, plane in zip(found, reduced(values, classes, SOFTMAX)):
        np.testing.assert_array_equal(volume, plane.reshape(2, 3, 5, 6))
    values[1, 2, 13, 4] = np.nan
    with pytest.raises(ValueError, match=r"logits\[1, 2, 2, 3, 4\] is nan, which is no logit"):
        reduced(values.reshape(2, 4, 3, 5, 6), classes.reshape(2, 3, 5, 6), SOFTMAX, "logits")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "function, wrong, sentence",
    [
        (PLAIN, np.nan, "nan, which is no probability"),
        (PLAIN, -0.125, "-0.125, which is no probability"),
        (PLAIN, 1.125, "1.125, which is no probability"),
        (SOFTMAX, np.nan, "nan, which is no logit"),
        (SOFTMAX, np.inf, "inf, which is no logit"),
        (SIGMOID, np.nan, "nan, which is no logit"),
        (SUM, -0.125, "-0.125, which is no finite number of at least 0"),
        (SUM, np.inf, "inf, which is no finite number of at least 0"),
    ],
)
def test_what_the_server_would_refuse_is_refused(monkeypatch, library, function, wrong, sentence):
    monkeypatch.setattr(_reduce, "BAND", 1)
    values, classes = values_of(function, 2, 4, 5, 6, np.float64)
    for place in ((0, 0, 0, 0), (1, 3, 4, 5), (1, 2, 3, 1)):
        bad = values.copy()
        bad[place] = wrong
        expected = rf"pred_probs\[{', '.join(map(str, place))}\] is {sentence}"
        with pytest.raises(ValueError, match=expected):
            reduced(LIBRARIES[library](bad), classes, function)


def test_one_channel_is_named_as_it_came(bands):
    values, classes = values_of(SIGMOID, 2, 1, 5, 6, np.float32)
    values[1, 0, 3, 2] = np.nan
    with pytest.raises(ValueError, match=r"logits\[1, 0, 3, 2\] is nan"):
        reduced(values, classes, SIGMOID, "logits")


def test_pixels_without_probabilities_are_refused(bands):
    values, classes = values_of(SOFTMAX, 1, 3, 4, 4, np.float32)
    values[0, 1] = -np.inf
    assert np.isfinite(reduced(values, classes, SOFTMAX).own).all()
    values[0, :, 2, 2] = -np.inf
    with pytest.raises(ValueError, match=r"The pixel \[0, 2, 2\] has no probabilities"):
        reduced(values, classes, SOFTMAX)
    weights = np.ones((1, 3, 4, 4))
    weights[0, :, 3, 0] = 0
    with pytest.raises(ValueError, match=r"The pixel \[0, 3, 0\] has no probabilities"):
        reduced(weights, classes, SUM)


def test_probabilities_as_logits_are_refused():
    weights = np.random.default_rng(2).random((2, 4, 6, 50))
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    classes = np.zeros((2, 6, 50), int)
    with pytest.raises(ValueError, match="give them as pred_probs"):
        reduced(probabilities.astype(np.float32), classes, SOFTMAX)
    reduced(weights.astype(np.float32), classes, SOFTMAX)
    reduced(probabilities[:1, :, :1, :7], classes[:1, :1, :7], SOFTMAX)


def test_jax_reckons_in_float64_only_meanwhile():
    jax = pytest.importorskip("jax")
    values, classes = values_of(SOFTMAX, 1, 3, 4, 4, np.float32)
    found = reduced(jax.numpy.asarray(values), classes, SOFTMAX)
    np.testing.assert_array_max_ulp(found.own, plain(values, classes, SOFTMAX)[0], 1)
    assert not jax.config.jax_enable_x64 and jax.numpy.asarray(1.5).dtype == np.float32


def test_a_device_without_float64_reduces_probabilities_alone(monkeypatch):
    """As PyTorch has it on Apple's devices: "Cannot convert a MPS Tensor to float64 dtype"."""
    astype = strict.astype

    def refused(array, dtype, **options):
        if dtype == strict.float64:
            raise TypeError("Cannot convert to float64")
        return astype(array, dtype, **options)

    monkeypatch.setattr(strict, "astype", refused)
    probabilities, classes = values_of(PLAIN, 1, 3, 4, 4, np.float32)
    assert not is_reducible(strict.asarray(probabilities), SOFTMAX)
    assert is_reducible(strict.asarray(probabilities), PLAIN) and is_reducible(probabilities, SOFTMAX)
    found = reduced(strict.asarray(probabilities), classes, PLAIN)
    np.testing.assert_array_equal(found.own, plain(probabilities, classes, PLAIN)[0])


def test_bfloat16_of_torch():
    torch = pytest.importorskip("torch")
    values, classes = values_of(SOFTMAX, 2, 4, 5, 6, np.float32)
    given = torch.asarray(values).bfloat16()
    found, expected = reduced(given, classes, SOFTMAX), plain(given.float().numpy(), classes, SOFTMAX)
    np.testing.assert_array_max_ulp(found.own, expected[0], 1)
    np.testing.assert_array_max_ulp(found.largest, expected[1], 1)
    np.testing.assert_array_equal(found.predicted, expected[2])


@pytest.mark.parametrize(
    "array, activation, normalize, channels, expected",
    [
        ("pred_probs", None, None, 4, PLAIN),
        ("pred_probs", None, "sum", 4, SUM),
        ("pred_probs", "softmax", "sum", 4, SOFTMAX),
        ("logits", None, None, 4, SOFTMAX),
        ("logits", None, None, 1, SIGMOID),
        ("logits", "sigmoid", "sum", 4, SIGMOID_SUM),
        ("logits", "sigmoid", "sum", 1, SIGMOID),
        ("logits", "softmax", None, 1, None),
        ("logits", "relu", None, 4, None),
        ("pred_probs", None, "max", 4, None),
        ("pred_probs", None, None, 1, None),
    ],
)
def test_the_function_is_the_servers(array, activation, normalize, channels, expected):
    assert Function.of(array, activation, normalize, channels) == expected

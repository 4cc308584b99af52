"""Arrays of other libraries: by the array API standard, DLPack or `__array__`, on the processor or on a device.

PyTorch and JAX take part where they are installed.
"""

import array_api_strict as strict
import numpy as np
import pytest

from segscore import _parts, _tensors
from segscore._batches import BatchSource
from segscore._tensors import Tensor, in_memory, is_elsewhere

DEVICE = strict.Device("device1")


class Exported:
    """An array that is known by DLPack alone."""

    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **options):
        return np.ascontiguousarray(self._array).__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


class OnGPU:
    """An array as CuPy has it: on a GPU, and copied from there by `get` alone."""

    def __init__(self, array):
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype

    @property
    def __cuda_array_interface__(self):
        return {"shape": self.shape, "typestr": self.dtype.str, "data": (0, False), "version": 3}

    def __dlpack_device__(self):
        return 2, 0  # kDLCUDA

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __getitem__(self, key):
        return OnGPU(self._array[key])

    def get(self):
        return self._array


class Spread(OnGPU):
    """An array of which parts lie on several devices, as JAX has them."""

    def __dlpack_device__(self):
        raise BufferError("__dlpack__ is for arrays on one device")


def in_torch(array, **options):
    torch = pytest.importorskip("torch")
    return torch.asarray(array.copy(), **options)


def in_jax(array):
    return pytest.importorskip("jax.numpy").asarray(array)


FORMS = {
    "array_api_strict": strict.asarray,
    "another device": lambda array: strict.asarray(array, device=DEVICE),
    "DLPack alone": Exported,
    "CuPy's protocol": OnGPU,
    "torch": in_torch,
    "torch with gradients": lambda array: in_torch(array, requires_grad=array.dtype.kind == "f"),
    "torch, channels last": lambda array: in_torch(np.moveaxis(array, -1, 1)).movedim(1, -1),
    "jax": in_jax,
    "list": lambda array: [strict.asarray(image) for image in array],
    "list of another device": lambda array: [strict.asarray(image, device=DEVICE) for image in array],
    "list of CuPy's": lambda array: [OnGPU(image) for image in array],
    "generator": lambda array: (strict.asarray(image, device=DEVICE) for image in array),
}


@pytest.fixture(params=[False, True], ids=["as they are", "as if elsewhere"])
def elsewhere(request, monkeypatch):
    """Whether arrays of array_api_strict count as those of a device, of which DLPack says that it is the processor."""
    if request.param:
        monkeypatch.setattr(_tensors, "HOST", ())
    return request.param


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_small", [False, True], ids=["at once", "in batches"])
def test_all_libraries_arrays_are_scored_alike(client, small_client, arrays, elsewhere, form, is_small):
    labels, pred_probs = arrays
    options = {"method": "num_pixel_issues", "threshold": 0.3}
    expected = client.score(labels, pred_probs, **options)
    found = (small_client if is_small else client).score(FORMS[form](labels), FORMS[form](pred_probs), **options)
    for name in ("image_scores", "pixel_scores", "issues", "label_issues"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("form", ["array_api_strict", "another device", "CuPy's protocol", "torch", "jax"])
def test_a_data_set_takes_them_call_by_call(client, arrays, elsewhere, form):
    labels, pred_probs = arrays
    convert = FORMS[form]
    with client.dataset() as dataset:
        dataset.add(convert(labels[0]), convert(pred_probs[0]))
        dataset.add(convert(labels[1:]), pred_probs=convert(pred_probs[1:]))
    np.testing.assert_array_equal(dataset.job.image_scores(), client.score(labels, pred_probs).image_scores)


def test_bfloat16_of_torch_and_jax_is_exact(client, arrays):
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    labels, pred_probs = arrays
    for given in (torch.asarray(pred_probs).bfloat16(), jax.asarray(pred_probs, dtype=jax.bfloat16)):
        (batch,) = BatchSource(labels, given, 1 << 30).batches()
        assert batch.predictions.dtype.itemsize == 2
        expected = np.asarray(given.float() if hasattr(given, "float") else given.astype(jax.float32))
        np.testing.assert_array_equal(
            client.score(labels, given).pixel_scores, client.score(labels, expected).pixel_scores
        )


def test_where_arrays_lie(arrays):
    labels, _ = arrays
    assert is_elsewhere(OnGPU(labels))
    assert not any(map(is_elsewhere, (labels, strict.asarray(labels), Exported(labels), list(labels), "path")))
    assert not is_elsewhere(Spread(labels))


def test_few_classes_are_copied_from_a_device_at_a_time(arrays, monkeypatch):
    labels, pred_probs = arrays
    monkeypatch.setattr(_tensors, "PIECE", 2 * 24 * 18 * 4)
    copied = []
    monkeypatch.setattr(OnGPU, "get", lambda array: copied.append(array.shape) or array._array)
    (batch,) = BatchSource(labels, OnGPU(pred_probs), 1 << 30).batches()
    assert isinstance(batch.predictions, _parts.Stored) and isinstance(batch.predictions.array, Tensor)
    copied.clear()
    data = b"".join(piece for pieces in batch.predictions.pieces() for piece in pieces)
    assert data == pred_probs.tobytes() and copied == [(2, 24, 18)] * 14


def test_nothing_is_copied_that_lies_in_this_process(arrays):
    pred_probs = arrays[1]
    torch = pytest.importorskip("torch")
    given = [torch.from_numpy(pred_probs), Exported(pred_probs)]
    assert all(np.shares_memory(in_memory(each, "pred_probs"), pred_probs) for each in given)


@pytest.mark.parametrize("name", ["labels", "pred_probs", "logits"])
def test_shapes_are_refused_as_those_of_numpy(client, arrays, elsewhere, name):
    given = {"labels": arrays[0], "pred_probs": arrays[1]} if name != "logits" else {"labels": arrays[0]}
    given[name] = strict.asarray(arrays[0][:, 1:] if name != "labels" else arrays[0][:3], device=DEVICE)
    with pytest.raises(ValueError, match="agree" if name == "labels" else f"{name} must be of shape"):
        client.score(**given)

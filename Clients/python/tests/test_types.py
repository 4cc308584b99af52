"""Element types: those of tensors, one-hot predictions, wide floats, and arrays that are none of numbers."""

import sys
import types

import cleanlab.segmentation.filter as their_filter
import cleanlab.segmentation.rank as their_rank
import ml_dtypes
import numpy as np
import pytest

from conftest import sample
from segscore import _parts
from segscore._batches import BatchSource
from segscore._parts import size_of
from segscore.segmentation import filter, rank, summary
from test_forms import FORMS, Stored

LABELS, PRED_PROBS = sample(4, 3, 24, 16)
HOT = (PRED_PROBS == PRED_PROBS.max(axis=1, keepdims=True)).astype(int)


class Bits:
    """A tensor of 16-bit elements in PyTorch's way, which NumPy is given only as integers."""

    def __init__(self, array, dtype="torch.bfloat16"):
        self.array, self.dtype = array, dtype
        self.shape = array.shape

    def __len__(self):
        return len(self.array)

    def __getitem__(self, key):
        return Bits(self.array[key], self.dtype)

    def detach(self):
        return self

    def cpu(self):
        return self

    def view(self, dtype):
        return Bits(self.array.view(np.int16), dtype)

    def numpy(self):
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.array

    def __array__(self, dtype=None, copy=None):
        return self.numpy()


@pytest.fixture(autouse=True)
def torch(monkeypatch):
    module = types.ModuleType("torch")
    module.int16 = "torch.int16"
    monkeypatch.setitem(sys.modules, "torch", module)


BFLOAT16 = PRED_PROBS.astype(ml_dtypes.bfloat16)
EXACT = BFLOAT16.astype(np.float32)
WAYS = {
    "ml_dtypes": BFLOAT16,
    "torch": Bits(BFLOAT16),
    "torch, Fortran": Bits(np.asfortranarray(BFLOAT16)),
    "torch, every other row": Bits(BFLOAT16.repeat(2, axis=2)[:, :, ::2]),
    "list": list(BFLOAT16),
    "list of tensors": [Bits(image) for image in BFLOAT16],
    "zarr-like": Stored(BFLOAT16, (1, 2, 24, 16)),
    "float8": None,
    "generator": None,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_small", [False, True], ids=["at once", "in batches"])
def test_bfloat16_is_exact(client, small_client, way, is_small):
    given, exact = WAYS[way], EXACT
    if way == "float8":
        given = PRED_PROBS.astype(ml_dtypes.float8_e4m3fn)
        exact = given.astype(np.float32)
    elif way == "generator":
        given = iter(Bits(BFLOAT16))
    each = small_client if is_small else client
    found = each.score(LABELS, given, method="num_pixel_issues")
    expected = client.score(LABELS, exact, method="num_pixel_issues")
    assert found.pixel_scores.dtype == np.float32
    np.testing.assert_array_equal(found.pixel_scores, expected.pixel_scores)
    np.testing.assert_array_equal(found.label_issues, expected.label_issues)


@pytest.mark.parametrize("given", [BFLOAT16, Bits(BFLOAT16)], ids=["ml_dtypes", "torch"])
def test_bfloat16_in_the_functions(given):
    scores, pixels = rank.get_label_quality_scores(LABELS, given, verbose=False)
    expected = their_rank.get_label_quality_scores(LABELS, EXACT, verbose=False)
    np.testing.assert_array_equal(pixels, expected[1])
    np.testing.assert_allclose(scores, expected[0], atol=2e-6)
    issues = filter.find_label_issues(LABELS, given, verbose=False)
    np.testing.assert_array_equal(issues, filter.find_label_issues(LABELS, EXACT, verbose=False))
    for masks, mask in zip(
        summary.filter_by_class(1, issues, LABELS, given), summary.filter_by_class(1, issues, LABELS, EXACT)
    ):
        np.testing.assert_array_equal(masks, mask)
    assert summary.common_label_issues(issues, LABELS, given, verbose=False).equals(
        summary.common_label_issues(issues, LABELS, EXACT, verbose=False)
    )


def test_labels_may_be_of_tensors_types(client):
    expected = client.score(LABELS, PRED_PROBS).image_scores
    for labels in (
        LABELS.astype(ml_dtypes.bfloat16),
        Bits(LABELS.astype(ml_dtypes.bfloat16)),
        LABELS.astype(ml_dtypes.int4),
        LABELS.astype(np.longdouble),
        LABELS.astype(np.float16),
    ):
        np.testing.assert_array_equal(client.score(labels, PRED_PROBS).image_scores, expected)


# As cleanlab has them


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, bool, np.longdouble, ml_dtypes.bfloat16])
def test_one_hot_predictions_are_scored_as_cleanlab_does(dtype):
    hot = HOT.astype(dtype)
    for ours, theirs in zip(
        rank.get_label_quality_scores(LABELS, hot, verbose=False),
        their_rank.get_label_quality_scores(LABELS, hot, verbose=False),
    ):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)
    options = {"method": "num_pixel_issues", "verbose": False}
    _, pixels = rank.get_label_quality_scores(LABELS, hot, **options)
    _, expected = their_rank.get_label_quality_scores(LABELS, hot, n_jobs=1, **options)
    assert pixels.dtype == expected.dtype
    np.testing.assert_array_equal(pixels, expected)
    for downsample in (1, 2):
        found = filter.find_label_issues(LABELS, hot, downsample=downsample, verbose=False)
        np.testing.assert_array_equal(
            found, filter.find_label_issues(LABELS, HOT.astype(np.float64), downsample=downsample, verbose=False)
        )


@pytest.mark.parametrize("form", FORMS)
def test_one_hot_predictions_of_all_forms(client, form):
    expected = client.score(LABELS, HOT.astype(np.float32)).pixel_scores
    found = client.score(FORMS[form](LABELS), FORMS[form](HOT)).pixel_scores
    np.testing.assert_array_equal(found, expected)


def test_one_hot_labels_are_taken_which_cleanlab_refuses():
    labels = np.eye(3, dtype=int)[LABELS].transpose(0, 3, 1, 2)
    with pytest.raises(ValueError):
        their_filter.find_label_issues(labels, PRED_PROBS, verbose=False)
    expected = filter.find_label_issues(LABELS, PRED_PROBS, verbose=False)
    np.testing.assert_array_equal(filter.find_label_issues(labels, PRED_PROBS, verbose=False), expected)


def test_wide_floats_are_scored_as_cleanlab_does():
    wide = PRED_PROBS.astype(np.longdouble)
    wide /= wide.sum(axis=1, keepdims=True)
    found = rank.get_label_quality_scores(LABELS, wide, verbose=False)
    expected = their_rank.get_label_quality_scores(LABELS, wide, verbose=False)
    for ours, theirs in zip(found, expected):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    issues = filter.find_label_issues(LABELS, wide, verbose=False)
    np.testing.assert_array_equal(issues, their_filter.find_label_issues(LABELS, wide, n_jobs=1, verbose=False))
    _, pixels = rank.get_label_quality_scores(LABELS, wide, method="num_pixel_issues", verbose=False)
    assert pixels.dtype == np.longdouble


def test_integers_that_are_no_probabilities_are_refused(client):
    for wrong in (HOT * 2, -HOT, HOT.astype(np.uint8) * 255):
        with pytest.raises(ValueError, match="pred_probs"):
            client.score(LABELS, wrong)


# Pieces


def test_copies_in_another_type_are_no_larger_than_a_piece(monkeypatch):
    monkeypatch.setattr(_parts, "PIECE", 1000)
    for given, expected in ((BFLOAT16, BFLOAT16), (HOT, HOT.astype(np.float32)), (Bits(BFLOAT16), BFLOAT16)):
        for array, wanted in ((given, expected), (given[:, :, ::2], expected[:, :, ::2])):
            (batch,) = BatchSource(np.zeros(wanted[:, 0].shape, int), array, 1 << 30).batches()
            pieces = [bytes(piece) for pieces in batch.predictions.pieces() for piece in pieces]
            assert b"".join(pieces) == wanted.tobytes() and max(map(len, pieces)) <= 1000


def test_bfloat16_is_sent_from_where_it_lies():
    for labels, given in ((LABELS, BFLOAT16), (LABELS, Bits(BFLOAT16)), (list(LABELS), list(BFLOAT16))):
        (batch,) = BatchSource(labels, given, 1 << 30).batches()
        assert size_of(batch.predictions) == BFLOAT16.nbytes
        pieces = [piece for pieces in batch.predictions.pieces() for piece in pieces]
        assert all(np.shares_memory(np.frombuffer(piece, np.uint8), BFLOAT16) for piece in pieces)


def test_batches_are_as_large_as_what_is_sent():
    image = 3 * 24 * 16 * 4 + 24 * 16
    for pred_probs in (HOT.astype(bool), list(HOT.astype(bool))):
        labels = LABELS if isinstance(pred_probs, np.ndarray) else list(LABELS)
        assert [batch.images for batch in BatchSource(labels, pred_probs, 2 * image).batches()] == [2, 2]


def test_mapped_files_of_one_hot_predictions(client, tmp_path):
    np.save(tmp_path / "hot.npy", HOT.astype(np.uint8))
    mapped = np.load(tmp_path / "hot.npy", mmap_mode="r")
    expected = client.score(LABELS, HOT.astype(np.float32)).pixel_scores
    for _ in range(2):
        np.testing.assert_array_equal(client.score(LABELS, mapped).pixel_scores, expected)


# What is refused with a sentence


def masked(array):
    return np.ma.masked_array(array, np.zeros(array.shape, bool))


class TurnsMasked:
    """A variable of netCDF4, say: no array, and a masked one when it is made one."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __array__(self, dtype=None, copy=None):
        return masked(self.array)


class StoredMasked(Stored):
    def __getitem__(self, key):
        return masked(super().__getitem__(key))

    def __array__(self, dtype=None, copy=None):
        return self[...]


MASKED = {
    "array": masked,
    "variable": TurnsMasked,
    "list": lambda array: [masked(image) for image in array],
    "generator": lambda array: (masked(image) for image in array),
    "generator of lists": lambda array: iter([[masked(image) for image in array]]),
    "stored": lambda array: StoredMasked(array, (1, *array.shape[1:])),
    "list of stored": lambda array: [StoredMasked(image, image.shape) for image in array],
}


@pytest.mark.parametrize("form", MASKED)
@pytest.mark.parametrize("name", ["labels", "pred_probs"])
def test_a_mask_is_never_dropped(client, name, form):
    arrays = {"labels": LABELS, "pred_probs": PRED_PROBS}
    arrays[name] = MASKED[form](arrays[name])
    with pytest.raises(ValueError, match=rf"^{name} is a masked array.*filled"):
        client.score(**arrays)
    with client.dataset() as dataset:
        if form in ("array", "variable", "stored"):
            with pytest.raises(ValueError, match=f"{name} is a masked array"):
                dataset.add(arrays["labels"], arrays["pred_probs"])
        dataset.add(LABELS, PRED_PROBS)
    assert dataset.job.image_scores().shape == (4,)


@pytest.mark.parametrize("name", ["issues", "labels", "pred_probs"])
def test_a_mask_is_never_dropped_in_summaries(name):
    arrays = {"issues": LABELS > 1, "labels": LABELS, "pred_probs": PRED_PROBS}
    arrays[name] = masked(arrays[name])
    for function in (
        summary.common_label_issues,
        summary.display_issues,
        lambda **options: summary.filter_by_class(1, **options),
    ):
        with pytest.raises(ValueError, match=f"{name} is a masked array"):
            function(**arrays)


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (lambda array: array.astype(object), r"holds Python objects \(object\).*list of arrays.*astype"),
        (lambda array: [image.astype(object) for image in array], "holds Python objects"),
        (lambda array: Stored(array.astype(object), (1, *array.shape[1:])), "holds Python objects"),
        (lambda array: array.astype(ml_dtypes.bfloat16).view("V2"), r"bytes of no type.*view\(ml_dtypes.bfloat16\)"),
        (lambda array: np.zeros(array.shape, [("a", "f4"), ("b", "f4")]), "bytes of no type"),
    ],
    ids=["objects", "list of objects", "stored objects", "raw bfloat16", "records"],
)
@pytest.mark.parametrize("name", ["labels", "pred_probs"])
def test_elements_that_are_no_numbers_are_refused(client, name, wrong, sentence):
    arrays = {"labels": LABELS, "pred_probs": PRED_PROBS}
    arrays[name] = wrong(arrays[name])
    with pytest.raises(ValueError, match=rf"^{name} {sentence}|^{name} holds .*{sentence}"):
        client.score(**arrays)

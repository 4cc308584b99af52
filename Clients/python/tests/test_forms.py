"""The forms in which data sets are taken, and that they go out in pieces that are no copies."""

from itertools import chain

import numpy as np
import pytest
import zarr

from conftest import sample
from segscore import _parts
from segscore._batches import BatchSource
from segscore._form import Form
from segscore.segmentation import filter, rank

METHOD = {"method": "num_pixel_issues", "threshold": 0.3}
SIZES = [(24, 18), (24, 18), (16, 30), (8, 8), (8, 8), (8, 8)]


class Tensor:
    """As those of PyTorch: no array until its gradients are left behind and it is in this process's memory."""

    def __init__(self, array, is_ready=False):
        self.array, self.is_ready = array, is_ready
        self.shape, self.dtype = array.shape, f"torch.{array.dtype}"

    def __len__(self):
        return len(self.array)

    def detach(self):
        return self

    def cpu(self):
        return Tensor(self.array, is_ready=True)

    def __array__(self, dtype=None, copy=None):
        assert self.is_ready
        return self.array


class Stored:
    """An array that is read where it is indexed, and remembers what was asked for."""

    def __init__(self, array, chunks):
        self.array, self.chunks, self.asked = array, chunks, []
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key):
        self.asked.append(key)
        return self.array[key]


def in_zarr(array, chunks):
    return zarr.array(array, chunks=chunks)


@pytest.fixture(scope="module")
def mapped(arrays, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mapped")
    for name, array in zip(("labels", "pred_probs"), arrays):
        np.save(folder / name, array)
    return lambda mode: [np.load(folder / f"{name}.npy", mmap_mode=mode) for name in ("labels", "pred_probs")]


FORMS = {
    "C": lambda array: array,
    "Fortran": np.asfortranarray,
    "channels last": lambda array: np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1),
    "every other row": lambda array: array.repeat(2, axis=-2)[..., ::2, :],
    "reversed": lambda array: array[::-1].copy()[::-1],
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "read-only": lambda array: np.broadcast_to(array, array.shape),
    "tensor": Tensor,
    "list": list,
    "list of tensors": lambda array: [Tensor(image) for image in array],
    "tuple": tuple,
    "generator": lambda array: (image for image in array),
    "generator of batches": lambda array: (array[start : start + 3] for start in range(0, len(array), 3)),
    "zarr, an image a chunk": lambda array: in_zarr(array, (1, *array.shape[1:])),
    "zarr, three images a chunk": lambda array: in_zarr(array, (3, *array.shape[1:])),
    "zarr, small chunks": lambda array: in_zarr(array, (2, 3, *(5 for _ in array.shape[2:]))),
    "stored in one piece": lambda array: Stored(array, None),
    "dask": lambda array: Stored(array, tuple((1,) * extent for extent in array.shape)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_small", [False, True], ids=["at once", "in batches"])
def test_all_forms_are_scored_alike(client, small_client, arrays, form, is_small):
    labels, pred_probs = arrays
    expected = client.score(labels, pred_probs, **METHOD)
    found = (small_client if is_small else client).score(FORMS[form](labels), FORMS[form](pred_probs), **METHOD)
    for name in ("image_scores", "pixel_scores", "issues", "label_issues"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_mapped_files_are_sent_and_stay_as_they_are(client, arrays, mapped, mode):
    labels, pred_probs = mapped(mode)
    if mode == "c":
        labels[0, 0, 0] = arrays[0][0, 0, 0] ^ 1  # Not in the file; would be lost if its page were given back.
    expected = client.score(np.array(labels), np.array(pred_probs)).image_scores
    for _ in range(2):
        np.testing.assert_array_equal(client.score(labels, pred_probs).image_scores, expected)
        np.testing.assert_array_equal(client.score(labels[::2], pred_probs[::2]).image_scores, expected[::2])
    if mode == "c":
        assert labels[0, 0, 0] == arrays[0][0, 0, 0] ^ 1
    np.testing.assert_array_equal(client.score(list(labels), list(pred_probs)).image_scores, expected)


def test_arrays_go_out_as_views(mapped, arrays):
    for labels, pred_probs in (arrays, mapped("r"), [np.asfortranarray(array) for array in arrays]):
        (batch,) = BatchSource(labels, pred_probs, 1 << 30).batches()
        for part, array in zip(batch, (labels, pred_probs)):
            views = [np.frombuffer(piece, np.uint8) for pieces in part.pieces() for piece in pieces]
            assert sum(view.nbytes for view in views) == array.nbytes
            assert all(np.shares_memory(view, array) for view in views)


def test_copies_are_no_larger_than_a_piece(monkeypatch):
    monkeypatch.setattr(_parts, "PIECE", 1000)
    array = np.random.default_rng(1).random((3, 5, 20, 30)).transpose(0, 3, 1, 2)
    pieces = [bytes(piece) for piece in _parts.pieces_of(array, array.dtype)]
    assert b"".join(pieces) == array.tobytes() and max(map(len, pieces)) <= 1000


def test_a_form_can_be_sent_again_and_knows_its_length(arrays):
    (batch,) = BatchSource(*arrays, 1 << 30).batches()
    shares = []
    form = Form(batch, shares.append)
    first, second = (b"".join(chain.from_iterable(form)) for _ in range(2))
    assert first == second and len(first) == form.length
    assert shares[-1] == 1 and shares == sorted(shares[: len(shares) // 2]) * 2


def test_chunks_are_read_once(client, arrays):
    labels, pred_probs = arrays
    stored = Stored(pred_probs, (1, 2, 24, 18))
    client.score(labels, stored)
    assert stored.asked == [(image, slice(start, start + 2)) for image in range(7) for start in (0, 2)]


def test_batches_begin_where_chunks_do(small_client, arrays):
    labels, pred_probs = arrays
    batches = list(BatchSource(labels, Stored(pred_probs, (2, 4, 24, 18)), 5 * 24 * 18 * 17).batches())
    assert [batch.images for batch in batches] == [4, 3]


def test_lists_of_one_size_are_one_batch(arrays):
    labels, pred_probs = arrays
    (batch,) = BatchSource(list(labels), list(pred_probs), 1 << 30).batches()
    assert batch.labels.shape == labels.shape and batch.predictions.shape == pred_probs.shape


def test_an_array_may_come_beside_a_list(client, arrays):
    labels, pred_probs = arrays
    expected = client.score(labels, pred_probs).image_scores
    for forms in (
        (labels, list(pred_probs)),
        (list(labels), in_zarr(pred_probs, (1, 4, 24, 18))),
        (in_zarr(labels, (2, 24, 18)), iter(pred_probs)),
    ):
        np.testing.assert_array_equal(client.score(*forms).image_scores, expected)


# Several sizes


@pytest.fixture(scope="module")
def several():
    pairs = [sample(1, 4, *size, seed=index) for index, size in enumerate(SIZES)]
    return [labels[0] for labels, _ in pairs], [pred_probs[0] for _, pred_probs in pairs]


@pytest.mark.parametrize("form", [list, tuple, iter])
def test_images_of_several_sizes(several, form):
    labels, pred_probs = several
    scores, pixels = rank.get_label_quality_scores(form(labels), form(pred_probs), verbose=False)
    masks = filter.find_label_issues(form(labels), form(pred_probs), verbose=False)
    assert [image.shape for image in pixels] == [mask.shape for mask in masks] == SIZES
    assert all(image.dtype == np.float64 for image in pixels) and all(mask.dtype == bool for mask in masks)
    for index in range(len(SIZES)):
        alone = rank.get_label_quality_scores(labels[index][None], pred_probs[index][None], verbose=False)
        assert alone[0] == scores[index]
        np.testing.assert_array_equal(alone[1][0], pixels[index])
    below = rank.issues_from_scores(scores, pixels, 0.2)
    assert all((mask == (image < 0.2)).all() for mask, image in zip(below, pixels))


def test_several_sizes_through_a_client(client, several):
    scores = client.score(*several, **METHOD)
    assert [image.shape for image in scores.pixel_scores] == SIZES
    assert [mask.shape for mask in scores.label_issues] == [mask.shape for mask in scores.issues] == SIZES
    np.testing.assert_array_equal(scores.job.pixel_scores(2), scores.pixel_scores[2])
    np.testing.assert_array_equal(scores.job.label_issues(2), scores.label_issues[2])


def test_types_may_differ_within_a_list(client, arrays):
    labels, pred_probs = arrays
    mixed = [image.astype(np.int64 if index % 2 else np.uint8) for index, image in enumerate(labels)]
    found = client.score(mixed, list(pred_probs))
    np.testing.assert_array_equal(found.image_scores, client.score(*arrays).image_scores)


@pytest.mark.parametrize(
    "labels, pred_probs",
    [
        ([], []),
        (iter([]), iter([])),
        (np.zeros((0, 4, 4), int), np.zeros((0, 2, 4, 4))),
        ([np.zeros((4, 4), int)] * 2, [np.zeros((2, 4, 4))]),
        ([np.zeros((4, 4), int)], [np.zeros((2, 4, 5))]),
        ([np.zeros((2, 4, 4), int)], [np.zeros((2, 3, 4, 4))]),
        (iter([np.zeros((4, 4), int)] * 2), iter([np.zeros((2, 4, 4))])),
    ],
    ids=["no list", "no generator", "no array", "counts", "widths", "batches in a list", "counts of generators"],
)
def test_what_does_not_fit_together_leaves_no_job(client, labels, pred_probs):
    before = [(job.id, job.status) for job in client.jobs(status="open")]
    with pytest.raises(ValueError):
        client.score(labels, pred_probs)
    assert [(job.id, job.status) for job in client.jobs(status="open")] == before


def test_what_is_no_data_is_a_type_error(client):
    with pytest.raises(TypeError):
        client.score(None, None)


def test_one_hot_labels_are_their_classes(client, arrays):
    labels, pred_probs = arrays
    one_hot = np.moveaxis(np.eye(4, dtype=np.uint8)[labels], -1, 1)
    expected = client.score(labels, pred_probs)
    for given in (one_hot, list(one_hot)):
        scores = client.score(given, pred_probs if given is one_hot else list(pred_probs))
        np.testing.assert_array_equal(scores.pixel_scores, expected.pixel_scores)
    job = client.submit(one_hot, pred_probs, only_labelled=True).wait()
    np.testing.assert_array_equal(job.image_scores(), expected.image_scores)
    with client.dataset() as dataset:
        dataset.add(one_hot[0], pred_probs[0])
        dataset.add(one_hot[1:], pred_probs[1:])
    np.testing.assert_array_equal(dataset.job.image_scores(), expected.image_scores)

"""Probabilities that softmin does not need are not sent, and the scores are the same."""

import numpy as np
import pytest

import proxy
from segscore import InvalidInputError, SegscoreError, _bands
from segscore._bands import Bands, banded
from segscore._batches import BatchSource
from segscore.segmentation import rank
from test_forms import FORMS

CLASSES = 12


@pytest.fixture(autouse=True)
def bands_of_four_rows(monkeypatch):
    monkeypatch.setattr(_bands, "SMALLEST", 4 * 32 * 4)


@pytest.fixture(scope="session")
def regions():
    """Six images with few classes at a place, some pixels of them void."""
    random = np.random.default_rng(5)
    labels = np.kron(random.integers(0, CLASSES, (6, 4, 2)), np.ones((1, 6, 16), int)).astype(np.uint8)
    labels[0, 3:5] = labels[2] = 255
    weights = random.random((6, CLASSES, 24, 32), np.float32)
    return labels, weights / weights.sum(axis=1, keepdims=True)


def batch_of(labels, pred_probs):
    (batch,) = BatchSource(labels, pred_probs, 1 << 30).batches()
    return batch


def sent_of(labels, pred_probs, ignore_label=255):
    """What is sent of the probabilities."""
    return banded(batch_of(labels, pred_probs), [] if ignore_label is None else [ignore_label]).predictions


def bytes_of(part):
    return b"".join(piece for pieces in part.pieces() for piece in pieces)


def test_a_band_has_the_classes_that_are_labels_there(regions):
    labels, pred_probs = regions
    part = sent_of(labels, pred_probs)
    expected = np.stack(
        [
            pred_probs[image, index, top : top + 4]
            for image in range(6)
            for top in range(0, 24, 4)
            for index in np.unique(labels[image, top : top + 4])
            if index != 255
        ]
    )
    assert isinstance(part, Bands) and part.shape == expected.shape and not part.fortran_order
    assert bytes_of(part) == expected.tobytes() == bytes_of(part)
    assert expected.nbytes < pred_probs.nbytes / 3


@pytest.mark.parametrize("dtype", [np.int8, ">i4", np.int64, np.uint16, np.uint64])
def test_labels_of_any_integers_will_do(regions, dtype):
    labels, pred_probs = regions
    labels = np.where(labels == 255, 100, labels)
    assert bytes_of(sent_of(labels.astype(dtype), pred_probs, 100)) == bytes_of(sent_of(labels, pred_probs, 100))


def test_bool_labels_will_do(regions):
    pred_probs = regions[1]
    part = sent_of(np.zeros((6, 24, 32), bool), pred_probs, None)
    assert bytes_of(part) == pred_probs[:, 0].tobytes()


def test_they_go_out_as_views(regions, tmp_path):
    for name, array in zip(("labels", "pred_probs"), regions):
        np.save(tmp_path / f"{name}.npy", array)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("labels", "pred_probs")]
    for labels, pred_probs in (regions, mapped, [list(array) for array in regions]):
        part = sent_of(labels, pred_probs)
        assert isinstance(part, Bands)
        for pieces in part.pieces():
            for piece in pieces:
                assert any(np.shares_memory(np.frombuffer(piece, np.uint8), image) for image in pred_probs)


@pytest.mark.parametrize("height, rows", [(24, 4), (26, 13), (23, 23), (9, 9), (1, 1), (3, 3)])
def test_bands_divide_the_height(height, rows):
    assert _bands._rows(height, 32 * 4) == rows


# What is sent as it is


def test_few_bytes_are_not_worth_leaving_out(regions):
    labels, pred_probs = regions
    noise = np.random.default_rng(1).integers(0, CLASSES, labels.shape).astype(np.uint8)
    few = np.kron(np.arange(CLASSES * 2).reshape(1, 6, 4) % CLASSES, np.ones((6, 4, 8), int))
    for labels in (noise, few):
        batch = batch_of(labels, pred_probs[:, :CLASSES])
        assert (banded(batch, []) is batch) == (labels is noise)
    one = batch_of(np.zeros((6, 24, 32), int), pred_probs[:, :1])
    assert banded(one, []) is one


@pytest.mark.parametrize("label", [-1, CLASSES, 255, 1 << 40])
def test_a_label_that_is_no_class_is_for_the_server_to_refuse(client, regions, label):
    labels, pred_probs = regions
    labels = np.where(labels == 255, 0, labels).astype(np.int64)
    labels[3, 7, 9] = label
    batch = batch_of(labels, pred_probs)
    assert banded(batch, []) is batch
    with pytest.raises(InvalidInputError, match=rf"labels\[3, 7, 9\] is {label}"):
        client.submit(labels, pred_probs, only_labelled=True, wait=True)


def test_floats_and_stored_arrays_are_sent_as_they_are(regions):
    labels, pred_probs = regions
    for batch in (
        batch_of(labels.astype(float), pred_probs),
        batch_of(labels, FORMS["stored in one piece"](pred_probs)),
        batch_of(labels, np.asfortranarray(pred_probs)),
    ):
        assert banded(batch, [255]) is batch


def test_extents_of_zero_are_for_the_server_to_refuse(client):
    for shape in ((2, 0, 4), (2, 4, 0)):
        with pytest.raises(ValueError, match="empty"):
            client.submit(np.zeros(shape, int), np.zeros((2, 3, *shape[1:]), np.float32), only_labelled=True)
    with pytest.raises(ValueError, match="empty"):
        client.submit(np.zeros((2, 4, 4), int), np.zeros((2, 0, 4, 4), np.float32), only_labelled=True)


# What comes of it


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_small", [False, True], ids=["at once", "in batches"])
def test_all_forms_are_scored_alike(client, small_client, regions, form, is_small):
    labels, pred_probs = regions
    expected = client.score(labels, pred_probs, ignore_label=255)
    job = (small_client if is_small else client).submit(
        FORMS[form](labels), FORMS[form](pred_probs), ignore_label=255, only_labelled=True
    )
    np.testing.assert_array_equal(job.image_scores(), expected.image_scores)
    np.testing.assert_array_equal(job.pixel_scores(), expected.pixel_scores)


def test_images_of_several_sizes(client, regions):
    labels, pred_probs = [list(array) for array in regions]
    labels[1], pred_probs[1] = labels[1][:8, :16], pred_probs[1][:, :8, :16]
    expected = client.score(labels, pred_probs, ignore_label=255)
    job = client.submit(labels, pred_probs, ignore_label=255, only_labelled=True, wait=True)
    np.testing.assert_array_equal(job.image_scores(), expected.image_scores)


def test_scores_alone_are_there(client, regions):
    job = client.submit(*regions, ignore_label=255, only_labelled=True)
    assert job.document()["parameters"]["classes"] == CLASSES
    assert job.ranking(limit=1)
    with pytest.raises(SegscoreError, match="only the labelled classes"):
        job.summary()


def test_label_issues_need_all_that_there_is(client, regions):
    job = client.submit(*regions, method="num_pixel_issues", ignore_label=255, only_labelled=True)
    assert "classes" not in job.document()["parameters"] and job.summary()


def test_quality_scores_send_no_more(server, regions, monkeypatch):
    labels, pred_probs = regions
    with proxy.Proxy(server.port) as between:
        monkeypatch.setenv("SEGSCORE_URL", between.url)
        between.will(proxy.lose_the_answer, "POST /score")
        _, pixel_scores = rank.get_label_quality_scores(labels, pred_probs, ignore_label=255, verbose=False)
        assert between.count(f"classes={CLASSES}") == 2
    expected = np.take_along_axis(pred_probs, np.where(labels == 255, 0, labels)[:, None].astype(int), axis=1)[:, 0]
    np.testing.assert_array_equal(pixel_scores, np.where(labels == 255, 1, expected))


def test_a_wrong_probability_is_named_where_it_is(client, regions):
    labels, pred_probs = regions[0], regions[1].copy()
    index = int(labels[4, 11, 3])
    pred_probs[4, index, 11, 3] = np.nan
    with pytest.raises(InvalidInputError, match=rf"pred_probs\[4, {index}, 11, 3\] is nan"):
        client.submit(labels, pred_probs, ignore_label=255, only_labelled=True, wait=True)

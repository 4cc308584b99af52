"""Predictions of another size than the labels, or on other axes, which the server brings to the labels' pixels."""

import array_api_strict as strict
import numpy as np
import pytest

import segscore
from sampling import resized
from segscore import _tensors


@pytest.fixture
def small():
    """Labels, and logits at half of their size."""
    random = np.random.default_rng(12)
    return random.integers(0, 4, (5, 16, 12)), random.normal(size=(5, 4, 8, 6)).astype(np.float32)


def scores_of(client, labels, options, **arrays):
    """The scores by a request, by a list of images, and by a data set, which are the same."""
    found = client.score(labels, **arrays, **options).pixel_scores
    as_lists = {name: list(array) for name, array in arrays.items()}
    np.testing.assert_array_equal(client.score(list(labels), **as_lists, **options).pixel_scores, found)
    np.testing.assert_array_equal(client.score(iter(labels), **as_lists, **options).pixel_scores, found)
    with client.dataset(**options) as dataset:
        for part in (slice(0, 1), slice(1, 5)):
            dataset.add(labels[part], **{name: array[part] for name, array in arrays.items()})
    np.testing.assert_array_equal(dataset.job.pixel_scores(), found)
    return found


@pytest.mark.parametrize("resize, align_corners", [("bilinear", False), ("bilinear", True), ("nearest", False)])
def test_logits_are_resized(client, small, resize, align_corners):
    labels, logits = small
    options = {"resize": resize, "align_corners": align_corners}
    expected = client.score(labels, logits=resized(logits, 16, 12, resize, align_corners)).pixel_scores
    np.testing.assert_array_equal(scores_of(client, labels, options, logits=logits), expected)


def test_padding_is_cut_off(client, small):
    labels, logits = small
    expected = client.score(labels, logits=resized(logits[:, :, :7, :5], 16, 12, "bilinear")).pixel_scores
    options = {"resize": "bilinear", "valid": (7, np.int64(5))}
    np.testing.assert_array_equal(scores_of(client, labels, options, logits=logits), expected)
    expected = client.score(labels[:, :8, :6], logits=logits).pixel_scores
    padded = np.pad(logits, [(0, 0), (0, 0), (0, 3), (0, 9)])
    found = client.score(labels[:, :8, :6], logits=padded, valid=[8, 6]).pixel_scores
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("channels", [4, 1])
def test_classes_may_come_last(client, small, channels):
    labels, logits = small[0][:, :8, :6] % max(channels, 2), small[1][:, :channels]
    last = np.ascontiguousarray(np.moveaxis(logits, 1, -1))
    expected = client.score(labels, logits=logits).pixel_scores
    np.testing.assert_array_equal(scores_of(client, labels, {"layout": "NHWC"}, logits=last), expected)


def test_scores_alone_are_of_all_classes_too(client, arrays):
    labels, pred_probs = arrays
    last = np.ascontiguousarray(np.moveaxis(pred_probs, 1, -1))
    job = client.submit(labels, last, layout="NHWC", only_labelled=True)
    np.testing.assert_array_equal(job.image_scores(), client.score(labels, pred_probs).image_scores)


def test_tensors_on_a_device_are_sent_as_they_are(client, small, monkeypatch):
    labels, logits = small
    expected = client.score(labels, logits=logits, resize="bilinear").pixel_scores
    monkeypatch.setattr(_tensors, "HOST", ())
    given = strict.asarray(logits, device=strict.Device("device1"))
    np.testing.assert_array_equal(client.score(labels, logits=given, resize="bilinear").pixel_scores, expected)


def test_what_does_not_fit_is_refused(client, small):
    labels, logits = small
    with pytest.raises(ValueError, match="must agree in N, H and W"):
        client.score(labels, logits=logits)
    with pytest.raises(ValueError, match="must agree"):
        client.score(labels[:3], logits=logits, resize="bilinear")
    with pytest.raises(ValueError, match="must be of shape"):
        client.score(labels, logits=logits[0], resize="bilinear")
    with pytest.raises(segscore.InvalidInputError, match="resize"):
        client.score(labels, logits=logits, valid=(4, 4))
    with pytest.raises(segscore.InvalidInputError, match="bicubic"):
        client.score(labels, logits=logits, resize="bicubic")
    with pytest.raises(TypeError):
        client.score(labels, logits=logits, valid=(4.5, 4))

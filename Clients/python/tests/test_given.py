"""`own`, `largest` and `predicted` in place of predictions, and what makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segscore

Arrays = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def arrays() -> Arrays:
    random = np.random.default_rng(3)
    weights = random.random((5, 4, 8, 6)) ** 3
    return random.integers(0, 4, (5, 8, 6)), (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def reduced(labels: np.ndarray, pred_probs: np.ndarray) -> segscore.Reduced:
    own = np.take_along_axis(pred_probs, labels[:, None], 1)[:, 0]
    return segscore.Reduced(own, pred_probs.max(1), pred_probs.argmax(1))


def assert_same(found: segscore.Scores, expected: segscore.Scores) -> None:
    for name in ("image_scores", "pixel_scores", "label_issues"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), strict=True)
    assert found.job.summary() == expected.job.summary()
    assert found.job.ranking() == expected.job.ranking()


def test_what_was_reduced_scores_the_same(
    client: segscore.Client, small_client: segscore.Client, arrays: Arrays
) -> None:
    labels, pred_probs = arrays
    expected = client.score(labels, pred_probs, method="num_pixel_issues")
    for found in (reduced(labels, pred_probs), client.reduce(labels, pred_probs)):
        for each in (client, small_client):
            for given in (found._asdict(), {name: list(array) for name, array in found._asdict().items()}):
                scores = each.score(labels, **given, classes=4, method="num_pixel_issues")
                assert_same(scores, expected)


def test_reducing_finds_what_numpy_finds(small_client: segscore.Client, arrays: Arrays) -> None:
    labels, pred_probs = arrays
    told: list[int] = []
    found = small_client.reduce(labels, np.repeat(pred_probs, 20, axis=2).repeat(1, 3)[:, :, :8], on_images=told.append)
    assert found.own.shape == labels.shape
    found = small_client.reduce(list(labels), list(pred_probs), on_images=told.append)
    for name, array in reduced(labels, pred_probs)._asdict().items():
        np.testing.assert_array_equal(getattr(found, name), array)
    assert found.predicted.dtype == np.uint8
    assert told[-1] == 5


def test_logits_are_reduced_and_ignored_pixels_stay_so(client: segscore.Client, arrays: Arrays) -> None:
    labels, pred_probs = arrays
    logits = np.log(pred_probs + 1e-6)
    labels[:, 0] = 255
    expected = client.score(labels, logits=logits, ignore_label=255, method="num_pixel_issues")
    found = client.reduce(labels, logits=logits, ignore_label=255)
    assert (found.own[:, 0] == 1).all()
    scores = client.score(labels, **found._asdict(), classes=4, ignore_label=255, method="num_pixel_issues")
    assert_same(scores, expected)


def test_images_of_several_sizes_are_reduced_to_lists(client: segscore.Client, arrays: Arrays) -> None:
    labels, pred_probs = arrays
    images = [labels[0], labels[1, :5], labels[2, :5], labels[3]]
    predictions = [pred_probs[0], pred_probs[1, :, :5], pred_probs[2, :, :5], pred_probs[3]]
    found = client.reduce(images, predictions)
    assert [own.shape for own in found.own] == [image.shape for image in images]
    expected = client.score(images, predictions)
    scores = client.score(images, **found._asdict(), classes=4)
    np.testing.assert_array_equal(scores.image_scores, expected.image_scores)


def test_softmin_needs_own_alone(client: segscore.Client, arrays: Arrays) -> None:
    labels, pred_probs = arrays
    own = reduced(labels, pred_probs).own
    scores = client.score(labels, own=own, classes=4)
    np.testing.assert_array_equal(scores.image_scores, client.score(labels, pred_probs).image_scores)
    with pytest.raises(segscore.InvalidInputError, match="no largest and predicted"):
        client.score(labels, own=own, classes=4, method="num_pixel_issues")
    with pytest.raises(segscore.InvalidInputError, match="name the number in classes"):
        client.score(labels, own=own)


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
@pytest.mark.parametrize("shape", [(5, 8, 6), (2, 3, 4, 5), (8, 6), (7,)])
def test_results_have_the_shape_of_labels(client: segscore.Client, shape: tuple[int, ...], method: str) -> None:
    random = np.random.default_rng(3)
    axis = 1 if len(shape) > 2 else 0
    weights = random.random((*shape, 4)) ** 3
    pred_probs = np.moveaxis(weights / weights.sum(-1, keepdims=True), -1, axis).astype(np.float32)
    labels = random.integers(0, 4, shape)
    one_hot = np.moveaxis(np.eye(4, dtype=np.uint8)[labels], -1, axis)
    expected = client.score(labels, pred_probs, method=method)
    given = client.reduce(labels, pred_probs)._asdict()
    assert {array.shape for array in given.values()} == {shape}
    for found in (
        client.score(labels, **given, classes=4, method=method),
        client.score(one_hot, **given, method=method),
    ):
        for name in ("image_scores", "pixel_scores", "label_issues"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), strict=True)


def test_one_hot_labels_of_one_volume(client: segscore.Client, arrays: Arrays) -> None:
    labels, pred_probs = arrays
    volume = np.moveaxis(pred_probs, 1, 0)
    one_hot = (np.arange(4)[:, None, None, None] == labels).astype(np.uint8)
    expected = client.score(labels, volume)
    found = client.score(one_hot, **client.reduce(labels, volume)._asdict())
    assert found.image_scores.shape == (1,)
    np.testing.assert_array_equal(found.image_scores, expected.image_scores)
    np.testing.assert_array_equal(found.pixel_scores, expected.pixel_scores, strict=True)


def test_a_data_set_takes_what_was_reduced(client: segscore.Client, arrays: Arrays) -> None:
    labels, pred_probs = arrays
    expected = client.score(labels, pred_probs, method="num_pixel_issues")
    arrays_of = reduced(labels, pred_probs)._asdict()
    with client.dataset(method="num_pixel_issues", classes=4) as dataset:
        assert dataset.add(labels[0], **{name: array[0] for name, array in arrays_of.items()}) == 0
        assert dataset.add(labels[1:], **{name: array[1:] for name, array in arrays_of.items()}) == 1
    np.testing.assert_array_equal(dataset.job.wait().label_issues(), expected.label_issues)


def test_labels_may_be_masks_or_one_hot(client: segscore.Client, arrays: Arrays, tmp_path: Path) -> None:
    pillow: Any = pytest.importorskip("PIL.Image")
    labels, pred_probs = arrays
    given = reduced(labels, pred_probs)._asdict()
    expected = client.score(labels, pred_probs).image_scores
    paths = [tmp_path / f"{index}.png" for index in range(5)]
    for path, mask in zip(paths, labels):
        pillow.fromarray(mask.astype(np.uint8)).save(path)
    np.testing.assert_array_equal(client.score(paths, **given, classes=4).image_scores, expected)
    lists = {name: list(array) for name, array in given.items()}
    np.testing.assert_array_equal(client.score(paths, **lists, classes=4).image_scores, expected)
    one_hot = (np.arange(4)[:, None, None] == labels[:, None]).astype(np.uint8)
    np.testing.assert_array_equal(client.score(one_hot, **given).image_scores, expected)


def test_what_does_not_fit_is_refused_before_it_is_sent(client: segscore.Client, arrays: Arrays) -> None:
    labels, pred_probs = arrays
    own, largest, predicted = reduced(labels, pred_probs)
    with pytest.raises(TypeError, match="either pred_probs, logits or own"):
        client.score(labels, pred_probs, own=own)
    with pytest.raises(TypeError, match="together with own"):
        client.score(labels, largest=largest, predicted=predicted)
    with pytest.raises(ValueError, match=r"largest \(4, 8, 6\) must be of the shape of labels, \(5, 8, 6\)"):
        client.score(labels, own=own, largest=largest[:4], predicted=predicted)
    with pytest.raises(ValueError, match="as many images as each other"):
        client.score(list(labels), own=list(own)[:4])
    with pytest.raises(ValueError, match="There are no images"):
        client.score(labels[:0], own=own[:0])
    with pytest.raises(ValueError, match="labels must be of shape"):
        client.score([labels[0, 0]], own=[own[0, 0]])

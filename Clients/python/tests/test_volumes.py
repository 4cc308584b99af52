"""Images of any dimensions, and of no axis of images; results have the shape of labels."""

import itertools

import numpy as np
import pytest
from cleanlab.segmentation.rank import get_label_quality_scores

import segscore
from segscore._batches import has_images

SHAPES = [((2, 3, 4, 5), True), ((6, 4, 5), False), ((4, 5), False), ((2, 7), True), ((9,), False)]


def sample(shape, images, classes=3, seed=0):
    rng = np.random.default_rng([seed, *shape])
    labels = rng.integers(0, classes, shape)
    weights = rng.random((*shape, classes)) + np.eye(classes)[labels]
    probs = weights / weights.sum(-1, keepdims=True)
    return labels, np.ascontiguousarray(np.moveaxis(probs, -1, 1 if images else 0)).astype(np.float32)


@pytest.mark.parametrize(
    "shape, images, fortran, only_labelled",
    [(*case, *flags) for case, flags in itertools.product(SHAPES, itertools.product([False, True], repeat=2))],
)
def test_results_have_the_shape_of_labels(client, shape, images, fortran, only_labelled):
    labels, probs = sample(shape, images)
    flat = [array if images else array[None] for array in (labels, probs)]
    flat_labels = flat[0].reshape(len(flat[0]), -1, shape[-1])
    flat_probs = flat[1].reshape(len(flat[1]), 3, -1, shape[-1])
    expected, pixels = get_label_quality_scores(flat_labels, flat_probs, verbose=False)
    if fortran:
        labels, probs = np.asfortranarray(labels), np.asfortranarray(probs)
    job = client.submit(labels, probs, wait=True, only_labelled=only_labelled)
    np.testing.assert_allclose(job.image_scores(), expected, rtol=1e-5)
    np.testing.assert_array_equal(job.pixel_scores(), pixels.reshape(shape).astype(np.float32), strict=True)
    scores = client.score(labels, probs, method="num_pixel_issues", threshold=0.4)
    assert scores.label_issues.shape == scores.pixel_scores.shape == shape
    np.testing.assert_array_equal(scores.issues, scores.pixel_scores < 0.4)


def test_lists_and_data_sets_of_volumes_begin_with_an_axis_of_images(client):
    labels, probs = sample((3, 2, 4, 5), True, classes=4)
    expected = client.score(labels, probs).pixel_scores
    np.testing.assert_array_equal(client.score(list(labels), list(probs)).pixel_scores, expected)
    with client.dataset() as dataset:
        for pair in zip(labels, probs):
            dataset.add(*pair)
    np.testing.assert_array_equal(dataset.job.wait().pixel_scores(), expected)


def test_volumes_of_several_sizes_are_a_list(client):
    pairs = [sample(shape, False, classes=7) for shape in [(2, 4, 5), (3, 4, 5)]]
    found = client.score([labels for labels, _ in pairs], [probs for _, probs in pairs]).pixel_scores
    assert [each.shape for each in found] == [(2, 4, 5), (3, 4, 5)]


def test_volumes_that_do_not_fit_one_request_go_in_batches(server):
    labels, probs = sample((4, 3, 8, 9), True)
    with segscore.Client(server.url, batch_bytes=probs[0].nbytes + 2000) as client:
        found = client.score(labels, probs)
    expected = np.take_along_axis(probs, labels[:, None], 1)[:, 0]
    np.testing.assert_array_equal(found.pixel_scores, expected)


def test_one_hot_labels_of_volumes(client):
    labels, probs = sample((2, 3, 4, 5), True)
    hot = np.moveaxis(np.eye(3, dtype=np.uint8)[labels], -1, 1)
    np.testing.assert_array_equal(client.score(hot, probs).pixel_scores, client.score(labels, probs).pixel_scores)


def test_one_hot_labels_of_one_image(client):
    labels, probs = sample((4, 5), False)
    hot = np.moveaxis(np.eye(3, dtype=np.uint8)[labels], -1, 0)
    expected = np.take_along_axis(probs, labels[None], 0)[0]
    job = client.submit(hot, probs, wait=True, only_labelled=True)
    np.testing.assert_array_equal(job.pixel_scores(), expected)
    np.testing.assert_array_equal(client.score(hot, probs).pixel_scores, expected)


@pytest.mark.parametrize(
    "labels, probs, expected",
    [
        ((2, 4, 5), (2, 3, 4, 5), True),
        ((4, 5), (3, 4, 5), False),
        ((3, 3), (3, 3, 3), False),
        ((3, 3, 3), (3, 3, 3, 3), True),
        ((6, 4, 5), (3, 6, 4, 5), False),
        ((2, 7), (2, 3, 7), True),
        ((7,), (3, 7), False),
        ((3, 4, 5), (3, 4, 5), False),
        ((2, 3, 4, 5), (2, 3, 4, 5), True),
    ],
)
def test_axes_are_read_as_the_server_reads_them(labels, probs, expected):
    assert has_images(np.empty(labels), np.empty(probs)) is expected


@pytest.mark.parametrize("labels, probs", [((4, 5), (1, 3, 4, 5)), ((2, 4, 5), (4, 5)), ((2, 4, 5), (2, 3, 4, 6))])
def test_shapes_that_do_not_fit_are_refused_before_anything_is_sent(client, labels, probs):
    with pytest.raises(ValueError, match="must"):
        client.score(np.zeros(labels, int), np.full(probs, 0.5))

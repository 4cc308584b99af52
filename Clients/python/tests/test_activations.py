"""Logits and other outputs of models, in place of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import segscore


@pytest.fixture
def logits() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    return random.integers(0, 4, (3, 8, 6)), (3 * random.normal(size=(3, 4, 8, 6))).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    result: np.ndarray = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
    return result


def assert_scores(scores: Any, labels: np.ndarray, logits: np.ndarray) -> None:
    own = np.take_along_axis(softmax(logits), labels[:, None], 1)[:, 0]
    np.testing.assert_allclose(scores, own, rtol=2e-7)


def test_logits_are_scored_as_their_softmax(client: segscore.Client, logits: tuple[np.ndarray, np.ndarray]) -> None:
    labels, values = logits
    assert_scores(client.score(labels, logits=values).pixel_scores, labels, values)
    assert_scores(client.score(list(labels), logits=list(values)).pixel_scores, labels, values)
    assert_scores(client.score(labels, values, activation="softmax").pixel_scores, labels, values)
    assert_scores(client.score(labels, 5 * softmax(values), normalize="sum").pixel_scores, labels, values)
    job = client.submit(labels, logits=values, only_labelled=True)
    assert job.wait().document()["parameters"].get("classes") is None


def test_a_data_set_takes_logits(client: segscore.Client, logits: tuple[np.ndarray, np.ndarray]) -> None:
    labels, values = logits
    with client.dataset() as dataset:
        dataset.add(labels[0], logits=values[0])
        dataset.add(labels[1:], logits=values[1:])
    assert_scores(dataset.job.wait().pixel_scores(), labels, values)


def test_either_kind_of_predictions_is_named(client: segscore.Client, logits: tuple[np.ndarray, np.ndarray]) -> None:
    labels, values = logits
    with pytest.raises(TypeError, match="either pred_probs or logits"):
        client.score(labels)
    with pytest.raises(TypeError, match="either pred_probs or logits"):
        client.score(labels, values, logits=values)
    with pytest.raises(ValueError, match="logits must be of shape"):
        client.score(labels, logits=values[0])
    with pytest.raises(segscore.InvalidInputError, match="logits"):
        client.score(labels, logits=np.full_like(values, np.nan))


def test_one_channel_of_probabilities_is_that_of_the_second_class(client: segscore.Client) -> None:
    random = np.random.default_rng(6)
    labels, second = random.integers(0, 2, (3, 8, 6)), random.random((3, 1, 8, 6), np.float32)
    expected = np.where(labels == 1, second[:, 0], 1 - second[:, 0].astype(np.float64)).astype(np.float32)
    scores = client.score(labels, second, classes=2)
    np.testing.assert_array_equal(scores.pixel_scores, expected)
    with client.dataset(classes=2) as dataset:
        dataset.add(labels, second)
    np.testing.assert_array_equal(dataset.job.pixel_scores(), expected)
    both = np.concatenate([1 - second, second], axis=1)
    job = client.submit(labels, both, classes=2, only_labelled=True)
    np.testing.assert_allclose(job.pixel_scores(), expected, atol=1e-7)
    with pytest.raises(segscore.InvalidInputError, match="classes"):
        client.score(labels, both, classes=3)

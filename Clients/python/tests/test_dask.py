"""Label issues and scores of lazy arrays, against those that the service finds in all images at once."""

import random
import subprocess
import sys

import ml_dtypes
import numpy as np
import pandas
import pytest
import xarray
from conftest import sample
from server import BINARY

import segscore
from segscore import segmentation

dask = pytest.importorskip("dask")
import dask.array as da
from dask._task_spec import convert_legacy_graph

import segscore.dask as sd


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """Has the engine be the library that lies beside the program."""
    monkeypatch.setenv("SEGSCORE_PROGRAM", str(BINARY))


@pytest.fixture(autouse=True)
def one_thread():
    """Runs tasks one after the other, unless a test says otherwise."""
    with dask.config.set(scheduler="synchronous"):
        yield


def cut_into(images, rng):
    """Sizes of blocks, some of them 0, that are a number of images together."""
    ends = np.sort(rng.integers(0, images + 1, rng.integers(1, 6)))
    return tuple(np.diff([0, *ends, images]).tolist())


def lazy(array, chunks, rng=None):
    """A lazy array in blocks along the first axis, and by chance along others too."""
    along = [extent if rng is None or rng.random() < 0.7 else -(-extent // 2) for extent in array.shape[1:]]
    return da.from_array(array, chunks=(chunks, *along))


def in_any_order(rng):
    """A scheduler that runs the tasks that could run in an order that is left to chance."""

    def get(graph, keys, **_):
        tasks = convert_legacy_graph(dict(graph.__dask_graph__() if hasattr(graph, "__dask_graph__") else graph))
        results = {}
        waiting = dict(tasks)
        while waiting:
            ready = [key for key, task in waiting.items() if task.dependencies <= results.keys()]
            for key in rng.sample(ready, len(ready)):
                task = waiting.pop(key)
                results[key] = task({other: results[other] for other in task.dependencies})

        def found(key):
            return [found(each) for each in key] if isinstance(key, list) else results[key]

        return found(keys)

    return get


def many_ties(rng):
    labels, pred_probs = sample(9, 4, 12, 10, np.float16, int(rng.integers(1000)))
    return labels, (np.round(pred_probs * 8) / 8).astype(np.float16), {}


def ignored(rng):
    labels, pred_probs = sample(9, 3, 10, 14, np.float32, int(rng.integers(1000)))
    labels[rng.random(labels.shape) < 0.3] = 255
    labels[[0, 4]] = 255
    labels[2, 0, :3] = 250
    return labels, pred_probs, {"ignore_label": [250, 255]}


def all_equal(rng):
    return rng.integers(0, 4, (8, 6, 6)).astype(np.int64), np.full((8, 4, 6, 6), 0.25, np.float32), {}


def no_issues(rng):
    labels, pred_probs = sample(7, 3, 8, 8, np.float32, int(rng.integers(1000)))
    return pred_probs.argmax(axis=1), pred_probs, {}


def blocks_of_pixels(rng):
    labels, pred_probs = sample(8, 4, 12, 8, np.float32, int(rng.integers(1000)))
    labels[rng.random(labels.shape) < 0.2] = 255
    labels[3] = 255
    return labels, pred_probs, {"downsample": 2, "ignore_label": 255}


def double(rng):
    return *sample(7, 3, 9, 8, np.float64, int(rng.integers(1000))), {}


def double_with_ties(rng):
    labels, pred_probs = sample(7, 3, 9, 8, np.float64, int(rng.integers(1000)))
    return labels, np.round(pred_probs * 16) / 16, {}


def many_classes(rng):
    return *sample(5, 300, 6, 5, np.float32, int(rng.integers(1000))), {}


def just_too_many_for_bytes(rng):
    return *sample(4, 256, 6, 5, np.float32, int(rng.integers(1000))), {}


def volumes(rng):
    labels, pred_probs = sample(6, 3, 8, 10, np.float32, int(rng.integers(1000)))
    return labels.reshape(6, 2, 4, 10), pred_probs.reshape(6, 3, 2, 4, 10), {}


def one_hot(rng):
    labels, pred_probs = sample(6, 3, 8, 10, np.float32, int(rng.integers(1000)))
    return (labels[:, None] == np.arange(3)[:, None, None]).astype(np.uint8), pred_probs, {}


def mapped(rng):
    labels, pred_probs = sample(6, 3, 8, 10, np.float32, int(rng.integers(1000)))
    return labels.astype(np.int16) * 10 - 5, pred_probs, {"label_map": {-5: 0, 5: 2, 15: None}}


def bfloat16(rng):
    return *sample(6, 3, 8, 10, ml_dtypes.bfloat16, int(rng.integers(1000))), {}


def big_endian(rng):
    labels, pred_probs = sample(6, 3, 8, 10, ">f4", int(rng.integers(1000)))
    return labels.astype(">i2"), pred_probs, {}


KINDS = [
    many_ties,
    ignored,
    all_equal,
    no_issues,
    blocks_of_pixels,
    double,
    double_with_ties,
    many_classes,
    just_too_many_for_bytes,
    volumes,
    one_hot,
    mapped,
    bfloat16,
    big_endian,
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_any_blocks_any_order_and_any_fan_in_find_what_the_service_finds(client, kind, seed):
    rng = np.random.default_rng(seed)
    labels, pred_probs, options = kind(rng)
    scores = client.score(labels, pred_probs, method="num_pixel_issues", **options)
    for split_every in (2, 3, 8):
        given, predictions = (lazy(array, cut_into(len(labels), rng), rng) for array in (labels, pred_probs))
        reduction = sd.reduce(given, predictions, split_every=split_every, **options)
        lazily = (
            reduction.find_label_issues(),
            *reduction.get_label_quality_scores(method="num_pixel_issues"),
            reduction.statistics(),
            reduction.to_dataframe(),
        )
        with dask.config.set(scheduler=in_any_order(random.Random(seed))):
            issues, image_scores, pixel_scores, statistics, table = dask.compute(*lazily)
        for array, found in zip(lazily, (issues, image_scores, pixel_scores)):
            assert (found.dtype, found.shape) == (array.dtype, array.shape)
        assert np.array_equal(issues, scores.label_issues)
        assert np.array_equal(image_scores, scores.image_scores)
        assert np.array_equal(pixel_scores, scores.pixel_scores) and pixel_scores.dtype == scores.pixel_scores.dtype
        assert statistics == scores.job.statistics()
        assert table["image"].tolist() == table.index.tolist() == list(range(len(labels)))
        assert table["score"].tolist() == scores.image_scores.tolist()
        assert table["num_pixel_issues"].tolist() == issues.sum(axis=tuple(range(1, issues.ndim))).tolist()
    scores.job.delete()


def test_the_cases_are_those_that_they_are_meant_to_be(client):
    rng = np.random.default_rng(0)
    labels, pred_probs, options = no_issues(rng)
    assert sd.reduce(lazy(labels, 2), lazy(pred_probs, 2)).statistics().compute()["cut"] is None
    labels, pred_probs, options = all_equal(rng)
    cut = sd.reduce(lazy(labels, 2), lazy(pred_probs, 2)).statistics().compute()["cut"]
    assert cut["below"] == 0 and 0 < cut["ties"] < labels.size

"""Label issues and scores of lazy arrays, against those that the service finds in all images at once."""

import itertools
import random
import subprocess
import sys

import dask
import dask.array as da
import ml_dtypes
import numpy as np
import pytest
import xarray
from dask._task_spec import convert_legacy_graph

import segscore
import segscore.dask as sd
from conftest import sample
from segscore.segmentation import filter, rank, summary
from server import BINARY


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
    _, pred_probs = sample(7, 3, 8, 8, np.float32, int(rng.integers(1000)))
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


@pytest.mark.filterwarnings("ignore:Computing mixed collections")
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


def test_the_cases_are_those_that_they_are_meant_to_be():
    labels, pred_probs, _ = no_issues(np.random.default_rng(0))
    assert sd.reduce(lazy(labels, 2), lazy(pred_probs, 2)).statistics().compute()["cut"] is None
    labels, pred_probs, _ = all_equal(np.random.default_rng(0))
    cut = sd.reduce(lazy(labels, 2), lazy(pred_probs, 2)).statistics().compute()["cut"]
    assert cut["below"] == 0 and 0 < cut["ties"] < labels.size


SIZES = [(5, 3, 8, 10), (3, 3, 6, 4), (4, 3, 8, 10)]


@pytest.mark.parametrize("seed", range(3))
def test_images_of_several_sizes_decide_together(client, seed):
    rng = np.random.default_rng(seed)
    pairs = [sample(*size, np.float16, seed + place) for place, size in enumerate(SIZES)]
    labels, pred_probs = ([image for pair in pairs for image in pair[place]] for place in (0, 1))
    scores = client.score(labels, pred_probs, method="num_pixel_issues")
    given, predictions = ([lazy(pair[place], cut_into(len(pair[0]), rng)) for pair in pairs] for place in (0, 1))
    reduction = sd.reduce(given, predictions, split_every=2)
    issues = dask.compute(*reduction.find_label_issues())
    assert [mask.shape for mask in issues] == [pair[0].shape for pair in pairs]
    assert all(map(np.array_equal, itertools.chain.from_iterable(issues), scores.label_issues))
    image_scores, pixel_scores = dask.compute(*reduction.get_label_quality_scores(method="num_pixel_issues"))
    assert np.array_equal(np.concatenate(image_scores), scores.image_scores)
    assert all(map(np.array_equal, itertools.chain.from_iterable(pixel_scores), scores.pixel_scores))
    table = reduction.to_dataframe().compute()
    assert table["image"].tolist() == list(range(12)) and table["score"].tolist() == scores.image_scores.tolist()
    assert reduction.statistics().compute() == scores.job.statistics()
    expected = summary.common_label_issues(scores.label_issues, labels, pred_probs, verbose=False)
    assert reduction.common_label_issues().compute().equals(expected)
    assert sd.common_label_issues(issues, given, predictions).compute().equals(expected)


def test_the_functions_of_cleanlab_find_what_those_for_one_machine_find(arrays):
    labels, pred_probs = arrays
    given, predictions = lazy(labels, 3), lazy(pred_probs.astype(np.float16), 2)
    issues = sd.find_label_issues(given, predictions, ignore_label=3)
    expected = filter.find_label_issues(labels, pred_probs.astype(np.float16), verbose=False, ignore_label=3)
    assert np.array_equal(issues.compute(), expected)
    for method in ("softmin", "num_pixel_issues", "margin"):
        options = {"method": method, "ignore_label": 3}
        lazily = sd.get_label_quality_scores(given, predictions, **options)
        found = dask.compute(*lazily)
        wanted = rank.get_label_quality_scores(labels, pred_probs.astype(np.float16), verbose=False, **options)
        for array, one, other in zip(lazily, found, wanted):
            assert one.dtype == array.dtype == other.dtype and np.array_equal(one, other)


@pytest.mark.parametrize("options", [{}, {"exclude": [1], "top": 2}, {"class_names": ["a", "b", "c", "d"]}])
def test_pairs_of_classes_are_those_that_one_machine_counts(arrays, options):
    labels, pred_probs = arrays
    given, predictions = lazy(labels, 3), lazy(pred_probs, 2)
    reduction = sd.reduce(given, predictions)
    issues = reduction.find_label_issues()
    expected = summary.common_label_issues(issues.compute(), labels, pred_probs, verbose=False, **options)
    assert len(expected) > 1
    for table in (
        reduction.common_label_issues(**options),
        sd.common_label_issues(issues, given, predictions, **options),
    ):
        assert table.columns.tolist() == ["given_label", "predicted_label", "num_pixel_issues"]
        assert table.compute().equals(expected)


def test_a_class_without_a_name_is_told_when_the_table_is_computed(arrays):
    table = sd.reduce(*map(lazy, arrays, (3, 3))).common_label_issues(class_names=["a"])
    with pytest.raises(ValueError, match="class_names has 1 names"):
        table.compute()


def test_a_table_without_issues_has_the_columns():
    labels, pred_probs, _ = no_issues(np.random.default_rng(0))
    table = sd.reduce(lazy(labels, 2), lazy(pred_probs, 2)).common_label_issues().compute()
    assert table.shape == (0, 3) and table["num_pixel_issues"].dtype == np.int64


@pytest.mark.parametrize("temperature", [None, 0.02])
def test_softmin_is_that_of_the_service(client, arrays, temperature):
    labels, pred_probs = arrays
    scores = client.score(labels, pred_probs, temperature=temperature, ignore_label=0)
    found = sd.get_label_quality_scores(lazy(labels, 3), lazy(pred_probs, 3), temperature=temperature, ignore_label=0)[
        0
    ].compute()
    assert np.array_equal(found, scores.image_scores)


@pytest.mark.parametrize(
    "options",
    [
        {"layout": "NHWC"},
        {"resize": "bilinear", "align_corners": True},
        {"valid": (24, 18)},
        {"activation": "softmax"},
        {"normalize": "sum"},
        {"label_offset": -1, "ignore_label": 0},
        {"reduce_zero_label": True},
        {"logits": True},
        {"pair": True},
    ],
)
def test_predictions_and_labels_are_read_as_the_service_reads_them(client, arrays, options):
    options = dict(options)
    labels, predictions = arrays
    name = "logits" if options.pop("logits", options.get("pair")) else "pred_probs"
    if "activation" in options or name == "logits":
        predictions = np.log(predictions) + 3
    if options.pop("pair", False):
        labels, predictions = (labels > 1).astype(np.uint8), predictions[:, :1]
    if options.get("layout") == "NHWC":
        predictions = np.ascontiguousarray(np.moveaxis(predictions, 1, -1))
    if "resize" in options:
        predictions = predictions[:, :, ::2, ::3].copy()
    if "valid" in options:
        predictions = np.pad(predictions, ((0, 0), (0, 0), (0, 3), (0, 2)))
    if "normalize" in options:
        predictions = predictions * 7
    scores = client.score(labels, **{name: predictions}, method="num_pixel_issues", **options)
    reduction = sd.reduce(lazy(labels, 2), **{name: lazy(predictions, 3)}, **options)
    assert np.array_equal(reduction.find_label_issues().compute(), scores.label_issues)
    assert reduction.statistics().compute() == scores.job.statistics()
    for array in (reduction.own, reduction.largest, reduction.predicted, reduction.labels):
        found = array.compute()
        assert (found.dtype, found.shape) == (array.dtype, array.shape)


def test_a_model_predicts_what_is_reduced(client, arrays):
    labels, pred_probs = arrays
    seen = []

    def model(images):
        seen.append(images.shape)
        return np.log(images)

    scores = client.score(labels, logits=np.log(pred_probs), method="num_pixel_issues", ignore_label=1)
    given, images = lazy(labels, 7), lazy(pred_probs, (0, 3, 0, 4))
    reduction = sd.reduce_with(model, images, given, output="logits", classes=4, ignore_label=1)
    assert np.array_equal(reduction.find_label_issues().compute(), scores.label_issues)
    assert sorted(seen) == [(3, 4, 24, 18), (4, 4, 24, 18)]


def test_what_a_model_may_not_give_is_told(arrays):
    labels, pred_probs = arrays
    given, images = lazy(labels, 2), lazy(pred_probs, 2)
    with pytest.raises(ValueError, match=r"must give pred_probs of shape \(N, K, H, W\)"):
        sd.reduce_with(lambda block: block[:, 0], images, given, classes=4).own.compute()
    with pytest.raises(ValueError, match="must agree in N, H and W"):
        sd.reduce_with(lambda block: block[:, :, 1:], images, given, classes=4).own.compute()
    with pytest.raises(TypeError, match="the model gives float64.*say so with dtype"):
        sd.reduce_with(lambda block: block.astype(float), images, given, classes=4).own.compute()
    doubles = sd.reduce_with(lambda block: block.astype(float), images, given, classes=4, dtype=float).own
    assert doubles.compute().dtype == doubles.dtype == np.float64
    with pytest.raises(segscore.InvalidInputError):
        sd.reduce_with(lambda block: block, images, given, classes=5).own.compute()


def test_nothing_is_computed_when_a_function_is_called(arrays):
    def refused(block):
        raise AssertionError("it was computed")

    labels, pred_probs = (lazy(array, 2).map_blocks(refused, dtype=array.dtype) for array in arrays)
    issues = sd.find_label_issues(labels, pred_probs)
    for method in ("softmin", "num_pixel_issues", "margin"):
        sd.get_label_quality_scores(labels, pred_probs, method=method)
    sd.common_label_issues(issues, labels, pred_probs)
    for reduction in (sd.reduce(labels, pred_probs), sd.reduce_with(refused, pred_probs, labels, classes=4)):
        reduction.find_label_issues(), reduction.to_dataframe(), reduction.statistics(), reduction.common_label_issues()
        reduction.regions(), reduction.regions(of="disagreements")
    with pytest.raises(AssertionError, match="it was computed"):
        issues.compute()


def test_what_does_not_fit_is_refused_before_anything_is_computed(arrays):
    labels, pred_probs = map(lazy, arrays, (2, 2))

    def refused(kind, message, *given, function=sd.reduce, **options):
        with pytest.raises(kind, match=message):
            function(*given, **options)

    refused(TypeError, "labels must be a dask array or an xarray.DataArray, not str", "labels.zarr", pred_probs)
    refused(TypeError, "either pred_probs or logits", labels, pred_probs, logits=pred_probs)
    refused(ValueError, r"pred_probs must be of shape \(N, K, H, W\)", labels, labels[0])
    refused(ValueError, "must agree in N, H and W", labels[1:], pred_probs)
    refused(ValueError, r"labels must be of shape \(N, H, W\)", labels[0, 0, 0], pred_probs)
    refused(ValueError, "must agree in N, H and W", labels, pred_probs, layout="NHWC")
    refused(ValueError, "not one-hot", pred_probs, pred_probs, layout="NHWC")
    refused(ValueError, "There are no images", labels[:0], pred_probs[:0])
    refused(ValueError, "pred_probs must be numbers, not complex64", labels, pred_probs.astype(np.complex64))
    refused(ValueError, "labels holds Python objects", labels.astype(object), pred_probs)
    refused(ValueError, "labels is a masked array", da.ma.masked_equal(labels, 3), pred_probs)
    unknown = pred_probs[da.from_array(np.ones(7, bool), chunks=2)]
    refused(ValueError, r"call pred_probs.compute_chunk_sizes\(\)", labels, unknown)
    refused(ValueError, "downsample must divide H and W", labels, pred_probs, downsample=5)
    refused(ValueError, "downsample must be at least 1", labels, pred_probs, downsample=0)
    refused(ValueError, "downsample is of images", labels[:, None], pred_probs[:, :, None], downsample=2)
    refused(ValueError, "split_every must be at least 2", labels, pred_probs, split_every=1)
    refused(TypeError, "must both be arrays, or both lists", [labels], pred_probs)
    refused(ValueError, "as many arrays as each other", [labels], [pred_probs] * 2)
    refused(ValueError, "as many classes", [labels] * 2, [pred_probs, pred_probs[:, :3]])
    refused(TypeError, "whole number|integer", labels, pred_probs, ignore_label=1.5)
    scores = sd.get_label_quality_scores
    refused(ValueError, "method must be 'softmin'", labels, pred_probs, function=scores, method="product")
    refused(ValueError, "temperature must be", labels, pred_probs, function=scores, temperature=0)
    refused(ValueError, "must agree in N", np.asarray, pred_probs, labels[1:], function=sd.reduce_with, classes=4)
    refused(TypeError, "model must be", "net.pt", pred_probs, labels, function=sd.reduce_with, classes=4)
    refused(ValueError, "output must be", id, labels, labels, function=sd.reduce_with, classes=4, output="masks")
    refused(ValueError, "issues must be", labels[1:], labels, pred_probs, function=sd.common_label_issues)


def test_values_that_make_no_sense_are_told_with_the_images_that_they_are_in(arrays):
    labels, pred_probs = arrays
    labels = labels.copy()
    labels[5, 2, 3] = 9
    with pytest.raises(segscore.InvalidInputError, match="In the block of images 4 to 5.*9") as raised:
        sd.find_label_issues(lazy(labels, 2), lazy(pred_probs, 2)).compute()
    assert raised.value.type == "urn:segscore:label-out-of-range"


@pytest.mark.parametrize("of", ["label_issues", "disagreements"])
def test_regions_are_those_of_the_service(client, arrays, of):
    job = client.submit(*arrays, method="num_pixel_issues", wait=True)
    expected = job.regions(of=of).to_dataframe()
    table = sd.reduce(*map(lazy, arrays, ((2, 0, 5), (0, 4, 0, 3)))).regions(of=of)
    found = table.compute()
    assert found.dtypes.to_dict() == table._meta.dtypes.to_dict()
    assert len(found) == len(expected) > 0
    order = ["image", "y", "x", "width", "height", "given", "suggested", "area", "mass"]
    found, expected = (each[table.columns].sort_values(order).reset_index(drop=True) for each in (found, expected))
    assert found.equals(expected.astype(found.dtypes.to_dict()))


def test_regions_of_volumes_tell_their_slices(client):
    random = np.random.default_rng(5)
    labels = random.integers(0, 3, (2, 3, 4, 5))
    probabilities = random.random((2, 3, 3, 4, 5)).astype(np.float32)
    job = client.submit(labels, probabilities, method="num_pixel_issues", wait=True)
    expected = sorted((each.image, *each.slice, each.mass) for each in job.regions(of="disagreements"))
    table = sd.reduce(lazy(labels, 1), lazy(probabilities, 2)).regions(of="disagreements").compute()
    assert sorted(table[["image", "slice_0", "mass"]].itertuples(index=False, name=None)) == expected
    with pytest.raises(ValueError, match="volumes"):
        both = [lazy(labels, 1), lazy(labels[:, 0], 1)], [lazy(probabilities, 2), lazy(probabilities[:, :, 0], 2)]
        sd.reduce(*both).regions()


def test_arrays_of_xarray_stay_such(arrays):
    labels, pred_probs = map(lazy, arrays, (2, 3))
    coords = {"scene": [f"s{image}" for image in range(7)], "x": np.arange(18) * 0.5, "area": ("scene", np.arange(7))}
    framed = xarray.DataArray(labels, coords, ("scene", "y", "x"), "labels")
    predictions = xarray.DataArray(pred_probs, dims=("scene", "class", "y", "x"))
    expected = sd.find_label_issues(labels, pred_probs).compute()
    issues = sd.find_label_issues(framed, predictions)
    assert issues.dims == framed.dims and issues.name == "label_issues" and dask.is_dask_collection(issues)
    assert issues.coords.keys() == framed.coords.keys() and issues["area"].equals(framed["area"])
    assert np.array_equal(issues.values, expected)
    image_scores, pixel_scores = sd.get_label_quality_scores(framed, predictions)
    assert image_scores.dims == ("scene",) and set(image_scores.coords) == {"scene", "area"}
    assert pixel_scores.dims == framed.dims and pixel_scores.dtype == np.float64
    one_hot = (framed == xarray.DataArray(np.arange(4), dims="class")).transpose("scene", "class", "y", "x")
    assert sd.find_label_issues(one_hot, predictions).dims == framed.dims
    assert np.array_equal(sd.find_label_issues(one_hot, predictions).values, expected)
    table = sd.common_label_issues(issues, framed, predictions).compute()
    assert table.equals(sd.common_label_issues(expected, labels, pred_probs).compute())


def test_arrays_are_written_to_zarr_and_read_again(arrays, tmp_path):
    labels, pred_probs = arrays
    lazy(labels, 2).to_zarr(tmp_path / "labels")
    lazy(pred_probs, 2).to_zarr(tmp_path / "pred_probs")
    reduction = sd.reduce(da.from_zarr(tmp_path / "labels"), da.from_zarr(tmp_path / "pred_probs"))
    issues = reduction.find_label_issues()
    issues.to_zarr(tmp_path / "issues")
    reduction.own.to_zarr(tmp_path / "own")
    expected = sd.reduce(lazy(labels, 7), lazy(pred_probs, 7))
    assert np.array_equal(da.from_zarr(tmp_path / "issues").compute(), expected.find_label_issues().compute())
    assert np.array_equal(da.from_zarr(tmp_path / "own").compute(), expected.own.compute())


@pytest.mark.parametrize(
    "persisted", [lambda reduction: reduction.persist(), lambda reduction: dask.persist(reduction)[0]]
)
def test_what_is_persisted_is_reduced_once(arrays, persisted):
    reduction = sd.reduce(*map(lazy, arrays, (2, 3)))
    kept = persisted(reduction)
    assert not any("segscore-reduce" in str(key) for key in kept.find_label_issues().dask)
    assert np.array_equal(kept.find_label_issues().compute(), reduction.find_label_issues().compute())
    assert kept.to_dataframe().compute().equals(reduction.to_dataframe().compute())


def test_a_table_tells_where_its_images_are(arrays):
    table = sd.reduce(*map(lazy, arrays, ((2, 0, 5), (0, 4, 0, 3)))).to_dataframe()
    assert table.divisions == (0, 4, 6)
    assert table.columns.tolist() == ["image", "score", "num_pixel_issues"]
    assert table.dtypes.tolist() == [np.int64, np.float64, np.int64]
    assert table.loc[5].compute().index.tolist() == [5]
    assert len(table) == 7


@pytest.mark.parametrize("statement, expected", [("segscore", "False"), ("segscore.dask", "True")])
def test_dask_is_imported_only_where_it_is_asked_for(statement, expected):
    code = f"import {statement}, sys; print('dask' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == expected


def test_who_has_no_dask_is_told_what_to_install():
    code = "import sys; sys.modules['dask'] = None; import segscore.dask"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError" in found.stderr and "pip install 'segscore[dask]'" in found.stderr

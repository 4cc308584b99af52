"""Predictions on a device are reduced there, and all that is found is what it is of the same predictions here.

No device is needed: arrays of array_api_strict, PyTorch and JAX in this process's memory count as those of a device.
"""

import array_api_strict as strict
import ml_dtypes
import numpy as np
import PIL.Image
import pytest

import masks
import segscore
from conftest import sample
from segscore import _reduce, _tensors
from segscore._labels import CITYSCAPES, LabelRule
from segscore.segmentation import filter, rank, summary
from test_forms import FORMS

METHOD = {"method": "num_pixel_issues", "threshold": 0.3}


def in_torch(array):
    return pytest.importorskip("torch").asarray(array.copy(), requires_grad=array.dtype.kind == "f")


def in_jax(array):
    return pytest.importorskip("jax.numpy").asarray(array)


LIBRARIES = {
    "strict": lambda array: strict.asarray(array, device=strict.Device("device1")),
    "torch": in_torch,
    "jax": in_jax,
}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch):
    monkeypatch.setattr(_tensors, "HOST", ())
    monkeypatch.setattr(_reduce, "BAND", 4 * 8 * 18 * 5)


@pytest.fixture(params=LIBRARIES)
def library(request):
    return LIBRARIES[request.param]


def assert_same(found, expected):
    for name in ("image_scores", "pixel_scores", "issues", "label_issues"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.job.summary() == expected.job.summary() and found.job.ranking() == expected.job.ranking()


def was_reduced(job):
    """Whether the server was told K, as it has to be of what was reduced."""
    return job.document()["parameters"].get("classes") is not None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", ["whole", "list", "list of labels"])
def test_probabilities_are_scored_to_the_bit(client, small_client, arrays, library, dtype, form):
    labels, pred_probs = arrays[0], arrays[1].astype(dtype)
    if library is in_jax and dtype == np.float64:
        pytest.skip("JAX has no float64 unless it is told to.")
    given = library(pred_probs) if form != "list" else [library(image) for image in pred_probs]
    expected = client.score(labels, pred_probs, **METHOD)
    for each in (client, small_client):
        found = each.score(labels if form == "whole" else list(labels), given, **METHOD)
        assert_same(found, expected)
        assert was_reduced(found.job) and not was_reduced(expected.job)


@pytest.mark.parametrize(
    "options, channels",
    [({}, 4), ({"activation": "sigmoid"}, 4), ({"activation": "softmax", "normalize": "sum"}, 4), ({}, 1)],
)
def test_logits_are_scored_to_the_last_place(client, arrays, library, options, channels):
    labels = arrays[0] % max(channels, 2)
    logits = (np.random.default_rng(8).normal(size=(7, channels, 24, 18)) * 3).astype(np.float32)
    expected = client.score(labels, logits=logits, **METHOD, **options)
    found = client.score(labels, logits=library(logits), **METHOD, **options)
    assert was_reduced(found.job)
    assert found.job.document()["parameters"].get("activation") is None
    np.testing.assert_array_max_ulp(found.pixel_scores, expected.pixel_scores, 1)
    np.testing.assert_array_equal(found.label_issues, expected.label_issues)
    assert found.job.summary() == expected.job.summary()


def test_weights_are_divided_by_their_sum(client, arrays, library):
    labels, pred_probs = arrays
    found = client.score(labels, library(7 * pred_probs), normalize="sum", **METHOD)
    assert was_reduced(found.job)
    expected = client.score(labels, 7 * pred_probs, normalize="sum", **METHOD)
    np.testing.assert_array_max_ulp(found.pixel_scores, expected.pixel_scores, 1)


def test_fewer_bytes_leave_the_device(arrays, monkeypatch):
    """Of 12 classes there go 9 bytes a pixel, and for the scores of softmin 4."""
    labels, pred_probs = sample(3, 12, 64, 64)
    sent = []
    original = segscore._form.Form.__init__

    def counted(form, *arguments):
        original(form, *arguments)
        sent.append(form.length - labels.nbytes)

    monkeypatch.setattr(segscore._form.Form, "__init__", counted)
    with segscore.Client() as client:
        client.score(labels, strict.asarray(pred_probs))
        client.submit(labels, strict.asarray(pred_probs), only_labelled=True, wait=True)
    pixels = labels.size
    assert 9 * pixels < sent[0] < 9 * pixels + 2000 and 4 * pixels < sent[1] < 4 * pixels + 2000


def test_scores_alone_need_own_alone(client, arrays, library):
    labels, pred_probs = arrays
    expected = client.score(labels, pred_probs)
    job = client.submit(labels, library(pred_probs), only_labelled=True)
    np.testing.assert_array_equal(job.image_scores(), expected.image_scores)
    with pytest.raises(segscore.SegscoreError, match="predicted"):
        job.summary()


def test_a_data_set_that_knows_its_classes_reduces(client, arrays, library):
    labels, pred_probs = arrays
    logits = np.log(pred_probs)
    expected = client.score(labels, pred_probs, **METHOD)
    for options in ({"classes": 4}, {}):
        with client.dataset(**METHOD, **options) as dataset:
            dataset.add(labels[0], library(pred_probs[0]))
            dataset.add(labels[1:3], library(pred_probs[1:3]))
            dataset.add(labels[3:5], pred_probs[3:5])
            dataset.add(labels[5:], logits=library(logits[5:]))
        scores = dataset.job.pixel_scores()
        np.testing.assert_array_equal(scores[:5], expected.pixel_scores[:5])
        np.testing.assert_allclose(scores[5:], expected.pixel_scores[5:], atol=1e-6)
        np.testing.assert_array_equal(dataset.job.label_issues(), expected.label_issues)


# What is not reduced


@pytest.mark.parametrize("options", [{"downsample": 2, "method": "num_pixel_issues"}, {"classes": 4, "downsample": 1}])
def test_blocks_need_all_probabilities(client, arrays, library, options):
    labels, pred_probs = arrays
    found = client.score(labels, library(pred_probs), **options)
    np.testing.assert_array_equal(found.pixel_scores, client.score(labels, pred_probs, **options).pixel_scores)


def test_one_hot_labels_and_other_sizes_are_sent_as_they_are(client, arrays):
    labels, pred_probs = arrays
    hot = np.eye(4, dtype=np.uint8)[labels].transpose(0, 3, 1, 2)
    found = client.score(hot, strict.asarray(pred_probs))
    np.testing.assert_array_equal(found.pixel_scores, client.score(labels, pred_probs).pixel_scores)
    assert not was_reduced(found.job)
    with pytest.raises(ValueError, match="agree"):
        client.score(labels[:, :8], strict.asarray(pred_probs))


# Predictions in this process's memory


@pytest.fixture
def sparing(server):
    with segscore.Client(server.url, fewest_bytes=True, batch_bytes=60_000) as client:
        yield client


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_are_reduced_here_if_that_is_wanted(client, sparing, arrays, monkeypatch, form):
    monkeypatch.setattr(_tensors, "HOST", (1, 3))
    labels, pred_probs = arrays
    expected = client.score(labels, pred_probs, **METHOD)
    found = sparing.score(FORMS[form](labels), FORMS[form](pred_probs), **METHOD)
    assert_same(found, expected)
    # Of what comes item by item K is not known ahead.
    assert was_reduced(found.job) == ("generator" not in form)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8", np.longdouble, ml_dtypes.bfloat16, bool, np.int64])
def test_all_types_are_reduced_here_to_the_bit(client, sparing, arrays, dtype):
    labels, pred_probs = arrays
    pred_probs = (pred_probs > 0.5 if np.dtype(dtype).kind in "bi" else pred_probs).astype(dtype)
    found = sparing.score(labels, pred_probs, **METHOD)
    assert was_reduced(found.job)
    assert_same(found, client.score(labels, pred_probs, **METHOD))


def test_mapped_files_are_reduced_and_given_back(client, sparing, arrays, tmp_path):
    labels, pred_probs = arrays
    np.save(tmp_path / "a.npy", pred_probs)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    for _ in range(2):
        found = sparing.score(labels, mapped, **METHOD)
        assert was_reduced(found.job)
        assert_same(found, client.score(labels, pred_probs, **METHOD))


def test_logits_here_are_left_to_the_server(client, sparing, arrays):
    labels, pred_probs = arrays
    logits = np.log(pred_probs)
    found = sparing.score(labels, logits=logits, **METHOD)
    assert not was_reduced(found.job)
    assert_same(found, client.score(labels, logits=logits, **METHOD))


# Labels that are no classes yet


RULES = {
    "ignored": ({"ignore_label": [255, -1]}, [0, 1, 2, 3, 255, -1]),
    "map": ({"label_map": {7: 0, 8: 1, 9: 2, -5: 3, 0: None}}, [7, 8, 9, -5, 0]),
    "map and ignored": ({"label_map": {7: 0, 8: 1, 9: 2, -5: 3}, "ignore_label": 3}, [7, 8, 9, -5, 3]),
    "cityscapes": ({"label_map": "cityscapes"}, [7, 8, 11, 12, -1, 0, 5]),
    "ade20k": ({"label_map": "ade20k"}, [1, 2, 3, 4, 0, 255]),
    "offset": ({"label_offset": -1, "ignore_label": 0}, [1, 2, 3, 4, 0]),
    "zero": ({"reduce_zero_label": True}, [1, 2, 3, 4, 0, 255]),
    "far apart": ({"label_map": {10**12: 0, -(10**12): 1, 5: 2, 6: 3}}, [10**12, -(10**12), 5, 6]),
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("is_float", [False, True], ids=["integers", "floats"])
def test_labels_are_mapped_as_the_server_does(client, arrays, name, is_float):
    options, values = RULES[name]
    labels = np.array(values)[np.random.default_rng(3).integers(0, len(values), (7, 24, 18))]
    labels = labels.astype(float) if is_float else labels
    expected = client.score(labels, arrays[1], **options, **METHOD)
    found = client.score(labels, strict.asarray(arrays[1]), **options, **METHOD)
    assert was_reduced(found.job)
    assert_same(found, expected)


def test_a_map_of_another_name_is_for_the_server():
    assert not LabelRule((), "nuscenes").is_known and LabelRule((), "cityscapes").is_known
    assert not LabelRule((), {1: 2}, -1).is_known
    assert LabelRule(()).classes_of(np.array([CITYSCAPES])).tolist() == [list(CITYSCAPES)]


@pytest.mark.parametrize("label", [4, -1, 255, 10**15])
def test_a_label_that_is_no_class_is_for_the_server_to_refuse(client, arrays, label):
    labels = arrays[0].astype(np.int64)
    labels[3, 7, 9] = label
    with pytest.raises(segscore.InvalidInputError, match=rf"labels\[3, 7, 9\] is {label}"):
        client.score(labels, strict.asarray(arrays[1]))


def test_masks_are_read_for_their_classes(client, arrays, tmp_path):
    labels, pred_probs = arrays
    writers = [masks.grey, masks.palette, lambda mask: masks.by_hand(mask, 2), lambda mask: masks.by_hand(mask, 16)]
    paths = [tmp_path / f"{index}.png" for index in range(7)]
    for index, (path, mask) in enumerate(zip(paths, labels)):
        path.write_bytes(writers[index % 4](mask))
    expected = client.score(labels, pred_probs, **METHOD)
    for given in (paths, [PIL.Image.fromarray(mask) for mask in labels]):
        found = client.score(given, [strict.asarray(image) for image in pred_probs], **METHOD)
        assert was_reduced(found.job)
        assert_same(found, expected)


def test_colours_are_known_to_the_server_alone(client, arrays, tmp_path):
    colours = [(0, 0, 0), (255, 0, 0), (0, 128, 64), (1, 2, 3)]
    (tmp_path / "a.png").write_bytes(masks.coloured(arrays[0][0], colours))
    found = client.score([tmp_path / "a.png"], [strict.asarray(arrays[1][0])], colors=colours)
    assert not was_reduced(found.job)
    np.testing.assert_array_equal(found.image_scores, client.score(arrays[0][:1], arrays[1][:1]).image_scores)


# What is refused


@pytest.mark.parametrize("value", [np.nan, 1.5, -0.5])
def test_a_value_that_is_no_probability_is_named(client, arrays, library, value):
    labels, pred_probs = arrays[0], arrays[1].copy()
    pred_probs[4, 2, 11, 3] = value
    with pytest.raises(ValueError, match=rf"pred_probs\[4, 2, 11, 3\] is {value}, which is no probability"):
        client.score(labels, library(pred_probs))


def test_a_data_set_goes_on_after_a_refusal(client, arrays):
    labels, pred_probs = arrays
    with client.dataset(classes=4) as dataset:
        with pytest.raises(ValueError, match=r"logits\[0, 1, 2, 3\] is inf, which is no logit"):
            logits = np.zeros_like(pred_probs)
            logits[0, 1, 2, 3] = np.inf
            dataset.add(labels, logits=strict.asarray(logits))
        with pytest.raises(ValueError, match="logits have the values of probabilities"):
            dataset.add(labels, logits=strict.asarray(pred_probs))
        dataset.add(labels, strict.asarray(pred_probs))
    np.testing.assert_array_equal(dataset.job.image_scores(), client.score(labels, pred_probs).image_scores)


def test_the_functions_of_cleanlab_take_them(arrays, library):
    labels, pred_probs = arrays
    given = library(pred_probs)
    for method in ("softmin", "num_pixel_issues"):
        options = {"method": method, "verbose": False}
        for found, expected in zip(
            rank.get_label_quality_scores(labels, given, **options),
            rank.get_label_quality_scores(labels, pred_probs, **options),
        ):
            np.testing.assert_array_equal(found, expected)
    issues = filter.find_label_issues(labels, given, verbose=False)
    np.testing.assert_array_equal(issues, filter.find_label_issues(labels, pred_probs, verbose=False))
    np.testing.assert_array_equal(
        summary.filter_by_class(1, issues, labels, given), summary.filter_by_class(1, issues, labels, pred_probs)
    )

"""The functions, held against cleanlab 2.9 in this process: signatures, values, element types, errors, warnings."""

import importlib
import inspect
import itertools
import warnings

import cleanlab.segmentation.filter as their_filter
import cleanlab.segmentation.rank as their_rank
import cleanlab.segmentation.summary as their_summary
import numpy as np
import pandas
import pytest

from conftest import sample
from segscore.segmentation import filter, rank, summary

SHAPES = [(1, 2, 1, 1), (1, 1, 3, 5), (2, 3, 1, 37), (3, 21, 16, 24), (5, 4, 32, 16), (2, 300, 8, 8)]
DTYPES = ["float16", "float32", "float64", ">f4"]
LABEL_TYPES = ["int64", "uint8", "int32", "uint16"]
CASES = [(*case, LABEL_TYPES[index % 4]) for index, case in enumerate(itertools.product(SHAPES, DTYPES))]
ROUNDING = 2e-6  # Image scores may be summed in float32.


def case(shape, dtype, label_type):
    labels, pred_probs = sample(*shape, dtype=dtype)
    return labels.astype(label_type if shape[1] < 256 else "int64"), pred_probs


@pytest.mark.parametrize(
    "name",
    [
        "rank.get_label_quality_scores",
        "rank.issues_from_scores",
        "filter.find_label_issues",
        "summary.display_issues",
        "summary.common_label_issues",
        "summary.filter_by_class",
    ],
)
def test_signatures_are_those_of_cleanlab(name):
    module, function = name.split(".")
    ours, theirs = (
        inspect.signature(getattr(importlib.import_module(f"{package}.segmentation.{module}"), function))
        for package in ("segscore", "cleanlab")
    )
    assert [(p.name, p.kind, p.default) for p in ours.parameters.values()] == [
        (p.name, p.kind, p.default) for p in theirs.parameters.values()
    ]


@pytest.mark.parametrize("shape, dtype, label_type", CASES, ids=str)
@pytest.mark.parametrize("temperature", [0.1, 0.7])
def test_softmin(shape, dtype, label_type, temperature):
    labels, pred_probs = case(shape, dtype, label_type)
    found = rank.get_label_quality_scores(labels, pred_probs, temperature=temperature, verbose=False)
    expected = their_rank.get_label_quality_scores(labels, pred_probs, temperature=temperature, verbose=False)
    for ours, theirs in zip(found, expected):
        assert ours.dtype == theirs.dtype == np.float64
    np.testing.assert_allclose(found[0], expected[0], rtol=0, atol=ROUNDING)
    np.testing.assert_array_equal(found[1], expected[1])
    for threshold in (0, 0.1, 0.37, 1):
        np.testing.assert_array_equal(
            rank.issues_from_scores(*found, threshold), their_rank.issues_from_scores(*expected, threshold)
        )


@pytest.mark.parametrize("shape, dtype, label_type", CASES, ids=str)
def test_label_issues(shape, dtype, label_type):
    labels, pred_probs = case(shape, dtype, label_type)
    for downsample in [d for d in (1, 2, 4, 8) if shape[2] % d == shape[3] % d == 0]:
        if downsample > 1 and dtype == "float16":
            continue  # cleanlab would have to be given other values than these.
        mask = filter.find_label_issues(labels, pred_probs, downsample=downsample, verbose=False)
        # cleanlab makes means in the type of the probabilities, and bounds them once a batch.
        exact, whole = pred_probs.astype(np.float64), pred_probs.size
        expected = their_filter.find_label_issues(
            labels, exact, downsample=downsample, batch_size=whole, n_jobs=1, verbose=False
        )
        assert mask.dtype == expected.dtype == bool and mask.shape == expected.shape
        differing = mask != expected
        own = np.take_along_axis(exact, labels[:, None].astype(np.int64), axis=1)[:, 0]
        assert downsample == 1 or not differing.any()
        assert len(set(own[differing])) <= 1, "only those of one score, of which cleanlab takes any"

        scores, pixels = rank.get_label_quality_scores(
            labels, pred_probs, method="num_pixel_issues", downsample=downsample, verbose=False
        )
        expected_scores, _ = their_rank.get_label_quality_scores(
            labels, exact, method="num_pixel_issues", downsample=downsample, batch_size=whole, n_jobs=1, verbose=False
        )
        _, expected_pixels = their_rank.get_label_quality_scores(
            labels, pred_probs, method="num_pixel_issues", n_jobs=1, verbose=False
        )
        assert pixels.dtype == expected_pixels.dtype and scores.dtype == expected_scores.dtype
        np.testing.assert_array_equal(pixels, expected_pixels)
        np.testing.assert_array_equal(scores, 1 - mask.mean(axis=(1, 2)))
        if not differing.any():
            np.testing.assert_array_equal(scores, expected_scores)


def test_worst_images_are_those_below_the_threshold():
    scores = np.array([0.5, 0.05, 0.09, 0.05])
    found = rank.issues_from_scores(scores)
    assert found.tolist() == [1, 3, 2] and found.dtype == np.int64
    assert their_rank.issues_from_scores(scores).tolist() == [1, 3, 2, 0], "one more"
    assert rank.issues_from_scores(scores, threshold=0.01).tolist() == []
    assert (
        rank.issues_from_scores(scores, threshold=1).tolist()
        == their_rank.issues_from_scores(scores, threshold=1).tolist()
    )


def test_thresholds_are_compared_as_float64():
    score = np.float32(0.1)
    masks = rank.issues_from_scores(np.zeros(1), np.full((1, 1, 2), score, np.float32), float(score) + 1e-12)
    assert masks.tolist() == [[[True, True]]]


# Summaries


@pytest.fixture(scope="module")
def found():
    labels, pred_probs = sample(4, 5, 24, 20)
    issues = their_filter.find_label_issues(labels, pred_probs, n_jobs=1, verbose=False)
    assert issues.any()
    return issues, labels, pred_probs


@pytest.mark.parametrize(
    "options",
    [{}, {"class_names": list("abcde")}, {"exclude": [1, 3]}, {"top": 3}, {"class_names": list("abcdefg"), "top": 2}],
    ids=str,
)
def test_common_label_issues(found, options, capsys):
    ours = summary.common_label_issues(*found, verbose=False, **options)
    theirs = their_summary.common_label_issues(*found, verbose=False, **options)
    assert isinstance(ours, pandas.DataFrame) and capsys.readouterr().out == ""
    pandas.testing.assert_frame_equal(ours, theirs)


def test_common_label_issues_of_none(found):
    nothing = np.zeros_like(found[0])
    ours = summary.common_label_issues(nothing, *found[1:], verbose=False)
    theirs = their_summary.common_label_issues(nothing, *found[1:], verbose=False)
    assert list(ours.columns) == list(theirs.columns) and len(ours) == len(theirs) == 0


def test_common_label_issues_tells_of_each_pair(found, capsys):
    frame = summary.common_label_issues(*found, top=3)
    assert len(capsys.readouterr().out.splitlines()) == len(frame) == 3


@pytest.mark.parametrize("class_index", [0, 3, 17])
def test_filter_by_class(found, class_index):
    ours = summary.filter_by_class(class_index, *found)
    theirs = their_summary.filter_by_class(class_index, *found)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("form", [list, tuple])
def test_summaries_take_lists_as_the_others_give_them(form):
    """Images of several sizes, of which `find_label_issues` gives a list; each as cleanlab does alone."""
    pairs = [sample(1, 4, *size, seed=index) for index, size in enumerate([(24, 18), (16, 30), (8, 8)])]
    labels, pred_probs = form(labels[0] for labels, _ in pairs), form(pred_probs[0] for _, pred_probs in pairs)
    issues = filter.find_label_issues(labels, pred_probs, verbose=False)
    assert isinstance(issues, list) and any(mask.any() for mask in issues)
    for class_index in (0, 3, [1, 2]):
        found = summary.filter_by_class(class_index, issues, labels, pred_probs)
        assert isinstance(found, list)
        for image, mask in enumerate(found):
            (expected,) = their_summary.filter_by_class(class_index, issues[image][None], *pairs[image])
            assert mask.dtype == bool
            np.testing.assert_array_equal(mask, expected)
    frame = summary.common_label_issues(issues, labels, pred_probs, verbose=False)
    frames = [their_summary.common_label_issues(mask[None], *pair, verbose=False) for mask, pair in zip(issues, pairs)]
    names = ["given_label", "predicted_label"]
    expected = pandas.concat(frames).groupby(names)["num_pixel_issues"].sum()
    pandas.testing.assert_series_equal(frame.groupby(names)["num_pixel_issues"].sum(), expected)
    assert frame["num_pixel_issues"].is_monotonic_decreasing


def test_summaries_take_lists_beside_arrays(found):
    issues, labels, pred_probs = found
    expected = summary.filter_by_class(3, *found)
    np.testing.assert_array_equal(summary.filter_by_class(3, issues, list(labels), list(pred_probs)), expected)
    np.testing.assert_array_equal(summary.filter_by_class(3, list(issues), labels, pred_probs), expected)
    assert isinstance(summary.filter_by_class(3, list(issues), labels, pred_probs), list)
    pandas.testing.assert_frame_equal(
        summary.common_label_issues(list(issues), list(labels), pred_probs, verbose=False),
        summary.common_label_issues(*found, verbose=False),
    )


# Errors and warnings

LABELS, PRED_PROBS = sample(2, 3, 6, 4)
FLAT = (LABELS[0], PRED_PROBS)


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (filter.find_label_issues, their_filter.find_label_issues),
        (rank.get_label_quality_scores, their_rank.get_label_quality_scores),
    ],
)
@pytest.mark.parametrize(
    "arrays, options",
    [
        (FLAT, {}),
        ((LABELS, PRED_PROBS[0]), {}),
        ((LABELS[:, :5], PRED_PROBS), {}),
        ((LABELS[:1], PRED_PROBS), {}),
        ((LABELS, PRED_PROBS), {"batch_size": 0}),
        ((LABELS, PRED_PROBS), {"batch_size": -3}),
    ],
    ids=["labels 2-D", "pred_probs 3-D", "heights", "counts", "batch_size 0", "batch_size -3"],
)
def test_value_errors(ours, theirs, arrays, options):
    for function in (ours, theirs):
        with pytest.raises(ValueError):
            function(*arrays, verbose=False, **options)


def test_value_errors_of_downsample():
    for module in (filter, their_filter):
        with pytest.raises(ValueError):
            module.find_label_issues(LABELS, PRED_PROBS, downsample=4, verbose=False)


@pytest.mark.parametrize("options", [{"method": "max"}, {"temperature": 0}, {"temperature": None}], ids=str)
def test_what_cleanlab_calls_an_exception_is_a_value_error(options):
    with pytest.raises(Exception):  # noqa: B017 - that is all it raises.
        their_rank.get_label_quality_scores(LABELS, PRED_PROBS, verbose=False, **options)
    with pytest.raises(ValueError):
        rank.get_label_quality_scores(LABELS, PRED_PROBS, verbose=False, **options)


@pytest.mark.parametrize("arguments", [(None,), ([0.5], None, -0.1), ([0.5], None, 1.1)], ids=str)
def test_value_errors_of_issues_from_scores(arguments):
    for module in (rank, their_rank):
        with pytest.raises(ValueError):
            module.issues_from_scores(*arguments)
    for module in (rank, their_rank):
        with pytest.raises(TypeError):
            module.issues_from_scores(np.zeros(1), None, None)


def test_value_errors_of_summaries(found):
    for module in (summary, their_summary):
        with pytest.raises(ValueError):
            module.display_issues(found[0], exclude=[1])
        with pytest.raises(ValueError):
            module.common_label_issues(found[0], found[1], found[2][0])
    with pytest.raises(ValueError):
        summary.common_label_issues(found[0], found[1][:, 1:], found[2])
    for wrong in (
        (found[0][:2], *found[1:]),
        (found[0][:, 1:], *found[1:]),
        (list(found[0]), found[1], list(found[2][:3])),
        (found[0], list(found[1]), [*found[2][:3], found[2][3, :2]]),
        (found[0][0], found[1], found[2]),
    ):
        with pytest.raises(ValueError):
            summary.filter_by_class(1, *wrong)
    with pytest.raises(ValueError, match="class 4"):
        summary.common_label_issues(*found, class_names=list("abcd"), verbose=False)


def test_downsample_of_softmin_is_a_warning():
    for module in (rank, their_rank):
        with pytest.warns(UserWarning, match="downsample"):
            module.get_label_quality_scores(LABELS, PRED_PROBS, downsample=2, verbose=False)


def test_an_unknown_keyword_is_a_warning():
    with pytest.warns(UserWarning, match="tempreature"):
        rank.get_label_quality_scores(LABELS, PRED_PROBS, tempreature=2, verbose=False)


def test_what_has_no_effect_is_taken(capsys, monkeypatch):
    monkeypatch.setattr("segscore._progress.DELAY", 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = rank.get_label_quality_scores(LABELS, PRED_PROBS, n_jobs=4, batch_size=1, verbose=False)
    assert capsys.readouterr() == ("", "")
    second = rank.get_label_quality_scores(LABELS, PRED_PROBS)
    assert "2/2" in capsys.readouterr().err, "a bar"
    np.testing.assert_array_equal(first[1], second[1])


def test_labels_to_ignore():
    labels = LABELS.copy()
    labels[:, 0] = 255
    scores, pixels = rank.get_label_quality_scores(labels, PRED_PROBS, ignore_label=255, verbose=False)
    assert (pixels[:, 0] == 1).all()
    expected = their_rank.get_label_quality_scores(LABELS[:, 1:], PRED_PROBS[:, :, 1:], verbose=False)
    np.testing.assert_allclose(scores, expected[0], atol=ROUNDING)
    assert not filter.find_label_issues(labels, PRED_PROBS, ignore_label=255, verbose=False)[:, 0].any()


def test_jobs_of_functions_are_deleted(client):
    before = [job.id for job in client.jobs()]
    rank.get_label_quality_scores(LABELS, PRED_PROBS, verbose=False)
    filter.find_label_issues(LABELS, PRED_PROBS, verbose=False)
    with pytest.raises(ValueError):
        rank.get_label_quality_scores(LABELS + 7, PRED_PROBS, verbose=False)
    assert [job.id for job in client.jobs()] == before

"""`method=num_pixel_issues`: what a request is answered."""

import itertools

import numpy as np
import pytest
from cleanlab.segmentation.rank import get_label_quality_scores
from cleanlab.segmentation.summary import filter_by_class

import bodies
import reference
from bodies import FORMS, array_of, arrays_of, json_body, npz
from label_issue_cases import (
    ARRAYS,
    BODY,
    FOUND,
    LABELS,
    MASK,
    METHOD,
    NPY,
    NPZ,
    PIXEL_SCORES,
    PRED_PROBS,
    WITH_PARAMETERS,
    assert_found,
    both_orders,
    cleanlab_summary,
    form_with,
    found_by_cleanlab,
    in_order,
    job_of,
    json_of,
    with_ignored,
)

# Label issues


def test_the_sample_tells_cases_apart():
    masks = [found.mask for found in FOUND.values()]
    assert all(0 < mask.sum() < (PRED_PROBS.argmax(axis=1) != LABELS).sum() for mask in masks)
    assert all((first != second).any() for first, second in itertools.combinations(masks, 2))


@pytest.mark.parametrize("downsample", FOUND)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_label_issues_and_image_scores_are_those_of_cleanlab(client, dtype, downsample):
    pred_probs = PRED_PROBS.astype(dtype)
    answer = client.score(npz(labels=LABELS, pred_probs=pred_probs), accept=NPZ, downsample=downsample, **METHOD)
    assert answer.status_code == 200, answer.text
    arrays = arrays_of(answer)
    np.testing.assert_array_equal(arrays["label_issues"], found_by_cleanlab(LABELS, pred_probs, downsample))
    image_scores, pixel_scores = get_label_quality_scores(
        LABELS,
        pred_probs.astype(np.float64),
        method="num_pixel_issues",
        downsample=downsample,
        batch_size=pred_probs.size,
        n_jobs=1,
        verbose=False,
    )
    np.testing.assert_allclose(arrays["image_scores"], image_scores, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(arrays["pixel_scores"], pixel_scores)
    assert arrays["pixel_scores"].dtype == dtype


@pytest.mark.parametrize("downsample", FOUND)
@both_orders
@pytest.mark.parametrize("form", FORMS)
def test_every_form_and_order_is_answered_alike(client, form, labels_first, downsample):
    body = FORMS[form](**in_order(labels_first))
    assert_found(client.score(body, accept=NPZ, downsample=downsample, **METHOD), FOUND[downsample])


@pytest.mark.parametrize("downsample", FOUND)
@both_orders
@pytest.mark.parametrize("layouts", [("C", "F"), ("F", "C"), ("F", "F")], ids="-".join)
def test_fortran_order_is_answered_alike(client, layouts, labels_first, downsample):
    labels, pred_probs = (np.array(array, order=order) for array, order in zip((LABELS, PRED_PROBS), layouts))
    body = npz(**in_order(labels_first, labels, pred_probs))
    assert_found(client.score(body, accept=NPZ, downsample=downsample, **METHOD), FOUND[downsample])


@pytest.mark.parametrize("ahead", [True, False], ids=["ahead", "behind"])
@pytest.mark.parametrize("way", [*WITH_PARAMETERS, "multipart chunked", "multipart gzipped"])
@both_orders
def test_parameters_may_stand_ahead_of_the_arrays_and_behind(client, labels_first, way, ahead):
    parameters = METHOD | {"downsample": 2, "ignore_label": 3, "temperature": 0.5, "threshold": 0.25}
    form, _, transport = way.partition(" ")
    body = WITH_PARAMETERS[form](parameters, in_order(labels_first), ahead)
    if transport == "chunked":
        body = bodies.chunked(body, 100)
    elif transport == "gzipped":
        body = bodies.gzipped(body)
    answer = client.score(body, accept=NPZ)
    assert_found(answer, reference.label_issues(LABELS, PRED_PROBS, 2, ignore_label=3))
    assert (arrays_of(answer)["issues"] == (reference.pixel_scores(LABELS, PRED_PROBS, 3) < 0.25)).all()
    document = client.get(answer.headers["Location"]).json()
    assert document["method"] == "num_pixel_issues"
    assert document["parameters"] == METHOD | {
        "temperature": 0.5,
        "downsample": 2,
        "threshold": 0.25,
        "ignore_label": 3,
    }
    assert client.server.spooled_files() == []


@pytest.mark.parametrize("after", ["method", "downsample", "ignore_label"])
def test_each_parameter_may_come_last_while_the_others_stand_in_the_query(client, after):
    parameters = METHOD | {"downsample": 2, "ignore_label": 3}
    last = {after: parameters.pop(after)}
    answer = client.score(form_with(last, ARRAYS, ahead=False), accept=NPZ, **parameters)
    assert_found(answer, reference.label_issues(LABELS, PRED_PROBS, 2, ignore_label=3))


def test_a_temperature_has_no_effect(client):
    answers = [arrays_of(client.score(BODY, accept=NPZ, temperature=value, **METHOD)) for value in (1e-9, 0.1, 1e9)]
    for name, array in answers[0].items():
        assert all((other[name] == array).all() for other in answers[1:]), name


def test_equal_scores_are_taken_by_image_row_and_column(client):
    """Three pixels are confidently of another class than their label, and six score as low as they do."""
    labels = np.array([[[0, 0], [1, 0]], [[0, 0], [0, 1]]])
    own = np.where(labels == 0, 0.25, 0.625)
    other = np.array([[[0.5, 0.5], [0, 0.75]], [[0.75, 0.5], [0.75, 0]]])
    pred_probs = np.where(np.arange(2)[:, None, None] == labels[:, None], own[:, None], other[:, None])
    answer = client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, **METHOD)
    mask = arrays_of(answer)["label_issues"]
    np.testing.assert_array_equal(mask, [[[True, True], [False, True]], [[False] * 2] * 2])
    statistics = json_of(client, f"{answer.headers['Location']}/statistics")
    assert statistics["num_issues"] == 3
    assert statistics["cut"] == {"score": 0.25, "below": 0, "ties": 3}


def test_a_candidate_whose_label_is_the_most_probable_is_no_issue(client):
    """The least confident pixel agrees with its label, so that there are fewer issues than were counted."""
    labels = np.array([[[0, 0, 0, 1]]])
    pred_probs = np.array([[[[0.125, 0.25, 0.875, 0.25]], [[0.0625, 0.75, 0.125, 0.75]]]])
    path = job_of(client, npz(labels=labels, pred_probs=pred_probs))
    assert json_of(client, f"{path}/statistics")["num_issues"] == 1
    assert json_of(client, f"{path}/label_issues") == [[[False] * 4]]
    assert json_of(client, f"{path}/image_scores") == [1]


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("classes", [1, 3])
def test_the_smallest_arrays_are_in_order(client, classes, size):
    labels, pred_probs = reference.sample(1, classes, size, size, dtype=np.float64)
    answer = client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, downsample=size, **METHOD)
    assert_found(answer, reference.label_issues(labels, pred_probs, size))
    if classes == 1:
        statistics = json_of(client, f"{answer.headers['Location']}/statistics")
        assert (statistics["num_issues"], statistics["cut"]) == (0, None)


@pytest.mark.parametrize("downsample", [1, 2])
def test_more_classes_than_a_byte_can_name_are_told_apart(client, downsample):
    random = np.random.default_rng(5)
    labels = random.choice([3, 299, 300, 699], (2, 4, 6)).repeat(2, axis=1).repeat(2, axis=2)
    seen = np.where(random.random(labels.shape) < 0.5, random.choice([3, 299, 300, 699], labels.shape), labels)
    pred_probs = random.random((2, 700, 8, 12)) / 2000
    np.put_along_axis(pred_probs, seen[:, None], random.random(seen[:, None].shape) / 2 + 0.25, axis=1)
    expected = reference.label_issues(labels, pred_probs, downsample)
    assert 0 < expected.mask.sum() < expected.mask.size
    answer = client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, downsample=downsample, **METHOD)
    assert_found(answer, expected)
    path = answer.headers["Location"]
    wanted = cleanlab_summary(expected.mask, labels, pred_probs, top=1000)
    assert json_of(client, f"{path}/summary", top=1000) == wanted
    for k in (3, 299, 300, 699):
        mask = array_of(client.get(f"{path}/label_issues", params={"class": k}))
        np.testing.assert_array_equal(mask, filter_by_class(k, expected.mask, labels, pred_probs))


def test_the_largest_number_of_classes_is_taken(client):
    labels = np.array([[[65534, 7]]])
    pred_probs = np.zeros((1, 65535, 1, 2), np.float16)
    pred_probs[0, 3, 0] = 1
    path = job_of(client, npz(labels=labels, pred_probs=pred_probs))
    assert json_of(client, f"{path}/label_issues") == [[[True, True]]]
    assert json_of(client, f"{path}/label_issues", **{"class": 65534}) == [[[True, False]]]
    assert [(row["given_label"], row["predicted_label"]) for row in json_of(client, f"{path}/summary")] == [
        ("7", "3"),
        ("65534", "3"),
    ]


# Ignored pixels


@pytest.mark.parametrize("downsample", FOUND)
@pytest.mark.parametrize("value", [255, -1, 2])
@both_orders
def test_ignored_pixels_take_no_part(client, labels_first, value, downsample):
    labels = with_ignored(value)
    ignored = labels == value
    expected = reference.label_issues(labels, PRED_PROBS, downsample, value)
    body = npz(**in_order(labels_first, labels))
    answer = client.score(body, accept=NPZ, ignore_label=value, downsample=downsample, threshold=1, **METHOD)
    assert_found(answer, expected)
    arrays = arrays_of(answer)
    assert (arrays["pixel_scores"][ignored] == 1).all()
    assert not arrays["issues"][ignored].any() and not arrays["label_issues"][ignored].any()
    assert arrays["image_scores"][2] == 1
    for image in (0, 1, 3):
        share = arrays["label_issues"][image].sum() / (~ignored[image]).sum()
        assert arrays["image_scores"][image] == pytest.approx(1 - share, abs=1e-12)
    statistics = json_of(client, f"{answer.headers['Location']}/statistics")
    assert statistics["num_pixels"] == expected.kept.sum()
    assert [row["count"] for row in statistics["classes"]] == expected.counts.tolist()


@pytest.mark.parametrize("downsample", [1, 2])
def test_what_is_left_is_answered_as_if_the_ignored_had_never_been(client, downsample):
    """cleanlab, which ignores nothing, gets only the blocks that are not ignored, each as an image of its own."""

    def apart(array):
        *outer, height, width = array.shape
        rows, columns = height // downsample, width // downsample
        blocks = array.reshape(*outer, rows, downsample, columns, downsample)
        blocks = np.moveaxis(blocks, (-4, -2), (1, 2))
        return blocks.reshape(-1, *blocks.shape[3:])

    labels = LABELS.astype(np.int16)
    labels[0, 2:6, 4:8] = labels[3, :, 6:] = 255
    blocks, probabilities = apart(labels), np.array([*apart(PRED_PROBS)])
    kept = (blocks != 255).all(axis=(1, 2))
    expected = np.zeros(blocks.shape, bool)
    expected[kept] = found_by_cleanlab(blocks[kept], probabilities[kept], downsample)
    assert expected.any()
    path = job_of(client, npz(labels=labels, pred_probs=PRED_PROBS), ignore_label=255, downsample=downsample)
    np.testing.assert_array_equal(apart(array_of(client.get(f"{path}/label_issues"))), expected)


def test_a_data_set_of_ignored_pixels_has_nothing_wrong(client):
    labels = np.full(LABELS.shape, 255, np.uint8)
    body = npz(labels=labels, pred_probs=PRED_PROBS)
    for downsample in (1, 2):
        path = job_of(client, body, ignore_label=255, downsample=downsample)
        assert json_of(client, f"{path}/image_scores") == [1] * 4
        assert not array_of(client.get(f"{path}/label_issues")).any()
        assert json_of(client, f"{path}/summary") == []
        statistics = json_of(client, f"{path}/statistics")
        assert (statistics["num_pixels"], statistics["num_issues"], statistics["cut"]) == (0, 0, None)
        assert statistics["classes"] == [
            {"class": k, "count": 0, "sum": 0, "sum_parts": [], "confident_threshold": 2e-6} for k in range(5)
        ]


# Answers


def test_json_names_the_method_and_what_there_is(client):
    response = client.score(BODY, downsample=2, **METHOD)
    answer = response.json()
    assert list(answer) == ["job", "method", "shape", "image_scores", "links"]
    assert answer["method"] == "num_pixel_issues"
    path = response.headers["Location"]
    names = ["image_scores", "pixel_scores", "issues", "labels", "label_issues", "statistics", "ranking", "keep"]
    names += ["regions", "decisions", "mended", "predicted", "summary"]
    assert answer["links"] == {"self": path} | {name: f"{path}/{name}" for name in names}
    document = client.get(path).json()
    assert document["links"] == answer["links"]
    assert document["parameters"] == METHOD | {
        "temperature": 0.1,
        "downsample": 2,
        "threshold": None,
        "ignore_label": None,
    }
    for name, link in answer["links"].items():
        assert client.get(link).status_code == (405 if name == "keep" else 200)


def test_a_job_of_softmin_names_no_label_issues(client, softmin_job):
    names = ["image_scores", "pixel_scores", "issues", "labels", "ranking", "keep", "regions", "decisions", "mended"]
    names += ["predicted", "summary"]
    assert client.get(softmin_job).json()["links"] == {"self": softmin_job} | {
        name: f"{softmin_job}/{name}" for name in names
    }


@pytest.mark.parametrize(
    "parameters, members",
    [
        ({}, ["image_scores", "label_issues", "pixel_scores"]),
        ({"threshold": 0.3}, ["image_scores", "issues", "label_issues", "pixel_scores"]),
        ({"include": "label_issues"}, ["label_issues"]),
        ({"include": "label_issues,issues", "threshold": 0.3}, ["issues", "label_issues"]),
        ({"include": "image_scores"}, ["image_scores"]),
    ],
)
def test_npz_holds_what_include_names_and_by_default_everything(client, parameters, members):
    assert sorted(arrays_of(client.score(BODY, accept=NPZ, **METHOD | parameters))) == members


def test_issues_are_those_below_the_threshold_whatever_the_method(client):
    arrays = arrays_of(client.score(BODY, accept=NPZ, threshold=0.3, **METHOD))
    np.testing.assert_array_equal(arrays["issues"], PIXEL_SCORES < 0.3)
    np.testing.assert_array_equal(arrays["label_issues"], MASK)


def test_include_names_label_issues(client):
    as_npy = client.score(BODY, accept=NPY, include="label_issues", **METHOD)
    assert as_npy.headers["Content-Type"] == NPY
    np.testing.assert_array_equal(array_of(as_npy), MASK)
    as_json = client.scored(json_body(**ARRAYS, **METHOD, include=["label_issues", "image_scores"]))
    assert list(as_json) == ["job", "method", "shape", "image_scores", "label_issues", "links"]
    assert as_json["label_issues"] == MASK.tolist()


def test_an_asynchronous_job_finds_them_too(client):
    body = form_with(METHOD | {"downsample": 2}, ARRAYS, ahead=False)
    accepted = client.score(body, headers={"Prefer": "respond-async"})
    assert accepted.status_code == 202
    document = client.get(accepted.headers["Location"], params={"wait": 30}).json()
    assert (document["status"], document["method"]) == ("succeeded", "num_pixel_issues")
    np.testing.assert_array_equal(array_of(client.get(document["links"]["label_issues"])), FOUND[2].mask)

"""`method=num_pixel_issues`: what is refused, how it is said, and that nothing is left of it."""

import math
import re

import numpy as np
import pytest

import bodies
from bodies import FORMS, json_body, multipart, npz
from client import assert_problem
from label_issue_cases import (
    ARRAYS,
    BODY,
    JSON,
    LABELS,
    METHOD,
    NPY,
    NPZ,
    PNG,
    PRED_PROBS,
    RESULTS,
    WITH_PARAMETERS,
    both_orders,
    form_with,
    in_order,
    uploading,
)

ORDERS_OF_PARTS = pytest.mark.parametrize("ahead", [True, False], ids=["ahead", "behind"])


def assert_place_and_value(problem, place, value):
    """The problem says where and which."""
    assert place in problem["detail"], problem
    assert float(problem["actual"]) == pytest.approx(value, nan_ok=True), problem


# Downsample


WAYS = ["query", *(f"{form} {place}" for form in WITH_PARAMETERS for place in ("ahead", "behind"))]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "2 ", " 2", "", "x", "0x2", "1e1", "nan", "2,2", "2" * 30])
def test_a_downsample_that_is_no_extent_is_refused(client, leaves_nothing, value, way):
    parameters = METHOD | {"downsample": value}
    form, _, place = way.partition(" ")
    if form == "query":
        answer = client.score(BODY, **parameters)
    else:
        answer = client.score(WITH_PARAMETERS[form](parameters, ARRAYS, place == "ahead"))
    assert assert_problem(answer, 400, "invalid-parameter", "downsample")["actual"] == value


@pytest.mark.parametrize("value", [0, -1, 1.5, True, [2], {"by": 2}, 2**31, 10**40], ids=str)
def test_a_downsample_in_json_that_is_no_extent_is_refused(client, leaves_nothing, value):
    for body in (json_body(**METHOD, downsample=value, **ARRAYS), json_body(**ARRAYS, downsample=value, **METHOD)):
        assert_problem(client.score(body), 400, "invalid-parameter", "downsample")


def assert_does_not_divide(answer, downsample):
    problem = assert_problem(answer, 422, "downsample-does-not-divide", "downsample")
    assert problem["expected"] == "a divisor of H = 8 and W = 12"
    assert int(problem["actual"]) == downsample
    for said in ("H = 8", "W = 12", str(downsample)):
        assert re.search(rf"\b{said}\b", problem["detail"]), problem


@pytest.mark.parametrize("downsample", [5, 8, 12, 2**31 - 1])
@both_orders
@pytest.mark.parametrize("form", FORMS)
def test_a_downsample_that_does_not_divide_is_refused(client, leaves_nothing, form, labels_first, downsample):
    body = FORMS[form](**in_order(labels_first))
    assert_does_not_divide(client.score(body, downsample=downsample, **METHOD), downsample)


@ORDERS_OF_PARTS
@pytest.mark.parametrize("form", WITH_PARAMETERS)
@both_orders
def test_a_downsample_beside_the_arrays_is_refused_too(client, leaves_nothing, labels_first, form, ahead):
    body = WITH_PARAMETERS[form](METHOD | {"downsample": 5}, in_order(labels_first), ahead)
    assert_does_not_divide(client.score(body), 5)


# Methods and what they take


@ORDERS_OF_PARTS
@pytest.mark.parametrize("parameter, value", [("downsample", 2), ("include", "label_issues")])
@pytest.mark.parametrize("method", [{}, {"method": "softmin"}], ids=["by default", "softmin"])
def test_softmin_takes_nothing_of_the_other_method(client, leaves_nothing, method, parameter, value, ahead):
    parameters = method | {parameter: value}
    assert_problem(client.score(BODY, **parameters), 400, "invalid-parameter", parameter)
    for with_parameters in WITH_PARAMETERS.values():
        answer = client.score(with_parameters(parameters, ARRAYS, ahead))
        assert_problem(answer, 400, "invalid-parameter", parameter)


def test_softmin_takes_a_downsample_of_1(client):
    answer = client.scored(BODY, downsample=1)
    assert answer["image_scores"] == client.scored(BODY, method="softmin")["image_scores"]


@pytest.mark.parametrize("accept", [JSON, NPZ, NPY])
def test_issues_need_a_threshold_whatever_the_method(client, leaves_nothing, accept):
    for parameters in ({}, METHOD):
        answer = client.score(BODY, accept=accept, include="issues", **parameters)
        assert_problem(answer, 400, "invalid-parameter", "include")


@pytest.mark.parametrize("include", [None, "image_scores,label_issues", "label_issues,pixel_scores"])
def test_npy_refuses_other_than_one_array(client, leaves_nothing, include):
    answer = client.score(BODY, accept=NPY, **METHOD, **({"include": include} if include else {}))
    assert_problem(answer, 400, "invalid-parameter", "include")


@pytest.mark.parametrize("method", ["", "mean", "Softmin", "num_pixel_issues ", "softmin,num_pixel_issues"])
def test_a_method_that_there_is_not_is_refused(client, leaves_nothing, method):
    for answer in (
        client.score(BODY, method=method),
        client.score(multipart([("method", method)], **ARRAYS)),
        client.score(json_body(**ARRAYS, method=method)),
    ):
        assert assert_problem(answer, 400, "invalid-parameter", "method")["actual"] == method


# Parts behind the arrays


@pytest.mark.parametrize(
    "part, slug",
    [
        (("method", "num_pixel_issues"), "repeated-parameter"),
        (("downsample", "2"), "repeated-parameter"),
        (("ignore_label", "void"), "invalid-parameter"),
        (("threshold", "2"), "invalid-parameter"),
        (("temperature", "0"), "invalid-parameter"),
        (("include", "label_issue"), "invalid-parameter"),
        (("class", "1"), "unknown-parameter"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else value,
)
def test_a_part_behind_the_arrays_is_checked_as_one_ahead_of_them(client, leaves_nothing, part, slug):
    problems = []
    for labels_first in (True, False):
        for ahead in (True, False):
            answer = client.score(form_with(dict([part]), in_order(labels_first), ahead), downsample=2, **METHOD)
            problems.append(assert_problem(answer, 400, slug, part[0]))
    assert all(problem == problems[0] for problem in problems)


@both_orders
def test_a_form_that_ends_in_a_parameter_behind_the_arrays_is_refused(client, leaves_nothing, labels_first):
    whole = form_with(METHOD | {"downsample": 2}, in_order(labels_first), ahead=False)
    behind = whole.data.index(b'name="method"')
    for count in range(behind, len(whole.data) - 4, 7):
        answer = client.score(bodies.Body(whole.data[:count], whole.fields))
        assert_problem(answer, 400, "malformed-body")


@both_orders
def test_a_client_that_hangs_up_ahead_of_the_last_parameter_leaves_nothing(client, leaves_nothing, labels_first):
    body = form_with(METHOD | {"downsample": 2}, in_order(labels_first), ahead=False)
    with uploading(client, body, body.data.index(b'name="downsample"')) as (_, path):
        assert client.get(path).json()["status"] == "receiving"


# Arrays that make no sense


def labels_with(value):
    labels = LABELS.astype(np.int16 if value < 0 else np.uint8)
    labels[2, 3, 4] = value
    return labels


def pred_probs_with(value):
    pred_probs = PRED_PROBS.copy()
    pred_probs[2, 1, 3, 4] = value
    return pred_probs


@pytest.mark.parametrize("value", [5, 255, -1])
@pytest.mark.parametrize("downsample", [1, 2])
@both_orders
@pytest.mark.parametrize("form", FORMS)
def test_a_label_out_of_range_is_pointed_at(client, leaves_nothing, form, labels_first, downsample, value):
    body = FORMS[form](**in_order(labels_first, labels_with(value)))
    answer = client.score(body, downsample=downsample, **METHOD)
    problem = assert_problem(answer, 422, "label-out-of-range", "labels")
    assert_place_and_value(problem, "labels[2, 3, 4]", value)


@pytest.mark.parametrize("downsample", [1, 2])
@both_orders
def test_ignoring_one_label_excuses_no_other(client, leaves_nothing, labels_first, downsample):
    labels = labels_with(254)
    labels[0, :4] = 255
    body = npz(**in_order(labels_first, labels))
    answer = client.score(body, ignore_label=255, downsample=downsample, **METHOD)
    problem = assert_problem(answer, 422, "label-out-of-range", "labels")
    assert_place_and_value(problem, "labels[2, 3, 4]", 254)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.25, 2.0])
@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("downsample", [1, 2])
@both_orders
def test_a_probability_out_of_range_is_pointed_at(client, leaves_nothing, labels_first, downsample, layout, value):
    pred_probs = np.array(pred_probs_with(value), order=layout)
    answer = client.score(npz(**in_order(labels_first, LABELS, pred_probs)), downsample=downsample, **METHOD)
    problem = assert_problem(answer, 422, "probability-out-of-range", "pred_probs")
    assert_place_and_value(problem, "pred_probs[2, 1, 3, 4]", value)
    assert ("logits" in problem["detail"]) == math.isfinite(value)


@pytest.mark.parametrize("downsample", [1, 2])
@both_orders
def test_a_probability_of_an_ignored_pixel_must_be_one_too(client, leaves_nothing, labels_first, downsample):
    body = npz(**in_order(labels_first, labels_with(255), pred_probs_with(math.nan)))
    answer = client.score(body, ignore_label=255, downsample=downsample, **METHOD)
    assert_problem(answer, 422, "probability-out-of-range", "pred_probs")


@pytest.mark.parametrize(
    "labels, pred_probs",
    [
        (LABELS[:3], PRED_PROBS),
        (LABELS[:, :6], PRED_PROBS),
        (LABELS, PRED_PROBS[..., :10]),
        (LABELS[0], PRED_PROBS),
        (LABELS, np.moveaxis(PRED_PROBS, 1, -1)),
    ],
    ids=["images", "height", "width", "one image", "classes last"],
)
@pytest.mark.parametrize("downsample", [1, 2])
@both_orders
def test_shapes_that_do_not_match_are_refused(client, leaves_nothing, labels_first, downsample, labels, pred_probs):
    body = npz(**in_order(labels_first, labels, pred_probs))
    problem = assert_problem(client.score(body, downsample=downsample, **METHOD), 422, "shape-mismatch")
    assert problem["parameter"] in (*ARRAYS, "resize", "layout")


@pytest.mark.parametrize("downsample", [1, 2])
@both_orders
def test_more_classes_than_there_may_be_are_refused(client, leaves_nothing, labels_first, downsample):
    body = npz(**in_order(labels_first, np.zeros((1, 2, 2), np.uint8), np.zeros((1, 65536, 2, 2), np.float16)))
    answer = client.score(body, downsample=downsample, **METHOD)
    assert assert_problem(answer, 422, "too-many-classes", "pred_probs")["limit"] == 65535


# Jobs


@pytest.mark.parametrize("value", ["4", "-1", "1.5", "x", "", "1" * 30])
def test_an_image_that_there_is_not_is_refused(client, job, value):
    for accept in (NPY, JSON, PNG):
        answer = client.get(f"{job}/label_issues", params={"image": value}, headers={"Accept": accept})
        assert_problem(answer, 400, "invalid-parameter", "image")


@pytest.mark.parametrize(
    "labels, pred_probs, downsample",
    [
        (labels_with(255), PRED_PROBS, 1),
        (labels_with(255), PRED_PROBS, 2),
        (LABELS, pred_probs_with(2.0), 1),
        (LABELS, pred_probs_with(math.nan), 2),
        (LABELS, PRED_PROBS, 5),
    ],
    ids=["label", "label in a block", "probability", "probability in a block", "downsample"],
)
def test_an_asynchronous_job_that_fails_shows_the_problem(client, leaves_nothing, labels, pred_probs, downsample):
    """Of `labels` behind `pred_probs`, nothing is known before the body is in."""
    body = npz(**in_order(False, labels, pred_probs))
    problem = client.score(body, downsample=downsample, **METHOD).json()
    accepted = client.score(body, headers={"Prefer": "respond-async"}, downsample=downsample, **METHOD)
    assert accepted.status_code == 202
    path = accepted.headers["Location"]
    document = client.get(path, params={"wait": 30}).json()
    assert (document["status"], document["method"], document["error"]) == ("failed", "num_pixel_issues", problem)
    assert problem["status"] == 422 and set(document["links"]).isdisjoint(RESULTS)
    for result in RESULTS:
        assert_problem(client.get(f"{path}/{result}"), 409, "job-failed")
    assert client.delete(path).status_code == 204


def test_a_failed_job_says_what_it_was_asked_for(client, leaves_nothing):
    """Also where the parameters stood behind the arrays, and the job failed ahead of its first image."""
    wrong = LABELS.copy()
    wrong[0, 0, 0] = 200
    parameters = METHOD | {"downsample": 2}
    body = form_with(parameters, {"labels": wrong, "pred_probs": PRED_PROBS}, False)
    path = client.score(body, headers={"Prefer": "respond-async"}).headers["Location"]
    document = client.get(path, params={"wait": 30}).json()
    assert (document["status"], document["error"]["type"]) == ("failed", "urn:segscore:label-out-of-range")
    assert (document["method"], document["parameters"]["downsample"]) == ("num_pixel_issues", 2)
    assert document["shape"] == {"images": 4, "classes": 5, "height": 8, "width": 12}
    assert client.delete(path).status_code == 204

"""`method=num_pixel_issues`: what can be asked of a job afterwards."""

import io
import json
import math
import re

import numpy as np
import PIL.Image
import pytest
import yaml
from cleanlab.segmentation.summary import filter_by_class

import reference
from bodies import array_of, json_body, npz
from client import Client, assert_problem
from label_issue_cases import (
    BODY,
    FOUND,
    JSON,
    LABELS,
    MASK,
    METHOD,
    NPY,
    PIXEL_SCORES,
    PNG,
    PRED_PROBS,
    RESULTS,
    cleanlab_summary,
    found_by_cleanlab,
    job_of,
    json_of,
    rows_of,
    taken_for,
    totals_of,
    uploading,
    with_ignored,
)
from server import ROOT

CLASSES = range(5)
METHODS = ["job", "softmin_job"]  # The fixtures of a job by either method.


# Masks


def test_label_issues_are_npy_by_default_else_lists(client, job):
    answer = client.get(f"{job}/label_issues")
    assert answer.headers["Content-Type"] == NPY
    assert array_of(answer).dtype == bool
    np.testing.assert_array_equal(array_of(answer), MASK)
    assert json_of(client, f"{job}/label_issues") == MASK.tolist()


@pytest.mark.parametrize("image", range(4))
def test_one_image_can_be_asked_for(client, job, image):
    path = f"{job}/label_issues?image={image}"
    np.testing.assert_array_equal(array_of(client.get(path)), MASK[image])
    assert json_of(client, path) == MASK[image].tolist()
    answer = client.get(path, headers={"Accept": PNG})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, PNG)
    with PIL.Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.mode, picture.size) == ("L", (12, 8))
        np.testing.assert_array_equal(np.asarray(picture), np.where(MASK[image], 255, 0))


def test_label_issues_have_a_strong_validator_and_serve_ranges(client, job):
    path = f"{job}/label_issues?class=2"
    whole = client.get(path)
    tag, size = whole.headers["ETag"], len(whole.content)
    assert (tag[0], whole.headers["Accept-Ranges"]) == ('"', "bytes")
    unchanged = client.get(path, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", tag)
    part = client.get(path, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content, part.headers["ETag"]) == (206, whole.content[100:200], tag)
    assert part.headers["Content-Range"] == f"bytes 100-199/{size}"
    beyond = client.get(path, headers={"Range": f"bytes={size}-"})
    assert_problem(beyond, 416, "range-not-satisfiable")
    assert beyond.headers["Content-Range"] == f"bytes */{size}"


def test_different_masks_have_different_validators(client, job):
    paths = [
        f"{job}/{name}"
        for name in (
            "issues",
            "issues?class=1",
            "label_issues",
            "label_issues?class=1",
            "label_issues?class=2",
            "label_issues?image=1",
            "label_issues?image=2",
            "label_issues?image=2&class=1",
        )
    ]
    answers = [client.get(path) for path in [*paths, f"{job_of(client, downsample=2)}/label_issues"]]
    assert len({answer.content for answer in answers}) == len(answers)
    assert len({answer.headers["ETag"] for answer in answers}) == len(answers)


@pytest.mark.parametrize("suffix", ["label_issues", "label_issues?class=1&image=2", "statistics", "summary?top=1"])
def test_head_answers_as_get_without_a_body(client, job, suffix):
    whole, bare = client.get(f"{job}/{suffix}"), client.head(f"{job}/{suffix}")
    assert (whole.status_code, bare.status_code, bare.content) == (200, 200, b"")
    assert int(bare.headers["Content-Length"]) == len(whole.content) > 0
    own = {"date", "x-request-id"}
    assert {name: value for name, value in bare.headers.lower_items() if name not in own} == {
        name: value for name, value in whole.headers.lower_items() if name not in own
    }


def test_the_mask_as_png_wants_an_image(client, job):
    for suffix in ("label_issues", "label_issues?class=1"):
        assert_problem(client.get(f"{job}/{suffix}", headers={"Accept": PNG}), 400, "invalid-parameter", "image")


@pytest.mark.parametrize("suffix", ["label_issues", "label_issues?image=0", "label_issues?class=1", "statistics"])
def test_a_job_of_softmin_has_no_label_issues(client, softmin_job, suffix):
    problem = assert_problem(client.get(f"{softmin_job}/{suffix}"), 404, "no-label-issues")
    assert (problem["expected"], problem["actual"]) == ("a job of the method num_pixel_issues or margin", "softmin")


@pytest.mark.parametrize("suffix", ["label_issues?threshold=0.5", "statistics?class=1"])
def test_a_parameter_of_another_resource_is_unknown(client, job, suffix):
    _, parameter, _ = re.split("[?=]", suffix)
    assert_problem(client.get(f"{job}/{suffix}"), 400, "unknown-parameter", parameter)


# One class


@pytest.mark.parametrize("k", CLASSES)
def test_label_issues_of_a_class_are_those_of_cleanlab(client, job, k):
    expected = filter_by_class(k, MASK, LABELS, PRED_PROBS)
    assert 0 < expected.sum() < MASK.sum()
    np.testing.assert_array_equal(array_of(client.get(f"{job}/label_issues?class={k}")), expected)
    assert json_of(client, f"{job}/label_issues?class={k}&image=3") == expected[3].tolist()


@pytest.mark.parametrize("k", CLASSES)
@pytest.mark.parametrize("method", METHODS)
def test_issues_of_a_class_are_those_of_cleanlab(client, request, method, k):
    path = f"{request.getfixturevalue(method)}/issues"
    for threshold in (0.1, 0.3, 1):
        expected = filter_by_class(k, PIXEL_SCORES < threshold, LABELS, PRED_PROBS)
        answer = client.get(path, params={"class": k, "threshold": threshold})
        np.testing.assert_array_equal(array_of(answer), expected)
    assert json_of(client, path, **{"class": k, "image": 1, "threshold": 1}) == expected[1].tolist()


@pytest.mark.parametrize("k", CLASSES)
def test_blocks_are_filtered_by_the_classes_of_their_pixels(client, k):
    path = job_of(client, downsample=2)
    expected = filter_by_class(k, FOUND[2].mask, LABELS, PRED_PROBS)
    np.testing.assert_array_equal(array_of(client.get(f"{path}/label_issues?class={k}")), expected)


@pytest.mark.parametrize("value", ["5", "-1", "1.5", "x", "", "0,1", "1" + "0" * 30])
@pytest.mark.parametrize("suffix", ["label_issues", "issues"])
def test_a_class_that_is_none_is_refused(client, job, suffix, value):
    answer = client.get(f"{job}/{suffix}", params={"class": value})
    assert assert_problem(answer, 400, "invalid-parameter", "class")["actual"] == value


@pytest.mark.parametrize(
    "suffix",
    [
        "label_issues?class=1",
        "label_issues?image=0",
        "issues?class=1",
        "summary?top=1",
        "summary?exclude=1",
        "summary?class_names=a,b,c,d,e",
        "summary?threshold=0.1",
    ],
)
def test_a_parameter_given_twice_is_refused(client, job, suffix):
    _, parameter, value = re.split("[?=]", suffix)
    assert_problem(client.get(f"{job}/{suffix}&{parameter}={value}"), 400, "repeated-parameter", parameter)


# Ranking


def ranking_of(client, path, **parameters):
    rows = json_of(client, f"{path}/ranking", **parameters)["ranking"]
    return [(row["image"], row["score"], row["num_pixel_issues"]) for row in rows]


def test_the_ranking_counts_label_issues(client, job):
    image_scores = array_of(client.get(f"{job}/image_scores"))
    for limit in (20, 2):
        assert ranking_of(client, job, limit=limit) == reference.ranking(image_scores, ~MASK, limit, 1)
    assert ranking_of(client, job, threshold=0.5) == reference.ranking(image_scores, PIXEL_SCORES, 20, 0.5)


def test_the_jobs_own_threshold_does_not_keep_the_ranking_from_counting_label_issues(client):
    rows = ranking_of(client, job_of(client, threshold=0.5))
    assert [count for _, _, count in rows] == [MASK[image].sum() for image, _, _ in rows]


# Summary


SUMMARIES = [
    ({}, {}),
    ({"top": 3}, {"top": 3}),
    ({"class_names": "a,b,c,d,e"}, {"class_names": [*"abcde"]}),
    ({"class_names": " road side ,car, tree,Straße,a"}, {"class_names": ["road side", "car", "tree", "Straße", "a"]}),
    ({"class_names": "a,b,a,b,a"}, {"class_names": [*"ababa"]}),
    ({"exclude": "2"}, {"exclude": [2]}),
    ({"exclude": "4,0"}, {"exclude": [4, 0]}),
    ({"exclude": "0,1,2,3,4"}, {"exclude": [*CLASSES]}),
    (
        {"class_names": "a,b,c,d,e", "exclude": "1,3", "top": 2},
        {"class_names": [*"abcde"], "exclude": [1, 3], "top": 2},
    ),
]


@pytest.mark.parametrize("parameters, options", SUMMARIES)
def test_the_summary_is_that_of_cleanlab(client, job, parameters, options):
    assert json_of(client, f"{job}/summary", **parameters) == cleanlab_summary(MASK, **options)


@pytest.mark.parametrize("parameters, options", SUMMARIES)
@pytest.mark.parametrize("method", METHODS)
def test_the_summary_of_scores_below_a_threshold_is_that_of_cleanlab(client, request, method, parameters, options):
    path = f"{request.getfixturevalue(method)}/summary"
    for threshold in (0, 0.3, 1):
        expected = cleanlab_summary(PIXEL_SCORES < threshold, **options)
        assert json_of(client, path, threshold=threshold, **parameters) == expected


def test_the_summary_of_a_softmin_job_goes_by_the_threshold_asked_for_else_the_jobs_else_a_tenth(client, softmin_job):
    with_threshold = client.scored(BODY, threshold=0.4)["links"]["self"]
    for path, parameters, threshold in (
        (softmin_job, {}, 0.1),
        (with_threshold, {}, 0.4),
        (with_threshold, {"threshold": 0.7}, 0.7),
    ):
        assert json_of(client, f"{path}/summary", **parameters) == cleanlab_summary(PIXEL_SCORES < threshold) != []


def test_the_jobs_own_threshold_does_not_keep_the_summary_from_counting_label_issues(client):
    path = job_of(client, threshold=0.5)
    assert json_of(client, f"{path}/summary") == cleanlab_summary(MASK) != cleanlab_summary(PIXEL_SCORES < 0.5)


@pytest.mark.parametrize("downsample", FOUND)
def test_the_summary_of_blocks_counts_their_pixels_without_the_ignored(client, downsample):
    labels = with_ignored(255)
    path = job_of(client, npz(labels=labels, pred_probs=PRED_PROBS), downsample=downsample, ignore_label=255)
    mask = reference.label_issues(labels, PRED_PROBS, downsample, 255).mask
    assert json_of(client, f"{path}/summary", top=1000) == cleanlab_summary(mask, labels, top=1000) != []
    kept = (labels != 255) & (PIXEL_SCORES < 1)
    assert json_of(client, f"{path}/summary", top=1000, threshold=1) == cleanlab_summary(kept, labels, top=1000)


def test_equal_counts_are_listed_by_label_and_then_by_class(client):
    path = job_of(client, taken_for([(2, 0), (1, 2), (0, 2), (2, 1), (0, 1), (2, 1)], classes=3))
    assert json_of(client, f"{path}/summary") == rows_of((2, 1, 2), (0, 1, 1), (0, 2, 1), (1, 2, 1), (2, 0, 1))


def test_the_most_probable_class_is_the_first_of_equals(client):
    """Classes 1 and 2 are as probable as each other everywhere; the last pixel is labelled with the first of them."""
    labels = np.array([[[0, 2, 1]]])
    pred_probs = np.array([[[[0.25, 0, 0]], [[0.5, 0.5, 0.5]], [[0.5, 0.5, 0.5]]]])
    path = job_of(client, npz(labels=labels, pred_probs=pred_probs))
    assert json_of(client, f"{path}/statistics")["num_issues"] == 2
    assert json_of(client, f"{path}/label_issues") == [[[True, True, False]]]
    assert json_of(client, f"{path}/summary") == rows_of((0, 1, 1), (2, 1, 1))
    assert json_of(client, f"{path}/label_issues", **{"class": 1}) == [[[True, True, False]]]
    assert json_of(client, f"{path}/label_issues", **{"class": 2}) == [[[False, True, False]]]


def test_twenty_pairs_are_listed_by_default(client):
    pairs = [(given, predicted) for given in range(6) for predicted in range(6) if given != predicted]
    path = job_of(client, taken_for(pairs, classes=6))
    everything = rows_of(*[(*pair, 1) for pair in pairs])
    assert json_of(client, f"{path}/summary", top=1000) == everything
    assert json_of(client, f"{path}/summary") == everything[:20]


@pytest.mark.parametrize(
    "parameter, value",
    [
        ("top", "0"),
        ("top", "-1"),
        ("top", "1.5"),
        ("top", "x"),
        ("top", ""),
        ("exclude", "5"),
        ("exclude", "-1"),
        ("exclude", ""),
        ("exclude", "1,"),
        ("exclude", "1,5"),
        ("exclude", "x"),
        ("class_names", ""),
        ("class_names", "a,b,c,d"),
        ("class_names", "a,b,c,d,e,f"),
        ("threshold", "1.01"),
        ("threshold", "nan"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_parameter_of_the_summary_out_of_range_is_refused(client, request, method, parameter, value):
    answer = client.get(f"{request.getfixturevalue(method)}/summary", params={parameter: value})
    assert_problem(answer, 400, "invalid-parameter", parameter)


# Statistics


@pytest.mark.parametrize("downsample", FOUND)
def test_statistics_are_what_decided(client, downsample):
    expected = FOUND[downsample]
    statistics = json_of(client, f"{job_of(client, downsample=downsample)}/statistics")
    score, below, ties = expected.cut
    assert all(math.fsum(row.pop("sum_parts")) == row["sum"] for row in statistics["classes"])
    assert statistics == {
        "downsample": downsample,
        "num_pixels": LABELS.size // downsample**2,
        "num_issues": expected.num_issues,
        "cut": {"score": pytest.approx(score, rel=1e-12), "below": below, "ties": ties},
        "classes": [
            {
                "class": k,
                "count": expected.counts[k],
                "sum": pytest.approx(expected.sums[k], rel=1e-12),
                "confident_threshold": pytest.approx(expected.thresholds[k], rel=1e-12),
            }
            for k in CLASSES
        ],
    }


def test_a_threshold_has_a_lower_bound(client):
    """No pixel is labelled 2. The first pixel is confidently so, at 1.5e-6, and the second is not, at 0.75e-6."""
    labels = np.array([[[0, 0, 1]]])
    pred_probs = np.array([[[[0.5e-6, 0, 0]], [[0, 0, 0.5]], [[1.5e-6, 0.75e-6, 0]]]])
    path = job_of(client, npz(labels=labels, pred_probs=pred_probs))
    statistics = json_of(client, f"{path}/statistics")
    rows = [(row["count"], row["confident_threshold"]) for row in statistics["classes"]]
    assert rows == [(2, 2e-6), (1, 0.5), (0, 2e-6)]
    assert (statistics["num_issues"], statistics["cut"]) == (1, {"score": 0, "below": 0, "ties": 1})
    assert (
        json_of(client, f"{path}/label_issues")
        == [[[False, True, False]]]
        == found_by_cleanlab(labels, pred_probs).tolist()
    )


def rounded(document):
    """A JSON document, in which sums may have been added up in another order."""
    return json.loads(json.dumps(document), parse_float=lambda text: round(float(text), 12))


def test_the_documents_example_is_answered_as_it_says(client):
    paths = yaml.safe_load((ROOT / "openapi.yaml").read_text())["paths"]

    def examples(path, method="get"):
        return paths[path][method]["responses"]["200"]["content"][JSON]["examples"]

    score = paths["/score"]["post"]["requestBody"]["content"][JSON]["examples"]["labelIssues"]["value"]
    answer = client.scored(json_body(**score))
    expected = examples("/score", "post")["labelIssues"]["value"]
    assert rounded(answer) == json.loads(json.dumps(rounded(expected)).replace(expected["job"], answer["job"]))

    statistics = examples("/jobs/{id}/statistics")
    pixel = npz(labels=np.array([[[0]]]), pred_probs=np.array([[[[0.9]], [[0.1]]]]))
    for path, name in ((answer["links"]["self"], "twoClasses"), (job_of(client, pixel), "noIssues")):
        assert rounded(json_of(client, f"{path}/statistics")) == rounded(statistics[name]["value"])

    summaries = examples("/jobs/{id}/summary")
    path = f"{job_of(client, taken_for([(2, 1)] * 97 + [(0, 2)] * 812, classes=3))}/summary"
    assert json_of(client, path) == summaries["numbers"]["value"]
    assert json_of(client, path, class_names="road,car,tree") == summaries["names"]["value"]


# Parts of a data set


@pytest.mark.parametrize(
    "parameters", [{}, {"downsample": 2}, {"ignore_label": 3}, {"downsample": 4, "ignore_label": 3}], ids=str
)
@pytest.mark.parametrize("places", [[[0], [1], [2], [3]], [[0, 1, 2], [3]], [[3, 0], [2, 1]]], ids=str)
def test_counts_and_sums_of_parts_add_up_to_those_of_the_whole(client, places, parameters):
    whole = json_of(client, f"{job_of(client, **parameters)}/statistics")
    bodies = [npz(labels=LABELS[images], pred_probs=PRED_PROBS[images]) for images in places]
    parts = [json_of(client, f"{job_of(client, body, **parameters)}/statistics") for body in bodies]
    assert sum(part["num_pixels"] for part in parts) == whole["num_pixels"]
    counts, sums = totals_of(parts)
    assert counts.tolist() == [row["count"] for row in whole["classes"]]
    assert sums.tolist() == [row["sum"] for row in whole["classes"]]
    thresholds = np.maximum(sums / np.maximum(counts, 1), 2e-6)
    assert thresholds.tolist() == [row["confident_threshold"] for row in whole["classes"]]


def test_label_issues_of_the_whole_follow_from_its_parts(client):
    halves = [npz(labels=LABELS[images], pred_probs=PRED_PROBS[images]) for images in (slice(2), slice(2, None))]
    paths = [job_of(client, body) for body in halves]
    counts, sums = totals_of([json_of(client, f"{path}/statistics") for path in paths])
    scores = np.concatenate([array_of(client.get(f"{path}/pixel_scores")) for path in paths])
    predicted = PRED_PROBS.argmax(axis=1)
    confident = PRED_PROBS.max(axis=1) >= np.maximum(sums / counts, 2e-6)[predicted] - 1e-6
    n = (confident & (predicted != LABELS)).sum()
    cut = np.sort(scores, axis=None)[n - 1]
    mask = (scores <= cut) & (predicted != LABELS)

    path = job_of(client)
    whole = json_of(client, f"{path}/statistics")
    assert (whole["num_issues"], whole["cut"]["score"]) == (n, cut)
    np.testing.assert_array_equal(array_of(client.get(f"{path}/label_issues")), mask)
    assert (mask != np.concatenate([array_of(client.get(f"{path}/label_issues")) for path in paths])).any()


def test_issues_and_cuts_of_parts_with_the_same_thresholds_add_up(client, job):
    part = json_of(client, f"{job}/statistics")
    twice = npz(labels=np.concatenate([LABELS] * 2), pred_probs=np.concatenate([PRED_PROBS] * 2))
    whole = json_of(client, f"{job_of(client, twice)}/statistics")
    assert whole["num_issues"] == 2 * part["num_issues"]
    cut = part["cut"]
    assert whole["cut"] == {"score": cut["score"], "below": 2 * cut["below"], "ties": 2 * cut["ties"]}


# Jobs that have nothing to tell


@pytest.fixture
def upload(client):
    """A connection that has sent half of a body, and the path of its job."""
    with uploading(client, BODY, len(BODY.data) // 2, **METHOD) as made:
        yield made


def test_an_unfinished_job_has_nothing_to_tell_yet(client, upload):
    connection, path = upload
    assert set(json_of(client, path)["links"]).isdisjoint(RESULTS)
    for result in RESULTS:
        assert_problem(client.get(f"{path}/{result}"), 409, "job-not-finished")
    connection.send(BODY.data[len(BODY.data) // 2 :])
    assert connection.read().status_code == 200
    assert set(json_of(client, path)["links"]).issuperset(RESULTS)
    np.testing.assert_array_equal(array_of(client.get(f"{path}/label_issues")), MASK)


def test_a_canceled_job_has_nothing_to_tell(client, upload):
    connection, path = upload
    assert client.post(f"{path}/cancel").json()["status"] == "canceled"
    connection.send(BODY.data[len(BODY.data) // 2 :])
    assert_problem(connection.read(), 409, "job-canceled")
    for result in RESULTS:
        assert_problem(client.get(f"{path}/{result}"), 409, "job-canceled")
    assert set(json_of(client, path)["links"]).isdisjoint(RESULTS)


def test_an_expired_job_has_nothing_more_to_tell(start_server):
    """There is memory for the results of one job, and not for those of two."""
    with Client(start_server("--result-memory", "9400")) as client:
        first, second = job_of(client), job_of(client)
        for result in RESULTS:
            assert_problem(client.get(f"{first}/{result}"), 410, "result-expired")
        assert set(json_of(client, first)["links"]).isdisjoint(RESULTS)
        np.testing.assert_array_equal(array_of(client.get(f"{second}/label_issues")), MASK)


@pytest.mark.parametrize("result", RESULTS)
def test_an_unknown_job_has_nothing_to_tell(client, result):
    path = job_of(client)
    assert client.delete(path).status_code == 204
    for unknown in (path, f"/jobs/{'0' * 32}"):
        assert_problem(client.get(f"{unknown}/{result}"), 404, "unknown-job")

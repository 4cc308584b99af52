"""What the tests of `method=num_pixel_issues` share: a sample, its label issues, and how to send and ask for them."""

import contextlib
import math
import urllib.parse

import numpy as np
import pytest
from cleanlab.segmentation.filter import find_label_issues
from cleanlab.segmentation.summary import common_label_issues

import bodies
import reference
from bodies import arrays_of, json_body, multipart, npz
from client import BareConnection
from server import eventually

NPZ, NPY, JSON, PNG = "application/x-npz", "application/x-npy", "application/json", "image/png"
METHOD = {"method": "num_pixel_issues"}
RESULTS = ["label_issues", "statistics", "summary", "regions"]
LABELS, PRED_PROBS = reference.sample(images=4, classes=5, height=8, width=12, dtype=np.float64)
ARRAYS = {"labels": LABELS, "pred_probs": PRED_PROBS}
BODY = npz(**ARRAYS)
PIXEL_SCORES = reference.pixel_scores(LABELS, PRED_PROBS)
FOUND = {size: reference.label_issues(LABELS, PRED_PROBS, size) for size in (1, 2, 4)}
MASK = FOUND[1].mask


def both_orders(test):
    """Runs a test with `labels` ahead of `pred_probs` and behind."""
    return pytest.mark.parametrize("labels_first", [True, False], ids=["labels first", "labels last"])(test)


def in_order(labels_first, labels=LABELS, pred_probs=PRED_PROBS):
    arrays = {"labels": labels, "pred_probs": pred_probs}
    return arrays if labels_first else dict(reversed(arrays.items()))


def with_ignored(value):
    """The sample's labels, some of them ignored: whole blocks of 2 x 2, parts of such blocks, and a whole image."""
    labels = LABELS.astype(np.int16)
    labels[0, 2:6, 4:8] = value
    labels[1, 1::3, ::5] = value
    labels[2] = value
    return labels


def taken_for(pairs, classes):
    """A row of pixels, each a label issue: a pair gives a pixel's label and its most probable class."""
    given, predicted = np.array(pairs).T
    pred_probs = np.zeros((1, classes, 1, len(pairs)))
    pred_probs[0, given, 0, range(len(pairs))] = 0.125
    pred_probs[0, predicted, 0, range(len(pairs))] = 0.75
    return npz(labels=given.reshape(1, 1, -1), pred_probs=pred_probs)


# Requests and answers


def form_with(parameters, arrays, ahead):
    """A multipart form with text parts ahead of the arrays or behind them."""
    parts = list(parameters.items())
    if not ahead:
        return multipart(parts, **arrays)
    end = multipart(**arrays)
    return bodies.Body(multipart(parts, closed=False).data + end.data, end.fields)


def json_with(parameters, arrays, ahead):
    return json_body(**parameters, **arrays) if ahead else json_body(**arrays, **parameters)


WITH_PARAMETERS = {"multipart": form_with, "json": json_with}


def job_of(client, body=BODY, **parameters):
    """The path of a finished job."""
    return client.scored(body, **METHOD | parameters)["links"]["self"]


@contextlib.contextmanager
def uploading(client, body, count, **parameters):
    """A connection that has sent so many bytes of a body, and the path of its job."""
    before = set(client.job_ids())
    with BareConnection(client.server.address) as connection:
        connection.send_body_head(body, target=f"/score?{urllib.parse.urlencode(parameters)}")
        connection.send(body.data[:count])
        made = eventually(lambda: set(client.job_ids()) - before, "the upload's job is listed")
        yield connection, f"/jobs/{made.pop()}"


def json_of(client, path, **parameters):
    answer = client.get(path, params=parameters, headers={"Accept": JSON})
    assert answer.status_code == 200, answer.text
    return answer.json()


# What is expected


def found_by_cleanlab(labels, pred_probs, downsample=1):
    """cleanlab's label issues, in float64 and one batch."""
    return find_label_issues(
        labels,
        pred_probs.astype(np.float64),
        downsample=downsample,
        batch_size=pred_probs.size,
        n_jobs=1,
        verbose=False,
    )


def cleanlab_summary(mask, labels=LABELS, pred_probs=PRED_PROBS, **options):
    """cleanlab's `common_label_issues`, as the service lists them."""
    return common_label_issues(mask, labels, pred_probs, verbose=False, **options).to_dict("records")


def rows_of(*counted):
    """The rows of a summary, each given by label, most probable class and count."""
    return [
        {"given_label": str(given), "predicted_label": str(predicted), "num_pixel_issues": count}
        for given, predicted, count in counted
    ]


def totals_of(parts):
    """The counts and sums of classes, added up over the statistics of parts."""
    rows = list(zip(*(part["classes"] for part in parts)))
    sums = [math.fsum(each for row in of_class for each in row["sum_parts"]) for of_class in rows]
    return np.array([sum(row["count"] for row in of_class) for of_class in rows]), np.array(sums)


def assert_found(answer, expected):
    """Holds an npz answer against a `reference.LabelIssues`."""
    assert answer.status_code == 200, answer.text
    arrays = arrays_of(answer)
    assert arrays["label_issues"].dtype == bool
    np.testing.assert_array_equal(arrays["label_issues"], expected.mask)
    assert arrays["image_scores"].dtype == np.float64
    np.testing.assert_allclose(arrays["image_scores"], expected.image_scores, rtol=0, atol=1e-12)

"""Scoring requests that come twice with one `Idempotency-Key`."""

import pytest

import reference
from bodies import array_of, gzipped, npz
from client import BareConnection, assert_problem
from server import eventually
from test_metrics import Metrics

LABELS, PRED_PROBS = reference.sample(images=2)
BODY = npz(labels=LABELS, pred_probs=PRED_PROBS)
OTHER = npz(labels=LABELS[:1], pred_probs=PRED_PROBS[:1])
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def key(request):
    """One for each test."""
    return f"key of {request.node.name}"


def score(client, key, body=BODY, headers=None, **parameters):
    return client.score(body, headers={"Idempotency-Key": key} | (headers or {}), **parameters)


def test_the_same_request_makes_one_job(client, key):
    first = score(client, key, headers=ASYNC)
    assert first.status_code == 202
    before = client.job_ids()
    again = score(client, key, headers=ASYNC)
    assert again.status_code == 202 and again.headers["Location"] == first.headers["Location"]
    assert again.headers["Preference-Applied"] == "respond-async"
    assert client.job_ids() == before


def test_who_waits_gets_the_result_that_there_is(client, key):
    first = score(client, key)
    before = client.job_ids()
    again = score(client, key)
    assert first.status_code == again.status_code == 200 and first.json() == again.json()
    as_npz = score(client, key, headers={"Accept": "application/x-npz"})
    assert as_npz.headers["Location"] == first.json()["links"]["self"]
    late = score(client, key, headers={"Prefer": "respond-async, wait=5"})
    assert late.status_code == 200 and late.headers["Preference-Applied"] == "respond-async, wait=5"
    assert client.job_ids() == before


def test_another_request_with_the_key_is_refused(client, key):
    assert score(client, key).status_code == 200
    before = client.job_ids()
    for answer in (
        score(client, key, OTHER),
        score(client, key, gzipped(BODY)),
        score(client, key, temperature="0.2"),
        score(client, key, OTHER, headers=ASYNC),
    ):
        assert_problem(answer, 422, "idempotency-key-reused", "Idempotency-Key")
    assert client.job_ids() == before


def test_while_it_arrives_it_is_not_taken_again(client, server, key):
    with BareConnection(server.address) as connection:
        connection.send_body_head(BODY, f"Idempotency-Key: {key}")
        connection.send(BODY.data[:100])
        eventually(lambda: client.get("/jobs?status=receiving").json()["jobs"], "it has begun")
        answer = score(client, key)
        assert_problem(answer, 409, "request-arriving", "Idempotency-Key")
        assert int(answer.headers["Retry-After"]) >= 1
        connection.send(BODY.data[100:])
        assert connection.read().status_code == 200
    assert score(client, key).status_code == 200


def test_a_request_that_was_cut_short_does_not_keep_its_key(client, server, key):
    with BareConnection(server.address) as connection:
        connection.send_body_head(BODY, f"Idempotency-Key: {key}")
        connection.send(BODY.data[:100])
        eventually(lambda: client.get("/jobs?status=receiving").json()["jobs"], "it has begun")
    eventually(lambda: score(client, key, OTHER).status_code == 200, "the key is free")


def test_a_request_that_was_refused_does_not_keep_its_key(client, key):
    wrong = npz(labels=LABELS + 50, pred_probs=PRED_PROBS)
    assert_problem(score(client, key, wrong), 422, "label-out-of-range")
    assert_problem(score(client, key, npz(labels=LABELS)), 400, "missing-array")
    assert score(client, key).status_code == 200


def test_a_key_is_forgotten_with_its_job(client, key):
    job = score(client, key).headers["Location"]
    assert client.delete(job).status_code == 204
    other = score(client, key, OTHER)
    assert other.status_code == 200 and other.headers["Location"] != job
    assert array_of(client.get(f"{other.headers['Location']}/image_scores")).shape == (1,)


def test_an_upload_that_ends_late_takes_no_others_key_away(client, server, key):
    """The job of a slow upload is deleted, its key comes with another, and then the upload ends."""
    for end in ("hang up", "complete"):
        key += end
        with BareConnection(server.address) as slow:
            slow.send_body_head(BODY, f"Idempotency-Key: {key}")
            slow.send(BODY.data[:100])
            job = eventually(lambda: client.get("/jobs?status=receiving").json()["jobs"], "it has begun")[0]["id"]
            assert client.delete(f"/jobs/{job}").status_code == 204
            second = score(client, key, OTHER)
            assert second.status_code == 200
            if end == "complete":
                slow.send(BODY.data[100:])
                assert_problem(slow.read(), 409, "job-canceled")
        before = Metrics(client)("segscore_http_requests_in_flight")
        eventually(
            lambda: Metrics(client)("segscore_http_requests_in_flight") == 1, f"the upload is gone, not {before}"
        )
        third = score(client, key, OTHER)
        assert third.headers["Location"] == second.headers["Location"]
        assert_problem(score(client, key, BODY), 422, "idempotency-key-reused", "Idempotency-Key")


def test_a_key_has_a_length(client):
    for key in ("", "k" * 256):
        assert_problem(score(client, key), 400, "invalid-header", "Idempotency-Key")
    assert score(client, "k" * 255).status_code == 200

"""Networks that fail and servers that are busy: what is sent again, how often, and that nothing is there twice."""

import time

import numpy as np
import pytest

import proxy
import segscore
from segscore import _attempts
from segscore._attempts import Attempts, seconds_of

BUSY = [
    proxy.busy(503, ("Retry-After", "0")),
    proxy.busy(429, ("Retry-After", "0")),
    proxy.busy(502),
    proxy.busy_at_the_head,
]
LOST = [proxy.cut_the_request, proxy.lose_the_answer]
NAMES = ["503", "429", "502", "503 at the head", "request cut", "answer lost"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(_attempts, "FIRST_WAIT", 0.001)


@pytest.fixture
def flaky(server):
    with proxy.Proxy(server.port) as between:
        yield between
        between.shutdown()
        assert between.faults == [], "all faults were met"


@pytest.fixture
def through(flaky):
    with segscore.Client(flaky.url, batch_bytes=20_000) as client:
        yield client


@pytest.fixture
def at_once(flaky):
    with segscore.Client(flaky.url) as client:
        yield client


@pytest.mark.parametrize("fault", BUSY + LOST, ids=NAMES)
def test_a_request_is_sent_again(flaky, at_once, client, arrays, fault):
    flaky.will(fault, "POST /score", times=2)
    np.testing.assert_array_equal(at_once.score(*arrays).image_scores, client.score(*arrays).image_scores)
    assert flaky.count("POST /score") == 3


@pytest.mark.parametrize("fault", BUSY + LOST, ids=NAMES)
def test_a_submitted_job_is_there_once(flaky, at_once, client, arrays, fault):
    before = {job.id for job in client.jobs(limit=500)}
    flaky.will(fault, "POST /score", times=2)
    job = at_once.submit(*arrays).wait()
    assert {job.id for job in client.jobs(limit=500)} - before == {job.id}


@pytest.mark.parametrize("fault", BUSY + LOST, ids=NAMES)
def test_a_score_that_is_waited_for_is_there_once(flaky, at_once, client, arrays, fault):
    before = {job.id for job in client.jobs(limit=500)}
    flaky.will(fault, "POST /score", times=2)
    scores = at_once.score(*arrays)
    assert {job.id for job in client.jobs(limit=500)} - before == {scores.job.id}
    assert len(set(flaky.keys)) == 1 and flaky.keys[0], "each try has the same key"


@pytest.mark.parametrize("fault", BUSY + LOST, ids=NAMES)
def test_no_batch_is_added_twice(flaky, through, client, arrays, fault):
    flaky.will(fault, "/batches", times=4)
    found = through.score(*arrays, method="num_pixel_issues")
    assert found.job.document()["shape"]["images"] == 7
    assert flaky.count("/batches") == 4 + 4
    np.testing.assert_array_equal(found.label_issues, client.score(*arrays, method="num_pixel_issues").label_issues)


@pytest.mark.parametrize("fault", BUSY[:3] + LOST[1:], ids=NAMES[:3] + NAMES[5:])
@pytest.mark.parametrize("at", ["POST /jobs?", "/finish", "GET /jobs/", "DELETE"])
def test_the_requests_around_them_are_sent_again(flaky, through, client, arrays, fault, at):
    flaky.will(fault, at)
    scores = through.score(*arrays)
    scores.job.delete()
    np.testing.assert_array_equal(scores.image_scores, client.score(*arrays).image_scores)


def test_canceling_is_sent_again(flaky, through, arrays):
    flaky.will(proxy.lose_the_answer, "/cancel")
    with pytest.raises(KeyError), through.dataset() as dataset:
        dataset.add(*arrays)
        raise KeyError
    assert dataset.job.status == "canceled"


@pytest.mark.parametrize("sent", [0, 5, 70, 128, 129, 1000, 12000])
@pytest.mark.parametrize("dtype", [None, np.float64])
def test_an_answer_that_breaks_off_is_gone_on_with(flaky, at_once, client, arrays, sent, dtype):
    job = at_once.submit(*arrays).wait()
    flaky.will(proxy.cut_the_answer(sent), "/pixel_scores", times=3)
    np.testing.assert_array_equal(job.pixel_scores(dtype=dtype), client.job(job.id).pixel_scores())
    assert flaky.count("/pixel_scores") == 4
    assert (flaky.ranges[-1] is not None) == (sent >= 128), "what has come is not asked for again"


def test_an_answer_in_json_that_breaks_off_is_asked_for_again(flaky, at_once, arrays):
    flaky.will(proxy.cut_the_answer(20), "/ranking")
    assert len(at_once.submit(*arrays).ranking()) == 7


def test_tries_are_bounded(flaky, arrays):
    flaky.will(BUSY[0], "POST /score", times=3)
    with pytest.raises(segscore.SegscoreError) as caught:
        segscore.Client(flaky.url, retries=2).score(*arrays)
    assert caught.value.status == 503 and flaky.count("POST /score") == 3
    flaky.will(proxy.lose_the_answer, "GET /version", times=2)
    with pytest.raises(segscore.UnreachableError):
        segscore.Client(flaky.url, retries=1).version()


def test_a_data_set_with_a_batch_of_unknown_fate_ends(flaky, client, arrays):
    labels, pred_probs = arrays
    flaky.will(proxy.lose_the_answer, "/batches", times=2)
    with pytest.raises(segscore.UnreachableError), segscore.Client(flaky.url, retries=1).dataset() as dataset:
        for _ in range(2):
            with pytest.raises(segscore.UnreachableError):
                dataset.add(labels[:2], pred_probs[:2])
    assert flaky.count("/batches") == 2 and client.job(dataset.job.id).status == "canceled"


def test_connections_are_used_again(client, arrays):
    for _ in range(3):
        client.score(*arrays).job.delete()
        with pytest.raises(ValueError):
            client.score(*arrays, threshold=2)
    assert client._transport._pool_at(client._transport.url).num_connections == 1


def test_what_is_refused_is_not_sent_again(flaky, at_once, through, arrays):
    with pytest.raises(ValueError):
        at_once.score(arrays[0] + 9, arrays[1])
    assert flaky.count("POST /score") == 1
    with pytest.raises(ValueError):
        through.score(arrays[0] + 9, arrays[1])
    assert flaky.count("/batches") == 1 and flaky.count("/cancel") == 1


def test_waits_as_long_as_the_server_asks(flaky, at_once):
    flaky.will(proxy.busy(503, ("Retry-After", "1")), "GET /version")
    start = time.monotonic()
    at_once.version()
    assert time.monotonic() - start >= 1


def test_retry_after_is_seconds_or_a_date():
    assert seconds_of("3") == 3 and seconds_of(None) == seconds_of("soon") == seconds_of("-1") == 0
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert seconds_of("Fri, 31 Dec 2100 23:59:59 GMT") > 1e9


def test_waits_grow_and_end(monkeypatch):
    waits = []
    monkeypatch.setattr(_attempts, "FIRST_WAIT", 0.1)
    monkeypatch.setattr(_attempts.time, "sleep", waits.append)
    attempts, error = Attempts(12), segscore.SegscoreError({})
    for _ in range(12):
        attempts.failed(error)
    with pytest.raises(segscore.SegscoreError):
        attempts.failed(error)
    assert all(0.05 * 2**n <= wait <= 0.1 * 2**n for n, wait in enumerate(waits[:9])) and max(waits) <= 60


def test_a_busy_server_of_ours_is_waited_for(start_server, arrays):
    """A server with one place for open jobs, until that is given up."""
    server = start_server("--backlog", "1")
    client = segscore.Client(f"http://127.0.0.1:{server.port}", batch_bytes=20_000)
    with pytest.raises(segscore.SegscoreError) as caught, client.dataset():
        segscore.Client(f"http://127.0.0.1:{server.port}", retries=0).dataset()
    assert caught.value.type == "urn:segscore:too-many-open-jobs"
    assert client.score(*arrays).image_scores.shape == (7,)


def test_who_is_refused_while_sending_is_told_why(start_server, flaky, at_once):
    """The server answers from the head of the request, and reads no more of it."""
    labels, pred_probs = np.zeros((8, 256, 256), np.uint8), np.zeros((8, 10, 256, 256), np.float32)
    server = start_server("--max-body-bytes", "1MiB")
    with pytest.raises(segscore.SegscoreError) as caught:
        segscore.Client(f"http://127.0.0.1:{server.port}").score(labels, pred_probs)
    assert caught.value.status == 413 and caught.value.problem["limit"] == 1 << 20
    flaky.will(proxy.busy_at_the_head, "POST /score", times=3)
    assert at_once.score(labels, pred_probs).image_scores.shape == (8,)


def test_what_may_be_sent_again_has_a_key(flaky, through, arrays):
    through.score(*arrays)
    keys = [
        key
        for line, key in zip((line for line in flaky.seen if line.startswith("POST")), flaky.keys)
        if "/finish" not in line
    ]
    assert len(keys) == 5 and None not in keys and len(set(keys)) == 5, "to open the job, and for each batch"

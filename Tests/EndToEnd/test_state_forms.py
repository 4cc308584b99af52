"""State directories as each release has written them: this one opens them all, and owes what they promised."""

import base64
import json
import math
import shutil
import signal

import pytest

from make_state import BATCHES, FOREVER, STATES
from state import results, state_directory

FORMS = sorted(path.name for path in STATES.iterdir())


@pytest.fixture(params=FORMS)
def opened(request):
    """A copy of the directory of one release, and what is expected of it."""
    with state_directory() as state:
        shutil.copytree(STATES / request.param / "state", state.path)
        yield state, json.loads((STATES / request.param / "expected.json").read_text())


def readable(status, body):
    """An answer as the directory has it. What there is not may be told in other words, but not as another problem."""
    return [status, body if status == 200 else json.loads(body)["type"]]


def check_results(client, job, expected):
    assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
    found = {name: readable(status, body) for name, (status, _, body) in results(client, job).items()}
    if "regions" not in expected:
        # Until there were regions, the largest probabilities were kept only until a job was done.
        status, told = found.pop("regions")
        assert status == 200 or told == "urn:segscore:no-largest-probabilities"
    elif found["regions"][0] == 200:
        found["regions"][1] = without_decisions(found["regions"][1])
        expected = expected | {
            "regions": (200, base64.b64encode(without_decisions(base64.b64decode(expected["regions"][1]))))
        }
    if found["statistics"][0] == 200:
        found["statistics"][1] = without_parts(found["statistics"][1])
        expected = expected | {
            "statistics": (200, base64.b64encode(without_parts(base64.b64decode(expected["statistics"][1]))))
        }
    assert found == {name: readable(status, base64.b64decode(body)) for name, (status, body) in expected.items()}


def without_decisions(body):
    """The regions without the last word on them, of which earlier versions did not tell."""
    answer = json.loads(body)
    for region in answer["regions"]:
        assert [region.pop(name, None) for name in ("verdict", "label", "reviewer")] == [None] * 3
    return json.dumps(answer).encode()


def without_parts(body):
    """The statistics without the parts of sums, of which earlier versions did not tell, but whose sum they told."""
    answer = json.loads(body)
    for row in answer["classes"]:
        assert math.fsum(row.pop("sum_parts", [row["sum"]])) == row["sum"]
    return json.dumps(answer).encode()


def assert_tells(found, told):
    """All that was told of a job still is; a later version may tell more."""
    inner = {members: {name: found[members].get(name) for name in told[members]} for members in ("parameters", "links")}
    assert {name: found.get(name) for name in told} | inner == told


def test_what_was_promised_is_kept(opened):
    state, expected = opened
    for end in (signal.SIGKILL, signal.SIGTERM):
        client = state.start(*FOREVER)
        for job, document in expected["documents"].items():
            assert_tells(client.get(job).json(), document)
        for job, answers in (expected["kept"] | expected["queued"]).items():
            check_results(client, job, answers)
        state.end(end)


def test_open_jobs_go_on(opened):
    state, expected = opened
    client = state.start(*FOREVER)
    for job, answers in expected["open"].items():
        for body, key, status in [(BATCHES[0], "first", 200), (BATCHES[1], "second", 201)]:
            answer = client.score(body, path=f"{job}/batches", headers={"Idempotency-Key": key})
            assert answer.status_code == status, answer.text
        assert client.post(f"{job}/finish").status_code == 202
        check_results(client, job, answers)
    client = state.restart(signal.SIGKILL, *FOREVER)
    for job, answers in expected["open"].items():
        check_results(client, job, answers)

"""Jobs, batches, keys, uploads, hang-ups and restarts in any order, held against a plain model of what was promised.

`MODEL_EXAMPLES` says how many runs there are; if it is set, they are others each time, and what fails is made shorter.
"""

import dataclasses
import json
import os
import signal

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

import reference
from bodies import array_of, npz
from client import BareConnection, assert_problem
from server import eventually
from state import state_directory
from test_metrics import Metrics

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES or 20,
    stateful_step_count=40,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    print_blob=True,
    report_multiple_bugs=False,
    phases=list(hypothesis.Phase) if EXAMPLES else [hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
FLAGS = ("--workers", "1", "--drain-timeout", "1", "--backlog", "64")

SAMPLES = [reference.sample(images=count, classes=3, height=6, width=5, seed=count) for count in (1, 2, 3)]
BODIES = [npz(labels=labels, pred_probs=pred_probs) for labels, pred_probs in SAMPLES]
WRONG = npz(labels=SAMPLES[0][0] + 7, pred_probs=SAMPLES[0][1])
METHODS = ["softmin", "num_pixel_issues"]
ASYNC = {"Prefer": "respond-async"}
LIVE = {"queued", "running"}

samples = st.sampled_from(range(len(SAMPLES)))
methods = st.sampled_from(METHODS)
keys = st.sampled_from([None, "first", "first", "second"])
recent = st.integers(0, 3)  # How many jobs were named since.


def refused(answer, status, slug, parameter=None):
    """Checks a problem document; rules return nothing."""
    assert_problem(answer, status, slug, parameter)


@dataclasses.dataclass
class Job:
    """What a job should be: `accepted` ones succeed in the end, and `canceling` ones unless they are stopped before."""

    method: str
    status: str
    samples: list = dataclasses.field(default_factory=list)
    batches: dict = dataclasses.field(default_factory=dict)  # Of each key the sample, and what was answered.
    is_kept: bool = True  # Whether the next process knows of it.

    @property
    def statuses(self):
        if self.status == "canceling":
            return LIVE | {"succeeded", "canceled"}
        return LIVE | {"succeeded"} if self.status == "accepted" else {self.status}

    def expected(self):
        """The arrays that make up all images, and the scores of these."""
        labels, pred_probs = (np.concatenate(arrays) for arrays in zip(*(SAMPLES[sample] for sample in self.samples)))
        if self.method == "softmin":
            return reference.image_scores(labels, pred_probs)
        return reference.label_issues(labels, pred_probs).image_scores


@dataclasses.dataclass
class Upload:
    """Half of a body that is on its way; `job` is the one that it makes, or adds to."""

    connection: BareConnection
    rest: bytes
    sample: int
    job: str
    key: str | None
    is_batch: bool
    is_async: bool = False


class Service(RuleBasedStateMachine):
    """A server, and what its clients know of it."""

    uploads = Bundle("uploads")
    is_durable = True

    def __init__(self):
        super().__init__()
        self.directory = state_directory()
        self.state = self.directory.__enter__()
        self.there = {}  # The jobs by name.
        self.named = ["0" * 32]  # All that there ever were, and one that never was.
        self.keys = {}  # Of each key the job, its method and its sample.
        self.arriving = []
        self.start()

    def start(self):
        """A server without a state directory is one that is never ended."""
        if self.is_durable:
            self.client = self.state.start(*FLAGS)
        else:
            self.client = self.state.start_without(*FLAGS)

    def teardown(self):
        try:
            for upload in self.arriving:
                upload.connection.close()
            eventually(lambda: not self.live_uploads(), "uploads that were cut are gone")
            for job in self.names():
                assert self.client.delete(f"/jobs/{job}").status_code == 204
            assert self.names() == set()
            if self.is_durable:
                self.state.has_files_only_of()
            self.state.end()
        finally:
            self.directory.__exit__(None, None, None)

    def names(self):
        return set(self.client.job_ids())

    def live_uploads(self):
        return self.client.get("/jobs?status=receiving").json()["jobs"]

    def uploading(self, key):
        return any(upload.key == key and not upload.is_batch and upload.job in self.there for upload in self.arriving)

    def wait_for_requests(self, count):
        """Waits until so many are under way, beside the one that asks."""
        eventually(lambda: Metrics(self.client)("segscore_http_requests_in_flight") == 1 + count, f"{count} requests")

    def name(self, job, known):
        """Another job is there."""
        assert job not in self.named
        self.named.append(job)
        self.there[job] = known

    def job(self, since):
        """The job that was named so many before the last."""
        return self.named[max(-1 - since, -len(self.named))]

    def forget(self, job):
        self.there.pop(job, None)
        self.keys = {key: known for key, known in self.keys.items() if known[0] != job}

    # Scoring

    @rule(sample=samples, method=methods, key=keys, is_async=st.booleans())
    def score(self, sample, method, key, is_async):
        headers = ({"Idempotency-Key": key} if key else {}) | (ASYNC if is_async else {})
        answer = self.client.score(BODIES[sample], headers=headers, method=method)
        if key and self.uploading(key):
            return refused(answer, 409, "request-arriving", "Idempotency-Key")
        if key in self.keys:
            job, *known = self.keys[key]
            if known != [method, sample]:
                return refused(answer, 422, "idempotency-key-reused", "Idempotency-Key")
            if self.there[job].status in ("canceled", "canceling"):
                assert answer.status_code in (200, 202, 409), answer.text
            else:
                assert answer.status_code == (202 if is_async else 200), answer.text
                assert answer.headers["Location"] == f"/jobs/{job}"
            return None
        assert answer.status_code == (202 if is_async else 200), answer.text
        document = answer.json()
        job = document["id" if is_async else "job"]
        self.name(job, Job(method, "accepted" if is_async else "succeeded", [sample]))
        if not is_async:
            np.testing.assert_allclose(document["image_scores"], self.there[job].expected(), rtol=0, atol=1e-6)
        if key:
            self.keys[key] = (job, method, sample)
        return None

    @rule(key=keys)
    def score_what_is_wrong(self, key):
        answer = self.client.score(WRONG, headers={"Idempotency-Key": key} if key else {})
        if key and self.uploading(key):
            refused(answer, 409, "request-arriving", "Idempotency-Key")
        elif key in self.keys:
            refused(answer, 422, "idempotency-key-reused", "Idempotency-Key")
        else:
            refused(answer, 422, "label-out-of-range", "labels")

    # Batches

    @rule(method=methods)
    def open_job(self, method):
        answer = self.client.post("/jobs", params={"method": method})
        assert answer.status_code == 201, answer.text
        self.name(answer.json()["id"], Job(method, "open"))

    @rule(job=recent, sample=samples, key=keys)
    def add_batch(self, job, sample, key):
        job = self.job(job)
        answer = self.client.score(
            BODIES[sample], path=f"/jobs/{job}/batches", headers={"Idempotency-Key": key} if key else {}
        )
        if job not in self.there:
            return refused(answer, 404, "unknown-job")
        known = self.there[job]
        if known.status != "open":
            return refused(answer, 409, "job-not-open")
        if key and any(upload.job == job and upload.key == key and upload.is_batch for upload in self.arriving):
            return refused(answer, 409, "batch-arriving", "Idempotency-Key")
        if key in known.batches:
            if known.batches[key][0] != sample:
                return refused(answer, 422, "idempotency-key-reused", "Idempotency-Key")
            assert answer.status_code == 200 and answer.json() == known.batches[key][1], answer.text
            return None
        return self.assert_added(answer, job, sample, key)

    def assert_added(self, answer, job, sample, key):
        assert answer.status_code == 201, answer.content
        known = self.there[job]
        document = json.loads(answer.content)
        before = sum(len(SAMPLES[each][0]) for each in known.samples)
        assert (document["batch"], document["first_image"]) == (len(known.samples), before)
        known.samples.append(sample)
        if key:
            known.batches[key] = (sample, document)

    @rule(job=recent, key=keys)
    def add_what_is_wrong(self, job, key):
        job = self.job(job)
        answer = self.client.score(WRONG, path=f"/jobs/{job}/batches", headers={"Idempotency-Key": key} if key else {})
        assert answer.status_code in ((404, 409, 422) if job in self.there else (404,)), answer.text

    @rule(job=recent)
    def finish(self, job):
        job = self.job(job)
        answer = self.client.post(f"/jobs/{job}/finish")
        if job not in self.there:
            return refused(answer, 404, "unknown-job")
        if self.there[job].status != "open":
            return refused(answer, 409, "job-not-open")
        if any(upload.job == job and upload.is_batch for upload in self.arriving):
            return refused(answer, 409, "batch-arriving")
        if not self.there[job].samples:
            return refused(answer, 409, "no-batches")
        assert answer.status_code == 202, answer.text
        self.there[job].status = "accepted"
        return None

    # The end of jobs

    @rule(job=recent)
    def cancel(self, job):
        job = self.job(job)
        answer = self.client.post(f"/jobs/{job}/cancel")
        if job not in self.there:
            return refused(answer, 404, "unknown-job")
        assert answer.status_code == 200, answer.text
        known, status = self.there[job], answer.json()["status"]
        if known.status == "receiving" and not next(upload for upload in self.arriving if upload.job == job).is_async:
            known.is_kept = False  # Of who waits nothing is kept before there are results.
        if known.status in ("accepted", "canceling"):
            assert status in ("running", "succeeded", "canceled")
            status = "canceling" if status == "running" else status
        else:
            assert status == ("canceled" if known.status in ("open", "receiving") else known.status)
        known.status = status
        return None

    @rule(job=recent)
    def delete(self, job):
        job = self.job(job)
        answer = self.client.delete(f"/jobs/{job}")
        if job not in self.there:
            return refused(answer, 404, "unknown-job")
        assert answer.status_code == 204, answer.text
        self.forget(job)
        return None

    @rule(job=recent)
    def ask(self, job):
        """For all that there is of a job; who asks for a job that was accepted waits for its end."""
        job = self.job(job)
        known = self.there.get(job)
        has_to_end = known is not None and known.status in ("accepted", "canceling")
        document = self.client.get(f"/jobs/{job}?wait={30 if has_to_end else 0}")
        if known is None:
            return refused(document, 404, "unknown-job")
        if has_to_end:
            known.status = document.json()["status"] if known.status == "canceling" else "succeeded"
            assert known.status in ("succeeded", "canceled")
        assert document.json()["status"] == known.status, document.text
        scores = self.client.get(f"/jobs/{job}/image_scores")
        if known.status != "succeeded":
            return refused(
                scores, 409, {"failed": "job-failed", "canceled": "job-canceled"}.get(known.status, "job-not-finished")
            )
        np.testing.assert_allclose(array_of(scores), known.expected(), rtol=0, atol=1e-6)
        return None

    # Uploads

    def begin(self, body, target, key, *fields):
        connection = BareConnection(self.client.server.address)
        named = [f"Idempotency-Key: {key}"] if key else []
        connection.send_body_head(body, *named, *fields, target=target)
        half = len(body.data) // 2
        connection.send(body.data[:half])
        return connection, body.data[half:]

    @precondition(lambda self: len(self.arriving) < 3)
    @rule(target=uploads, sample=samples, method=methods, key=keys, is_async=st.booleans())
    def begin_upload(self, sample, method, key, is_async):
        if key and (key in self.keys or self.uploading(key)):
            key = None
        before = self.names()
        connection, rest = self.begin(
            BODIES[sample], f"/score?method={method}", key, *(["Prefer: respond-async"] if is_async else [])
        )
        (job,) = eventually(lambda: self.names() - before, "the upload's job is listed")
        self.name(job, Job(method, "receiving", [sample]))
        upload = Upload(connection, rest, sample, job, key, is_batch=False, is_async=is_async)
        self.arriving.append(upload)
        return upload

    @precondition(lambda self: len(self.arriving) < 3)
    @rule(target=uploads, job=recent, sample=samples)
    def begin_batch(self, job, sample):
        job = self.job(job)
        if job not in self.there or self.there[job].status != "open":
            return self.begin_upload(sample, METHODS[0], None, False)
        key = f"upload {len(self.arriving)} of {len(self.there[job].samples)}"
        if any(upload.job == job and upload.is_batch for upload in self.arriving) or key in self.there[job].batches:
            return self.begin_upload(sample, METHODS[0], None, False)
        connection, rest = self.begin(BODIES[sample], f"/jobs/{job}/batches", key)
        self.wait_for_requests(len(self.arriving) + 1)
        eventually(
            lambda: (
                "batch-arriving"
                in self.client.score(WRONG, path=f"/jobs/{job}/batches", headers={"Idempotency-Key": key}).text
            ),
            "the batch is on its way",
        )
        upload = Upload(connection, rest, sample, job, key, is_batch=True)
        self.arriving.append(upload)
        return upload

    @rule(upload=consumes(uploads))
    def end_upload(self, upload):
        if upload not in self.arriving:
            return
        self.arriving.remove(upload)
        with upload.connection:
            upload.connection.send(upload.rest)
            answer = upload.connection.read()
        known = self.there.get(upload.job)
        if upload.is_batch:
            if known is None:
                assert answer.status_code in (404, 409), answer.content
            elif known.status != "open":
                refused(answer, 409, "job-not-open")
            else:
                self.assert_added(answer, upload.job, upload.sample, upload.key)
        elif known is None:
            refused(answer, 409, "job-canceled")
        else:
            if known.status == "canceled" and not upload.is_async:
                refused(answer, 409, "job-canceled")
            elif known.status == "canceled":
                assert (answer.status_code, json.loads(answer.content)["status"]) == (202, "canceled")
            else:
                assert answer.status_code == (202 if upload.is_async else 200), answer.content
                known.status = "accepted" if upload.is_async else "succeeded"
            if upload.key:
                self.keys[upload.key] = (upload.job, known.method, upload.sample)

    @rule(upload=consumes(uploads))
    def hang_up(self, upload):
        if upload not in self.arriving:
            return
        self.arriving.remove(upload)
        upload.connection.close()
        self.wait_for_requests(len(self.arriving))
        if upload.is_batch:
            if upload.job in self.there and self.there[upload.job].status == "open":
                eventually(
                    lambda: (
                        self.client.score(
                            WRONG, path=f"/jobs/{upload.job}/batches", headers={"Idempotency-Key": upload.key}
                        ).status_code
                        == 422
                    ),
                    "the key of the batch is free",
                )
        elif upload.job in self.there and self.there[upload.job].status == "receiving":
            eventually(lambda: upload.job not in self.names(), "the job of an upload that was cut is gone")
            self.forget(upload.job)

    # Other processes

    @precondition(lambda self: self.is_durable)
    @rule(end=st.sampled_from([signal.SIGKILL, signal.SIGTERM]))
    def restart(self, end):
        self.client = self.state.restart(end, *FLAGS)
        for upload in self.arriving:
            upload.connection.close()
            known = self.there.get(upload.job)
            if upload.is_batch or known is None or known.status == "canceled":
                continue
            # Who waits was told by the connection; others may ask what became of their body.
            document = self.client.get(f"/jobs/{upload.job}")
            if upload.is_async and document.status_code == 200:
                known.status = document.json()["status"]
                assert known.status in ("failed", "canceled"), document.text
            else:
                refused(document, 404, "unknown-job")
                self.forget(upload.job)
        self.arriving.clear()
        for job in [job for job, known in self.there.items() if not known.is_kept]:
            if job not in self.names():
                self.forget(job)

    # Always

    @invariant()
    def the_jobs_are_those_that_there_should_be(self):
        listed = {job["id"]: job["status"] for job in self.client.get("/jobs?limit=500").json()["jobs"]}
        assert set(listed) == set(self.there)
        for job, status in listed.items():
            assert status in self.there[job].statuses, (job, status, self.there[job])


class ForgetfulService(Service):
    """The same without a state directory, where nothing ends the process."""

    is_durable = False


TestService = Service.TestCase
TestService.settings = SETTINGS
TestForgetfulService = ForgetfulService.TestCase
TestForgetfulService.settings = hypothesis.settings(SETTINGS, max_examples=EXAMPLES or 8)


# What went wrong before


@pytest.fixture
def service():
    service = Service()
    yield service
    service.teardown()


def test_a_key_is_forgotten_by_none_but_the_request_that_has_it(service):
    """An upload whose job was deleted ends after another request took its key."""
    for end in (service.hang_up, service.end_upload):
        upload = service.begin_upload(sample=0, method="softmin", key="first", is_async=False)
        service.delete(job=0)
        service.score(sample=1, method="softmin", key="first", is_async=False)
        end(upload)
        service.score(sample=1, method="softmin", key="first", is_async=False)
        service.the_jobs_are_those_that_there_should_be()
        service.delete(job=0)


def test_a_batch_with_the_key_of_another_is_refused(service):
    service.open_job(method="softmin")
    service.add_batch(job=0, sample=0, key="first")
    service.add_batch(job=0, sample=0, key="first")
    service.add_batch(job=0, sample=1, key="first")
    service.finish(job=0)
    service.ask(job=0)


def test_a_job_that_was_accepted_is_there_after_a_restart(service):
    for end in (signal.SIGKILL, signal.SIGTERM):
        service.score(sample=2, method="num_pixel_issues", key=None, is_async=True)
        service.open_job(method="softmin")
        service.add_batch(job=0, sample=0, key="first")
        service.begin_upload(sample=0, method="softmin", key=None, is_async=True)
        service.restart(end)
        service.the_jobs_are_those_that_there_should_be()
        service.add_batch(job=1, sample=0, key="first")
        service.finish(job=1)
        service.ask(job=1)
        service.ask(job=2)

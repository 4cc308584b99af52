"""Requests in a fixed order, and what their answers promise, whatever fails, and whenever the server ends."""

import dataclasses
import itertools
import json
import time

import requests

import bodies
import reference
from client import PROBLEM
from server import eventually
from state import results

LABELS, PRED_PROBS = reference.sample(images=3, height=8, width=6)
ISSUES = {"method": "num_pixel_issues"}
COMPARED = ["image_scores", "pixel_scores", "label_issues"]
ASYNC = {"Prefer": "respond-async"}
# What a server answers whose own means have failed.
HONEST = (500, 503, 507)


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """What is to be scored, in one body or several."""

    bodies: tuple
    parameters: dict = dataclasses.field(default_factory=dict)


def sent(form, images=slice(None), order=("labels", "pred_probs")):
    arrays = {"labels": LABELS[images], "pred_probs": PRED_PROBS[images]}
    return form(**{name: arrays[name] for name in order})


SCORED = Task((sent(bodies.npz),), {"threshold": "0.3"})
SPOOLED = Task((sent(bodies.npz_deflated, order=("pred_probs", "labels")),), ISSUES)
FORM = Task((sent(bodies.multipart),))
TYPED = Task((sent(bodies.json_body),))
BATCHES = Task((sent(bodies.npz, slice(0, 1)), sent(bodies.multipart, slice(1, 3))), ISSUES)
TASKS = [SCORED, SPOOLED, FORM, TYPED, BATCHES]
IMAGES = (1, 2)  # Of the batches.


def expected_results(client):
    """What a server answers to which nothing happens, by task."""
    found = {}
    for task in TASKS:
        if len(task.bodies) == 1:
            job = client.scored(task.bodies[0], **task.parameters)["links"]["self"]
        else:
            job = client.post("/jobs", params=task.parameters).headers["Location"]
            for body in task.bodies:
                assert client.score(body, path=f"{job}/batches").status_code == 201
            assert client.post(f"{job}/finish").status_code == 202
            assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
        found[task] = results(client, job, COMPARED)
    return found


@dataclasses.dataclass
class Fact:
    """What a job may be: more than one thing while a request about it is not answered."""

    task: Task
    stages: set
    images: set = dataclasses.field(default_factory=lambda: {0})

    def copy(self):
        return Fact(self.task, set(self.stages), set(self.images))


@dataclasses.dataclass
class Page:
    """What held from some moment on: a place in the log of what the server did to its files."""

    begins: int
    facts: dict
    unanswered: tuple | None
    written: dict


def asking(fault):
    """The place of the log before which nothing of a request is done that is about to be sent."""
    return fault.control.logged


def answered(fault):
    """The place of the log from which on the last answer is out."""
    return fault.control.sent


class Story:
    """What one client does and is told. Its first request that finds no server ends it."""

    numbers = itertools.count()

    def __init__(self, expected, output=None):
        """`output` is the path of a folder to be made in the server's data directory `out`, or none."""
        self.expected = expected
        self.output = output
        self.name = f"story {next(self.numbers)}"
        self.facts = {}
        self.refused = []
        # What was sent and not answered, and may have made a job that nobody knows of.
        self.unanswered = None
        self.written = {}
        self.wrong = []
        self.patient = True
        # Whether a connection may be lost for which the server finds no memory.
        self.forgives_hangups = False
        self.hangups = []
        self.clock = None
        self.pages = []

    def tell(self, client):
        """Goes through all requests; returns whether the server was there for the last."""
        self.client = client
        try:
            for step in (
                self.score,
                self.score_later,
                self.bring_batches,
                self.leave_open,
                self.cancel,
                self.delete,
                self.write_output,
            ):
                step()
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return False
        return True

    # Time

    def turn_page(self, place):
        """Notes what holds from a place of the log on: that where a request is about to be sent, or was answered."""
        if self.clock:
            facts = {job: fact.copy() for job, fact in self.facts.items()}
            self.pages.append(Page(place(self.clock), facts, self.unanswered, dict(self.written)))

    def at(self, place):
        """The same story as far as it had come at a place of the log."""
        story = Story(self.expected, self.output)
        story.name = self.name
        for page in self.pages:
            if page.begins > place:
                break
            story.facts = {job: fact.copy() for job, fact in page.facts.items()}
            story.unanswered, story.written = page.unanswered, page.written
        return story

    # Requests

    def ask(self, method, path, status, body=None, headers=None, /, **parameters):
        """Asks, and again where the answer is an honest refusal: what failed once works then. None if not."""
        headers = (body.fields if body else {}) | (headers or {})
        accepted = {status}
        is_end = method == "DELETE" or path.endswith("/cancel")
        for turn in range(200 if is_end else 2):
            try:
                answer = self.client.request(
                    method, path, data=body.data if body else None, headers=headers, params=parameters
                )
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                if not self.forgives_hangups or not self.client.is_served():
                    raise
                # The request may have been followed all the same.
                self.hangups.append((method, path))
                accepted |= {200, 404, 409}
                continue
            if answer.status_code in accepted:
                return answer
            if answer.status_code not in HONEST or answer.headers["Content-Type"].partition(";")[0] != PROBLEM:
                self.wrong.append(f"{method} {path} {parameters}: {answer.status_code} {answer.content[:300]}")
                return None
            self.refused.append((method, path, json.loads(answer.content)["detail"]))
            if is_end:
                # The job has ended, and what could not be written of that is written soon: then it is answered so.
                accepted |= {200, 404}
                time.sleep(0.02 * (turn > 0))
        if self.patient:
            self.wrong.append(f"{method} {path}: refused twice, {self.refused[-1]}")
        return None

    def make(self, path, status, stage, task, key, headers=None, /, **parameters):
        """Has a job made; returns its path, or None."""
        self.unanswered = (task, key, headers, parameters)
        self.turn_page(asking)
        fields = {"Idempotency-Key": f"{self.name} {key}"} | (headers or {})
        body = task.bodies[0] if path == "/score" else None
        answer = self.ask("POST", path, status, body, fields if body else None, **task.parameters, **parameters)
        self.unanswered = None
        if answer is None:
            return None
        job = answer.headers["Location"]
        self.facts[job] = Fact(task, {stage})
        if "output" in parameters:
            self.written |= {path.name: path.read_bytes() for path in self.output.iterdir()}
        self.turn_page(answered)
        return job

    def change(self, job, method, path, status, stage, *between):
        """Has a job become something else, by way of other stages maybe."""
        fact = self.facts[job]
        before = set(fact.stages)
        fact.stages |= {stage, *between}
        self.turn_page(asking)
        fact.stages = before if self.ask(method, path, status) is None else {stage}
        self.turn_page(answered)

    def add(self, job, number):
        fact = self.facts[job]
        body, before = fact.task.bodies[number], set(fact.images)
        after = {count + IMAGES[number] for count in before}
        fact.images = before | after
        self.turn_page(asking)
        # One that was added before it was refused would be answered 200.
        answer = self.ask("POST", f"{job}/batches", 201, body, {"Idempotency-Key": f"batch {number}"})
        fact.images = before if answer is None else after
        self.turn_page(answered)

    # Steps

    def score(self):
        for task in (SCORED, TYPED):
            job = self.make("/score", 200, "succeeded", task, f"now {TASKS.index(task)}")
            if job:
                self.read(job)

    def read(self, job):
        task = self.facts[job].task
        found = {name: self.ask("GET", f"{job}/{name}", self.expected[task][name][0]) for name in COMPARED}
        for name, answer in found.items():
            status, _, content = self.expected[task][name]
            if status == 200 and answer is not None and answer.content != content:
                self.wrong.append(f"{job} {name}: other results")

    def score_later(self):
        for task in (SPOOLED, FORM):
            self.make("/score", 202, "succeeded", task, f"later {TASKS.index(task)}", ASYNC)

    def bring_batches(self):
        job = self.make("/jobs", 201, "open", BATCHES, None)
        if job:
            self.add(job, 0)
            self.add(job, 1)
            self.change(job, "POST", f"{job}/finish", 202, "succeeded")

    def leave_open(self):
        job = self.make("/jobs", 201, "open", BATCHES, None)
        if job:
            self.add(job, 0)

    def cancel(self):
        job = self.make("/jobs", 201, "open", BATCHES, None)
        if job:
            self.add(job, 0)
            self.change(job, "POST", f"{job}/cancel", 200, "canceled")

    def delete(self):
        for headers, status in ((None, 200), (ASYNC, 202)):
            job = self.make("/score", status, "succeeded", FORM, f"deleted {status}", headers)
            if job:
                # One that has not ended is canceled first.
                self.change(job, "DELETE", job, 204, "gone", "canceled")

    def write_output(self):
        if self.output:
            self.make("/score", 200, "succeeded", SCORED, "written", output=f"out/{self.output.name}")

    # What has to be so

    def check(self, client):
        """Asks whether all is as was promised; what is not goes to `wrong`. Returns what the server says."""
        said = {}
        for job, fact in self.facts.items():
            answer = client.get(job)
            if answer.status_code == 200 and answer.json()["status"] in ("queued", "running"):
                answer = client.get(f"{job}?wait=30")
            document = answer.json()
            stage = "gone" if answer.status_code == 404 else document["status"]
            said[job] = stage
            if stage not in fact.stages:
                self.wrong.append(f"{job} may be {fact.stages}, and is {document}")
            elif stage == "succeeded":
                found = results(client, job, COMPARED)
                if other := [name for name in COMPARED if found[name] != self.expected[fact.task][name]]:
                    self.wrong.append(f"{job}: other {other} than expected: {[found[name][0] for name in other]}")
            elif stage == "open":
                images = document["shape"]["images"] if document.get("shape") else 0
                if images not in fact.images:
                    self.wrong.append(f"{job} may have {fact.images} images, and has {images}")
            fact.stages = {stage}
        known = {job for job, stage in said.items() if stage != "gone"}
        others = {f"/jobs/{job}" for job in client.job_ids()} - known
        self.check_unanswered(client, others)
        return said

    def check_unanswered(self, client, others):
        """Sends a request again that was not answered: nobody knows what came of it, but of one job at most."""
        allowed = 0
        if self.unanswered:
            task, key, headers, parameters = self.unanswered
            allowed = 1
            if key:
                fields = {"Idempotency-Key": f"{self.name} {key}"} | (headers or {})
                answer = client.score(task.bodies[0], headers=fields, **task.parameters, **parameters)
                if answer.status_code != (202 if headers else 200):
                    self.wrong.append(f"sent again: {answer.status_code} {answer.text}")
                elif others and answer.headers["Location"] not in others and not self.has_failed(client, others):
                    self.wrong.append("sent again it made a second job")
                else:
                    self.facts[answer.headers["Location"]] = Fact(task, {"succeeded"})
            self.unanswered = None
        allowed += sum(request == ("POST", "/jobs") for request in self.hangups)
        if len(others) > allowed:
            self.wrong.append(f"jobs that nobody was told of: {[client.get(job).json() for job in others]}")

    @staticmethod
    def has_failed(client, jobs):
        return all(client.get(job).json()["status"] == "failed" for job in jobs)

    def end(self, client, state):
        """Deletes all jobs; nothing is left of them."""
        for job in client.job_ids():
            answer = client.delete(f"/jobs/{job}")
            if answer.status_code != 204:
                self.wrong.append(f"DELETE {job}: {answer.status_code} {answer.text}")
        state.has_files_only_of()
        eventually(
            lambda: counted(client) == {"memory": 0, "results": 0, "in_flight": 1},
            "nothing is counted that is not there",
        )
        assert client.server.spooled_files() == []


def counted(client):
    """What the server counts of memory, of results and of requests under way."""
    values = dict(line.split(" ") for line in client.get("/metrics").text.splitlines() if not line.startswith("#"))
    names = {"memory": "memory_bytes", "results": "result_bytes", "in_flight": "http_requests_in_flight"}
    return {name: float(values[f"segscore_{metric}"]) for name, metric in names.items()}

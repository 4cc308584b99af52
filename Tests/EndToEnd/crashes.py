"""A server that is killed again and again under traffic, and what it owes its clients in the end."""

import collections
import contextlib
import dataclasses
import datetime
import itertools
import logging
import random
import signal
import subprocess
import threading
import time

import requests

import bodies
import reference
from server import BINARY, PATIENCE, environment, eventually
from state import DECIDED, RESULTS, results

LOG = logging.getLogger(__name__)
CALLERS = 5
# One worker, so that jobs wait; many places, so that none is answered 503.
# And whatever runs when the server is killed is not to blame.
FLAGS = ("--workers", "1", "--backlog", "2000", "--job-attempts", "0")


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """What is to be scored: one body, or several that come as batches."""

    parameters: dict
    bodies: tuple
    image_counts: tuple

    @property
    def results(self):
        return RESULTS + (DECIDED if self.parameters["method"] == "num_pixel_issues" else [])


def tasks(seed, side=48):
    """A few of each method and form."""
    forms = list(bodies.FORMS.values())

    def body(images, turn, size):
        labels, pred_probs = reference.sample(images=images, classes=4, height=size, width=size, seed=seed + turn)
        arrays = {"labels": labels, "pred_probs": pred_probs}
        # As JSON scores are float64, and a job's are of one type.
        form = forms[turn % len(forms)] if images < 3 else bodies.npz
        return form(**dict(reversed(arrays.items())) if turn % 3 == 0 else arrays)

    made = []
    for turn in range(8):
        parameters = {"method": ["softmin", "num_pixel_issues"][turn % 2]}
        parameters |= {"downsample": "2"} if turn == 3 else {"temperature": "0.3"} if turn == 4 else {}
        parameters |= {"ignore_label": "1"} if turn % 4 == 1 else {}
        made.append(Task(parameters, (body(2, turn, side if turn % 2 else 8),), (2,)))
        counts = (3, 4, 3) if turn % 3 else (3, 5)
        batches = tuple(
            body(count, 10 * turn + place, side // 2 if turn < 6 else side - 8 * place)
            for place, count in enumerate(counts)
        )
        made.append(Task(parameters, batches, counts))
    # Some that keep the worker busy, and have others wait.
    for classes in (2, 3):
        labels, pred_probs = reference.sample(images=1, classes=classes, height=256, width=256, seed=seed)
        large = bodies.npz(labels=labels, pred_probs=pred_probs)
        made.append(Task({"method": "num_pixel_issues"}, (large,), (1,)))
        made.append(Task({"method": "num_pixel_issues"}, (large,) * 3, (1,) * 3))
    return made


def expected_results(client, task):
    """What a server answers that nobody kills."""
    if len(task.bodies) == 1:
        return results(client, client.scored(task.bodies[0], **task.parameters)["links"]["self"], task.results)
    job = client.post("/jobs", params=task.parameters).headers["Location"]
    for body in task.bodies:
        assert client.score(body, path=f"{job}/batches").status_code == 201
    assert client.post(f"{job}/finish").status_code == 202
    assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
    return results(client, job, task.results)


@dataclasses.dataclass
class Promise:
    """A job that was accepted."""

    job: str
    task: Task
    at: float = dataclasses.field(default_factory=time.time)


@dataclasses.dataclass
class Collection:
    """An open job, and how many of its batches were answered."""

    job: str
    task: Task
    added: int = 0


@dataclasses.dataclass
class Request:
    """A scoring request that was not answered and is to be sent again."""

    task: Task
    key: str
    headers: dict


class Caller:
    """One client, over all servers: what it was promised, and what is not as it should be."""

    def __init__(self, name, pool, expected, kills=(), refusals=()):
        """`refusals` are statuses that may come instead of any other, and change nothing."""
        self.name = name
        self.refusals = refusals
        self.pool = pool
        self.expected = expected
        self.kills = kills
        self.random = random.Random(name)
        self.numbers = itertools.count()
        self.session = requests.Session()
        self.promised, self.open, self.unanswered = [], [], []
        self.deleted, self.canceled, self.returned = [], [], []
        self.counts = collections.Counter()
        self.wrong = []

    # Rounds

    def connect(self, address):
        """Has what follows go to a server."""
        self.base = f"http://{address[0]}:{address[1]}"
        self.session = requests.Session()
        self.session.trust_env = False
        return self.session

    def work(self, address, is_over=lambda: False):
        """Takes turns until the server is gone, or it is time to end."""
        with self.connect(address):
            try:
                while not is_over():
                    self.take_turn()
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                pass
            except Exception as error:
                # Nobody hears of an exception that ends a thread.
                LOG.exception("a caller gave up")
                self.wrong.append(repr(error))

    def take_turn(self):
        if self.unanswered:
            return self.score(self.unanswered.pop())
        if len(self.promised) > 25:
            return self.collect()
        turns = [self.score_later] * 5 + [self.score_now] + [self.add] * 6 + [self.finish] * 3 + [self.collect] * 3
        turns += [self.cancel, self.delete, self.begin]
        self.random.choice(turns)()

    def settle(self):
        """Sends what is left to send, and collects all that was promised, from a server that stays."""
        while self.unanswered:
            self.score(self.unanswered.pop())
        while self.open:
            self.add(self.open[0]) if self.open[0].added < len(self.open[0].task.bodies) else self.finish()
        while self.promised:
            self.collect()

    def look_back(self):
        """Looks for what was deleted or canceled and is not any more."""
        for job in self.deleted:
            if self.get(job).status_code != 404:
                self.returned.append(f"{job} was deleted")
        for job in self.canceled:
            # Forgotten it may be, as all are that ended long ago.
            status = self.get(job).json()["status"]
            if status not in ("canceled", 404):
                self.returned.append(f"{job} was canceled, and is {status}")

    def call(self, method, path, allowed, body=None, headers=None, /, **parameters):
        answer = self.session.request(
            method,
            self.base + path,
            params=parameters,
            data=body.data if body else None,
            headers=(body.fields if body else {}) | (headers or {}),
            timeout=PATIENCE + 40,
        )
        self.counts[answer.status_code] += 1
        if answer.status_code not in (*allowed, *self.refusals):
            self.wrong.append(f"{method} {path} {parameters} {headers}: {answer.status_code} {answer.content[:300]}")
        return answer

    # Turns

    def next_key(self):
        return f"{self.name}/{next(self.numbers)}"

    def some_task(self, has_batches):
        return self.random.choice([task for task in self.pool if (len(task.bodies) > 1) == has_batches])

    def score_later(self):
        self.score(Request(self.some_task(False), self.next_key(), {"Prefer": "respond-async"}))

    def score_now(self):
        self.score(Request(self.some_task(False), self.next_key(), {}))

    def score(self, request):
        """Sends a request, maybe once more; it is one job all the same."""
        self.unanswered.append(request)
        headers = {"Idempotency-Key": request.key} | request.headers
        answer = self.call(
            "POST",
            "/score",
            (202,) if request.headers else (200,),
            request.task.bodies[0],
            headers,
            **request.task.parameters,
        )
        self.unanswered.pop()
        if answer.status_code in (200, 202):
            self.promised.append(Promise(answer.headers["Location"], request.task))
            self.counts["accepted"] += answer.status_code == 202
            if self.random.random() < 0.2:
                again = self.call(
                    "POST", "/score", (answer.status_code,), request.task.bodies[0], headers, **request.task.parameters
                )
                if again.headers.get("Location") != answer.headers["Location"]:
                    self.wrong.append(f"{request.key} made two jobs")

    def begin(self):
        """Begins an upload that does not end before the server does, or the client hangs up."""
        body = self.some_task(False).bodies[0]

        def half():
            yield body.data[: len(body.data) // 2]
            time.sleep(0.05)
            raise requests.ConnectionError("hangs up")

        with requests.Session() as session, contextlib.suppress(requests.RequestException):
            session.trust_env = False
            session.post(
                self.base + "/score", data=half(), headers=body.fields | {"Prefer": "respond-async"}, timeout=PATIENCE
            )

    def add(self, collection=None):
        """Brings the next batch of an open job, maybe for the second time, or opens another."""
        wanting = [each for each in self.open if each.added < len(each.task.bodies)]
        if collection is None and (not wanting or self.random.random() < 0.2) and len(self.open) < 6:
            task = self.some_task(True)
            answer = self.call("POST", "/jobs", (201,), **task.parameters)
            if answer.status_code == 201:
                self.open.append(Collection(answer.headers["Location"], task))
            return
        collection = collection or (self.random.choice(wanting) if wanting else None)
        if not collection:
            return
        # One that was answered before is not added again.
        number = collection.added - (collection.added > 0 and self.random.random() < 0.2)
        first = sum(collection.task.image_counts[:number])
        answer = self.call(
            "POST",
            f"{collection.job}/batches",
            (200,) if number < collection.added else (200, 201),
            collection.task.bodies[number],
            {"Idempotency-Key": f"batch {number}"},
        )
        if answer.status_code in self.refusals:
            return
        if answer.status_code not in (200, 201):
            self.open.remove(collection)
        elif (answer.json()["batch"], answer.json()["first_image"]) != (number, first):
            self.wrong.append(f"{collection.job}: batch {number} from image {first} on is {answer.text}")
        collection.added = max(collection.added, number + 1)
        self.counts["batches"] += answer.status_code == 201

    def finish(self):
        for collection in self.open:
            if collection.added == len(collection.task.bodies):
                # Where it was not answered before, it may be finished already.
                answer = self.call("POST", f"{collection.job}/finish", (202, 409))
                if answer.status_code in self.refusals:
                    return
                self.open.remove(collection)
                if answer.status_code == 409 and "job-not-open" not in answer.text:
                    self.wrong.append(f"{collection.job}: {answer.text}")
                self.promised.append(Promise(collection.job, collection.task))
                self.counts["accepted"] += 1
                return

    def collect(self):
        """Fetches what a job has made, and maybe forgets it then."""
        if not self.promised:
            return
        promise = self.random.choice(self.promised)
        document = self.call("GET", promise.job, (200,), wait=20).json()
        if document.get("status") == "succeeded":
            started = datetime.datetime.fromisoformat(document["started_at"]).timestamp()
            found = results(self, promise.job, promise.task.results)
            differing = [name for name in found if found[name] != self.expected[promise.task][name]]
            if differing:
                self.wrong.append(f"{promise.job}: other {differing} than expected")
        else:
            started = promise.at
            self.wrong.append(f"{promise.job} was accepted: {document}")
        self.promised.remove(promise)
        self.counts["collected"] += 1
        self.counts["run again"] += any(promise.at < kill < started for kill in self.kills)
        if self.random.random() < 0.8:
            self.end("DELETE", promise.job)

    def get(self, path):
        """For `results`."""
        return self.session.get(self.base + path, timeout=PATIENCE)

    def cancel(self):
        self.drop(self.cancel_job)

    def delete(self):
        self.drop(lambda job: self.end("DELETE", job))

    def drop(self, way):
        """Takes a job that may not have ended, open or not, and has it end. Without an answer either is right."""
        kept = self.random.choice([self.promised, self.open])
        if kept:
            way(kept.pop(self.random.randrange(len(kept))).job)

    def cancel_job(self, job):
        if self.call("POST", f"{job}/cancel", (200,)).json().get("status") == "canceled":
            self.canceled.append(job)

    def end(self, method, job):
        if self.call(method, job, (204,)).status_code == 204:
            self.deleted.append(job)


@dataclasses.dataclass
class Report:
    rounds: int
    kills: int
    accepted: int
    batches: int
    run_again: int
    answers: dict
    interrupted: int
    seconds: float
    wrong: list
    # What was deleted or canceled, and is there again.
    returned: list

    def __str__(self):
        return (
            f"{self.rounds} rounds, {self.kills} kills in {self.seconds:.1f} s: {self.accepted} jobs accepted, "
            f"{self.run_again} of them run after a crash, {self.batches} batches added, "
            f"{self.interrupted} uploads cut short, answers {self.answers}, {len(self.wrong)} wrong, "
            f"{len(self.returned)} returned"
        )


def start_and_kill(state, seconds):
    """Kills a server while it starts."""
    command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--spool-dir", state.spool, "--state-dir", state.path]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [str(part) for part in [*command, *FLAGS]],
            env=environment(),
            timeout=seconds,
            capture_output=True,
            check=False,
        )


def run(state, plain, rounds, seed, longest=1.0):
    """Kills the server of a state directory so many times under traffic, and then has it keep all it has promised.

    `plain` is a client of a server without one, which says what is right.
    """
    started = time.monotonic()
    choice = random.Random(seed)
    pool = tasks(seed)
    expected = {task: expected_results(plain, task) for task in pool}
    kills = []
    callers = [Caller(f"{seed}-{number}", pool, expected, kills) for number in range(CALLERS)]
    for turn in range(rounds):
        if turn % 4 == 3:
            start_and_kill(state, choice.uniform(0.02, 0.2))
            kills.append(time.time())
        client = state.start(*FLAGS)
        threads = [
            threading.Thread(target=caller.work, args=[client.server.address], daemon=True) for caller in callers
        ]
        for thread in threads:
            thread.start()
        time.sleep(choice.uniform(0.05, longest))
        state.end(signal.SIGKILL)
        kills.append(time.time())
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    client = state.start(*FLAGS)
    for caller in callers:
        with caller.connect(client.server.address):
            caller.settle()
            caller.look_back()
    wrong = [line for caller in callers for line in caller.wrong]
    interrupted = client.get("/jobs", params={"status": "failed", "limit": 500}).json()["jobs"]
    wrong += [
        f"{job['id']} failed: {job['error']}"
        for job in interrupted
        if job["error"]["type"] != "urn:segscore:upload-interrupted"
    ]
    eventually(lambda: not client.get("/jobs?status=running").json()["jobs"], "all have ended")
    while ids := client.job_ids():
        for job in ids:
            client.delete(f"/jobs/{job}")
    state.has_files_only_of()
    state.end()
    counts = sum((caller.counts for caller in callers), collections.Counter())
    answers = {
        status: count for status, count in sorted((key, value) for key, value in counts.items() if isinstance(key, int))
    }
    return Report(
        rounds,
        len(kills),
        counts["accepted"],
        counts["batches"],
        counts["run again"],
        answers,
        len(interrupted),
        time.monotonic() - started,
        wrong,
        [line for caller in callers for line in caller.returned],
    )

"""Callers that use every path of a server, rightly and wrongly, and count what they were answered."""

import collections
import logging
import random
import re
import socket
import struct

import numpy as np
import requests

import bodies
import reference

LOG = logging.getLogger(__name__)
JOB = re.compile("/jobs/[0-9a-f]{32}")


def sample(seed, images, side, classes):
    labels, pred_probs = reference.sample(
        images=images, height=side, width=side, classes=classes, seed=seed, dtype=np.float32
    )
    return {"labels": labels, "pred_probs": pred_probs}


SMALL, MEDIUM = sample(1, 2, 16, 4), sample(2, 2, 96, 6)
PARTED = {name: MEDIUM[name] for name in ("pred_probs", "labels")}  # Waits in a file.
BODIES = [
    bodies.npz(**SMALL),
    bodies.npz(**MEDIUM),
    bodies.npz_deflated(**MEDIUM),
    bodies.npz_streamed(**MEDIUM),
    bodies.npz(**PARTED),
    bodies.multipart(**MEDIUM),
    bodies.multipart(**PARTED),
    bodies.json_body(**SMALL),
    bodies.gzipped(bodies.json_body(**SMALL)),
    bodies.gzipped(bodies.npz(**MEDIUM)),
]
MISTAKES = [
    (bodies.Body(b"x", {"Content-Type": "application/x-npz"}), 415),
    (bodies.json_text('{"labels": '), 400),
    (bodies.npz(labels=SMALL["labels"] + 9, pred_probs=SMALL["pred_probs"]), 422),
    (bodies.npz(labels=SMALL["labels"], pred_probs=SMALL["pred_probs"] + 2), 422),
    (bodies.Body(b"x", {"Content-Type": "text/plain"}), 415),
]


class Caller:
    """One client with a connection of its own, and what it was answered: by route, method and status."""

    def __init__(self, server, seed):
        self.server = server
        self.random = random.Random(seed)
        self.session = requests.Session()
        self.session.trust_env = False
        self.answers = collections.Counter()
        self.sent_bytes = 0
        self.succeeded = collections.Counter()  # Jobs, by method.
        self.unexpected = []
        self.aborted = self.reset = 0

    def call(self, method, path, expected, /, body=None, headers=None, **parameters):
        """Asks, and takes what is not expected down, except that the server may always be too busy."""
        fields = (body.fields if body else {}) | (headers or {})
        answer = self.session.request(
            method,
            f"http://127.0.0.1:{self.server.port}{path}",
            params=parameters,
            data=body.data if body else None,
            headers=fields,
            timeout=60,
        )
        self.answers[(JOB.sub("/jobs/{id}", path), method, answer.status_code)] += 1
        self.sent_bytes += len(body.data) if body else 0
        is_busy = answer.status_code == 503 and "Retry-After" in answer.headers
        if not is_busy and answer.status_code not in (expected if isinstance(expected, tuple) else (expected,)):
            self.unexpected.append(f"{method} {path} {parameters}: {answer.status_code} {answer.content[:200]}")
        return answer

    def take_turn(self):
        turns = [self.score] * 6 + [
            self.decide,
            self.ask_later,
            self.bring_batches,
            self.cancel,
            self.abort,
            self.err,
            self.look_around,
        ]
        try:
            self.random.choice(turns)()
        except Exception as error:
            # Nobody hears of an exception that ends a thread.
            LOG.exception("a turn failed")
            self.unexpected.append(repr(error))

    def score(self):
        accept = self.random.choice(["application/json", "application/x-npz"])
        body = self.random.choice(BODIES)
        answer = self.call("POST", "/score", 200, body, {"Accept": accept}, method="softmin", threshold="0.2")
        if answer.status_code == 200:
            self.succeeded["softmin"] += 1
            if accept == "application/json" and self.random.random() < 0.5:
                self.read(answer.json()["links"]["self"], "pixel_scores", "issues")

    def decide(self):
        answer = self.call("POST", "/score", 200, self.random.choice(BODIES), method="num_pixel_issues")
        if answer.status_code == 200:
            self.succeeded["num_pixel_issues"] += 1
            job = answer.json()["links"]["self"]
            self.read(job, "label_issues", "image_scores")
            self.call("GET", f"{job}/statistics", (200, 404, 410))
            self.call("GET", f"{job}/summary", (200, 404, 410))

    def read(self, job, *arrays):
        """A job's arrays, in pieces too; it may have had to make room by now."""
        for array in arrays:
            whole = self.call("GET", f"{job}/{array}", (200, 404, 410))
            part = self.call("GET", f"{job}/{array}", (206, 404, 410), headers={"Range": "bytes=10-99"})
            if part.status_code == 206 and whole.status_code == 200 and part.content != whole.content[10:100]:
                self.unexpected.append(f"{job}/{array}: another range than that of the whole")
        self.call("GET", f"{job}/pixel_scores", (200, 404, 410), headers={"Accept": "image/png"}, image=0)
        self.call("GET", f"{job}/ranking", (200, 404, 410), limit=1)

    def ask_later(self):
        answer = self.call(
            "POST", "/score", 202, self.random.choice(BODIES), {"Prefer": "respond-async"}, method="softmin"
        )
        if answer.status_code != 202:
            return
        self.succeeded["softmin"] += 1
        job = answer.headers["Location"]
        ended = self.call("GET", job, 200, wait=30).json()
        if ended["status"] != "succeeded":
            self.unexpected.append(f"{job}: {ended}")
        self.call("GET", f"{job}/events", 200)
        self.read(job, "image_scores")
        if self.random.random() < 0.5:
            self.call("DELETE", job, 204)
            self.call("GET", job, 404)

    def open(self, method):
        answer = self.call("POST", "/jobs", 201, method=method)
        return answer.headers["Location"] if answer.status_code == 201 else None

    def bring_batches(self):
        method = self.random.choice(["softmin", "num_pixel_issues"])
        job = self.open(method)
        if not job:
            return
        added = 0
        for number in range(3):
            key = {"Idempotency-Key": f"batch {number}"}
            answer = self.call("POST", f"{job}/batches", 201, BODIES[1 + number], key)
            added += answer.status_code == 201
        if not added:
            self.call("DELETE", job, (204, 409))
            self.call("POST", f"{job}/cancel", (200, 404))
            return
        if self.call("POST", f"{job}/finish", 202).status_code == 202:
            self.succeeded[method] += 1
            ended = self.call("GET", job, 200, wait=30).json()
            if ended["status"] != "succeeded":
                self.unexpected.append(f"{job}: {ended}")
            self.read(job, "image_scores")

    def cancel(self):
        job = self.open("softmin")
        if job:
            self.call("POST", f"{job}/batches", 201, BODIES[1])
            self.call("POST", f"{job}/cancel", 200)
            self.call("POST", f"{job}/batches", 409, BODIES[0])

    def abort(self):
        """Sends a part of a body and goes, politely or not."""
        body = self.random.choice(BODIES)
        with socket.create_connection(self.server.address) as connection:
            lines = [
                "POST /score HTTP/1.1",
                "Host: a",
                f"Content-Length: {len(body.data)}",
                *(f"{name}: {value}" for name, value in body.fields.items()),
                "",
                "",
            ]
            connection.sendall("\r\n".join(lines).encode())
            connection.sendall(body.data[: self.random.randrange(len(body.data))])
            if self.random.random() < 0.5:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.reset += 1
            else:
                self.aborted += 1

    def err(self):
        body, status = self.random.choice(MISTAKES)
        self.call("POST", "/score", status, body)
        self.call("GET", "/nowhere", 404)
        self.call("GET", "/score", 405)
        self.call("GET", "/jobs/" + "0" * 32, 404)
        self.call("POST", "/score", 400, BODIES[0], temperature="cold")

    def look_around(self):
        for path in ("/metrics", "/livez", "/jobs", "/version", "/openapi.yaml"):
            self.call("GET", path, 200)
        self.call("POST", "/issues", 200, bodies.json_body(image_scores=[0.5, 0.01], threshold=0.1))

"""Makes a state directory as this version of the program writes it, for later versions to open.

    python Tests/EndToEnd/make_state.py NAME

It goes to `states/NAME`, beside `expected.json`, which says what was answered of each job. One directory is made for
each form that a release has written, and none is ever made anew: `test_state_forms.py` opens them all.
"""

import base64
import json
import pathlib
import shutil
import signal
import sqlite3
import sys

import numpy as np

import reference
from bodies import npz
from server import eventually
from state import results, state_directory

STATES = pathlib.Path(__file__).parent / "states"
ASYNC = {"Prefer": "respond-async"}
FOREVER = ("--result-ttl", "315360000", "--open-ttl", "315360000", "--workers", "1")
LABELS, PRED_PROBS = reference.sample(images=3, height=8, width=6)
VOID = np.where(LABELS == 2, 255, LABELS)
BODY = npz(labels=LABELS, pred_probs=PRED_PROBS)
METHOD = {"method": "num_pixel_issues"}
# What the batches of the open jobs are to have when they are finished: the second is still to come.
BATCHES = [npz(labels=LABELS[:2], pred_probs=PRED_PROBS[:2]), npz(labels=LABELS[2:], pred_probs=PRED_PROBS[2:])]
LARGE = npz(**dict(zip(["labels", "pred_probs"], reference.sample(images=1, height=1024, width=1024))))


def readable(answers):
    return {name: [status, base64.b64encode(body).decode()] for name, (status, _, body) in answers.items()}


def make(state):
    """Fills a state directory; returns what is expected of it."""
    client = state.start(*FOREVER)
    kept = [
        client.scored(BODY, temperature="0.3", headers={"Idempotency-Key": "sent again"}),
        client.scored(npz(labels=VOID, pred_probs=PRED_PROBS.astype(np.float64)), ignore_label="255", threshold="0.25"),
        client.scored(BODY, **METHOD),
        client.scored(npz(labels=VOID, pred_probs=PRED_PROBS), downsample="2", ignore_label="255", **METHOD),
    ]
    expected = {"kept": {job["links"]["self"]: readable(results(client, job["links"]["self"])) for job in kept}}
    failed = client.score(npz(labels=LABELS + np.uint8(9), pred_probs=PRED_PROBS), headers=ASYNC).headers["Location"]
    client.get(f"{failed}?wait=30")
    opened = {}
    for name, parameters in [("softmin", {}), ("num_pixel_issues", METHOD)]:
        opened[name] = client.post("/jobs", params=parameters).headers["Location"]
        client.score(BATCHES[0], path=f"{opened[name]}/batches", headers={"Idempotency-Key": "first"})
    whole = {"softmin": client.scored(BODY), "num_pixel_issues": kept[2]}
    expected["open"] = {opened[name]: readable(results(client, whole[name]["links"]["self"])) for name in opened}
    canceled = client.post("/jobs").headers["Location"]
    client.post(f"{canceled}/cancel")
    expected["documents"] = {job: client.get(job).json() for job in [failed, canceled, *expected["kept"]]}
    queued = None
    while queued is None:
        # The large one keeps the only worker busy while the process is killed.
        large = client.score(LARGE, headers=ASYNC, **METHOD).headers["Location"]
        small = client.score(BODY, headers=ASYNC, **METHOD).headers["Location"]
        state.end(signal.SIGKILL)
        database = sqlite3.connect(state.path / "jobs.sqlite")
        rows = dict(database.execute("SELECT id, status FROM job"))
        if all(rows[job.removeprefix("/jobs/")] == "queued" for job in (large, small)):
            queued = small
            database.execute("PRAGMA foreign_keys = ON")
            with database:
                database.execute("DELETE FROM job WHERE id = ?", (large.removeprefix("/jobs/"),))
            for path in state.path.glob(f"arrays/{large.removeprefix('/jobs/')}-*"):
                path.unlink()
        # One file, and of no more pages than it needs.
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("VACUUM")
        database.close()
        if queued is None:
            client = state.start(*FOREVER)
            client.delete(large), client.delete(small)
    expected["queued"] = {queued: expected["kept"][kept[2]["links"]["self"]]}
    return expected


if __name__ == "__main__":
    target = STATES / sys.argv[1]
    with state_directory() as directory:
        answers = make(directory)
        eventually(
            lambda: (
                not (directory.path / "jobs.sqlite-wal").exists()
                or (directory.path / "jobs.sqlite-wal").stat().st_size == 0
            ),
            "the log is empty",
        )
        shutil.copytree(
            directory.path, target / "state", ignore=shutil.ignore_patterns("jobs.sqlite-wal", "jobs.sqlite-shm")
        )
    (target / "expected.json").write_text(json.dumps(answers, indent=1) + "\n")

"""Scheduler and workers that are started with the command lines of `Deploy/dask` find label issues, and hand over."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
import yaml

from conftest import ROOT, sample
from server import BINARY, eventually

pytest.importorskip("distributed")
import dask.array as da
from distributed import Client, wait

import segscore.dask as sd

PATIENCE = 90  # Seconds after which something is taken not to happen. Processes that start take long on a busy machine.


def container(name):
    document, *_ = yaml.safe_load_all((ROOT / "Deploy/dask" / name).read_text())
    [found] = document["spec"]["template"]["spec"]["containers"]
    return found


def environment(name, folder, **more):
    """This process's, with the variables of a container and those that an image sets."""
    given = {each["name"]: each["value"] for each in container(name)["env"] if "value" in each}
    return {**os.environ, "SEGSCORE_PROGRAM": str(BINARY), "DASK_TEMPORARY_DIRECTORY": str(folder), **given, **more}


class Started:
    """A process of Dask, whose log is read from a file."""

    def __init__(self, arguments, folder, variables):
        folder.mkdir()
        self._log = folder / "log"
        command = [sys.executable, "-m", "dask", *arguments]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(command, env=variables, cwd=folder, stdout=log, stderr=log)

    def said(self, pattern):
        """The first group of a pattern in the log, which is waited for."""
        found = eventually(lambda: re.search(pattern, self._log.read_text()), f"{pattern} in the log", PATIENCE)
        return found[1]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def on_loopback(arguments):
    """The arguments with addresses of this machine, and ports that are free."""
    return [re.sub(r"0\.0\.0\.0:\d+", "127.0.0.1:0", each).replace("0.0.0.0", "127.0.0.1") for each in arguments]


def assert_probes_are_answered(name, process):
    port = process.said(r"dashboard at:\s+\S*127\.0\.0\.1:(\d+)")
    paths = {probe["httpGet"]["path"] for key, probe in container(name).items() if key.endswith("Probe")}
    for path in paths:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
            assert answer.status == 200


@pytest.fixture
def started():
    """Starts processes that end with the test."""
    processes = []

    def start(*arguments):
        processes.append(Started(*arguments))
        return processes[-1]

    yield start
    for each in reversed(processes):
        each.stop()


@pytest.fixture
def scheduler(started, tmp_path):
    arguments = on_loopback(container("scheduler.yaml")["args"])
    # The port is no flag of its own in the manifest.
    arguments[arguments.index("--port") + 1] = "0"
    folder = tmp_path / "scheduler"
    scheduler = started(arguments, folder, environment("scheduler.yaml", folder))
    assert_probes_are_answered("scheduler.yaml", scheduler)
    return scheduler.said(r"Scheduler at:\s+(tcp://\S+)")


@pytest.fixture
def start_worker(started, scheduler, tmp_path):
    """Starts workers as their container does, and returns their addresses."""

    def start(name):
        folder = tmp_path / name
        here = {
            "tcp://dask-scheduler:8786": scheduler,
            "$(POD_IP)": "127.0.0.1",
            "8788": "0",
            "/spill": f"{folder}/spill",
        }
        arguments = on_loopback(container("workers.yaml")["args"])
        for there, instead in here.items():
            assert sum(there in each for each in arguments) == 1
            arguments = [each.replace(there, instead) for each in arguments]
        worker = started(arguments, folder, environment("workers.yaml", folder))
        assert_probes_are_answered("workers.yaml", worker)
        return worker, worker.said(r"Start worker at:\s+(tcp://\S+)")

    return start


def retire_command(scheduler, address):
    """The command of preStop, for a worker here."""
    program, flag, code = container("workers.yaml")["lifecycle"]["preStop"]["exec"]["command"]
    assert (program, flag) == ("python3", "-c")
    there = """f"tcp://{os.environ['POD_IP']}:8788\""""
    assert code.count("tcp://dask-scheduler:8786") == code.count(there) == 1
    return [sys.executable, flag, code.replace("tcp://dask-scheduler:8786", scheduler).replace(there, repr(address))]


def test_what_the_manifests_start_finds_what_the_service_finds(scheduler, start_worker, client, tmp_path):
    labels, pred_probs = sample(12, 4, 24, 18, np.float16)
    expected = client.score(labels, pred_probs, method="num_pixel_issues").label_issues
    start_worker("one"), start_worker("two")
    with Client(scheduler, timeout=PATIENCE) as dask_client:
        dask_client.wait_for_workers(2, PATIENCE)
        workers = dask_client.scheduler_info()["workers"].values()
        assert {each["nthreads"] for each in workers} == {2}
        assert {pathlib.Path(each["local_directory"]).parent.name for each in workers} <= {
            "spill",
            "dask-scratch-space",
        }
        allowed = dask_client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.allowed_failures)
        assert allowed == 10
        lazily = [da.from_array(array, chunks=(2, *array.shape[1:])) for array in (labels, pred_probs)]
        assert np.array_equal(sd.find_label_issues(*lazily).compute(), expected)


def test_a_worker_that_is_taken_away_hands_over_what_it_holds(scheduler, start_worker):
    worker, address = start_worker("one")
    start_worker("two")
    with Client(scheduler, timeout=PATIENCE) as dask_client:
        dask_client.wait_for_workers(2, PATIENCE)
        labels, pred_probs = sample(12, 4, 24, 18)
        lazily = [da.from_array(array, chunks=(2, *array.shape[1:])) for array in (labels, pred_probs)]
        reduction = sd.reduce(*lazily).persist()
        wait([reduction.own, reduction.labels, reduction.predicted, reduction.largest])
        held = {key for key, where in dask_client.who_has().items() if where == (address,)}
        assert held
        subprocess.run(retire_command(scheduler, address), check=True, timeout=PATIENCE)
        assert worker.process.wait(PATIENCE) == 0
        where = dask_client.who_has()
        assert all(where[key] and address not in where[key] for key in held)

"""Label issues that a cluster of processes finds while its workers are killed, retired, or come late."""

import collections
import contextlib
import os
import signal
import threading

import dask.array as da
import numpy as np
import psutil
import pytest
from dask.utils import key_split
from distributed import Client, Event, LocalCluster, SchedulerPlugin, wait
from distributed.chaos import KillWorker

import segscore.dask as sd
from conftest import sample
from server import BINARY

BLOCKS = 8
PATIENCE = 90  # Seconds after which something is taken not to happen. Processes that start take long on a busy machine.

OPTIONS = {"threads_per_worker": 1, "processes": True, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}


def processes_of_workers():
    """The processes that Dask has started from here, for workers and what watches over them."""
    mine = psutil.Process().children(recursive=True)
    return [child for child in mine if any("spawn_main" in word for word in child.cmdline())]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left():
    """Has the engine be the library beside the program, in all workers, none of which stays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGSCORE_PROGRAM", str(BINARY))
        yield
    _, alive = psutil.wait_procs(processes_of_workers(), PATIENCE)
    assert not alive


@pytest.fixture(scope="module")
def cluster():
    """Two workers with one thread each, in processes of their own, which are started again where they die."""
    with LocalCluster(n_workers=2, **OPTIONS) as cluster:
        yield cluster


@pytest.fixture
def workers(cluster):
    """A client of two workers."""
    with Client(cluster) as client:
        client.wait_for_workers(2, PATIENCE)
        yield client


class Watch(SchedulerPlugin):
    """Counts the tasks that are done, does something the first time that one ends, and tells when workers go and come.

    Parameters
    ----------
    kind : str
        The kind of the task.
    place : tuple[int, ...] | None
        What its key has beside its name, if not any task of the kind is meant.
    do : Callable[[str], None]
        Takes the address of the worker that has done the task.
    """

    def __init__(self, kind, do, place=None):
        self.kind, self.place, self.do = kind, place, do
        self.done = collections.Counter()
        self.came, self.left, self.returned = threading.Event(), threading.Event(), threading.Event()

    def transition(self, key, start, finish, *args, **kwargs):
        if (start, finish) != ("processing", "memory"):
            return
        self.done[key_split(key)] += 1
        is_place = self.place is None or key[1:] == self.place
        if key_split(key) == self.kind and is_place and not self.came.is_set():
            self.came.set()
            self.do(kwargs["worker"])

    def remove_worker(self, scheduler, worker, **kwargs):
        self.left.set()

    def add_worker(self, scheduler, worker):
        if self.left.is_set():
            self.returned.set()


@contextlib.contextmanager
def watched(cluster, watch):
    cluster.scheduler.add_plugin(watch, name="watch")
    try:
        yield watch
    finally:
        cluster.scheduler.remove_plugin("watch")


@pytest.fixture(scope="module")
def arrays():
    """Images with many equal scores, so that candidates are chosen by their place."""
    return sample(2 * BLOCKS, 3, 12, 10, np.float16)


@pytest.fixture
def expected(client, arrays):
    """What the service finds."""
    return client.score(*arrays, method="num_pixel_issues").label_issues


def lazily(arrays):
    return [da.from_array(array, chunks=(2, *array.shape[1:])) for array in arrays]


BOUNDARIES = [
    ("segscore-reduce", None),
    ("segscore-thresholds", ()),
    ("segscore-confident", None),
    ("segscore-cut", (0,)),
    ("segscore-cut", ()),
    ("segscore-quotas", ()),
    ("segscore-mark", None),
]


@pytest.mark.parametrize("kind, place", BOUNDARIES)
def test_a_worker_may_be_killed_between_any_two_rounds(cluster, workers, arrays, expected, kind, place):
    pids = workers.run(os.getpid)
    issues = sd.reduce(*lazily(arrays), split_every=2).find_label_issues()
    with watched(cluster, Watch(kind, lambda worker: os.kill(pids[worker], signal.SIGKILL), place)) as watch:
        assert np.array_equal(issues.compute(), expected)
        assert watch.came.is_set() and watch.returned.wait(PATIENCE)


def after_the_gate(block, block_info=None):
    """The block, the last one when the gate is open."""
    if block_info[0]["chunk-location"][0] == BLOCKS - 1:
        Event("gate").wait()
    return block


def test_workers_may_end_in_any_way(arrays, expected):
    async def end(mode, dask_worker):
        await dask_worker.plugin_add(KillWorker("1 ms", mode))

    labels, pred_probs = lazily(arrays)
    labels = labels.map_blocks(after_the_gate, dtype=labels.dtype)
    with LocalCluster(n_workers=3, **OPTIONS) as cluster, Client(cluster) as client:
        gate = Event("gate", client)
        for mode in ("segfault", "sys.exit", "graceful"):
            gate.clear()
            ended = []
            with watched(cluster, Watch("segscore-reduce", ended.append)) as watch:
                found = client.compute(sd.reduce(labels, pred_probs).find_label_issues())
                assert watch.came.wait(PATIENCE)
                client.run(end, mode, workers=ended, wait=False)
                assert watch.left.wait(PATIENCE)
                gate.set()
                assert np.array_equal(found.result(PATIENCE), expected)
                found.release()


def test_a_worker_may_be_retired_between_rounds(arrays, expected):
    with LocalCluster(n_workers=2, **OPTIONS) as cluster, Client(cluster):

        def retire(worker):
            cluster.scheduler.loop.add_callback(cluster.scheduler.retire_workers, [worker])

        issues = sd.reduce(*lazily(arrays)).find_label_issues()
        with watched(cluster, Watch("segscore-thresholds", retire)) as watch:
            assert np.array_equal(issues.compute(), expected)
            assert watch.left.wait(PATIENCE)


def test_a_late_worker_may_take_over_what_was_reduced(arrays, expected):
    watch = Watch("segscore-reduce", lambda worker: None)
    with LocalCluster(n_workers=1, **OPTIONS) as cluster, Client(cluster) as client, watched(cluster, watch):
        reduction = sd.reduce(*lazily(arrays)).persist()
        wait([reduction.own, reduction.largest, reduction.predicted, reduction.labels])
        [first] = client.scheduler_info()["workers"]
        cluster.scale(2)
        client.wait_for_workers(2, PATIENCE)
        client.retire_workers([first])
        assert np.array_equal(reduction.find_label_issues().compute(), expected)
        reduction.to_dataframe().compute()
        assert watch.done["segscore-reduce"] == BLOCKS

"""A client in several processes: forked ones make connections of their own, and others unpickle it."""

import concurrent.futures
import multiprocessing
import os
import pathlib
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import access
import segscore
from conftest import sample
from segscore import _forks
from segscore.segmentation import rank

PROCESSES, TURNS = 4, 40
HERE = pathlib.Path(__file__).parent


def run(script, *arguments, url):
    """Runs a script in a process of its own, which may fork as it likes."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    environment = {**os.environ, "SEGSCORE_URL": url, "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


SHARED = f"""
import os, sys, threading
import numpy as np, segscore
client, names = segscore.Client(), sys.argv[1:]
jobs = [client.job(name) for name in names]  # One connection is open now, and idle.
expected = [job.image_scores() for job in jobs]

def wrong(mine):
    return sum(not np.array_equal(jobs[mine].image_scores(), expected[mine]) for _ in range({TURNS}))

children = []
for mine in range(1, len(jobs)):
    child = os.fork()
    if child == 0:
        try:
            os._exit(min(wrong(mine), 100))
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(101)
    children.append(child)
found = [wrong(0)] + [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
assert found == [0] * len(jobs), found
"""


@pytest.mark.parametrize("way", ["url", "socket_url"])
def test_forked_processes_get_their_own_answers(server, client, way):
    jobs = [client.submit(*sample(3, 2, 8, 8, seed=seed)).wait().id for seed in range(PROCESSES)]
    run(SHARED, *jobs, url=getattr(server, way))


def test_forked_processes_get_their_own_answers_over_tls(start_server, tmp_path, monkeypatch):
    certificate, key = access.make_certificate(tmp_path)
    server = start_server("--tls-cert", certificate, "--tls-key", key)
    url = f"https://127.0.0.1:{server.port}"
    client = segscore.Client(url, verify=certificate)
    jobs = [client.submit(*sample(3, 2, 8, 8, seed=seed)).wait().id for seed in range(PROCESSES)]
    monkeypatch.setenv("SEGSCORE_CA", str(certificate))
    run(SHARED, *jobs, url=url)


INHERITED = """
import os, sys
import segscore
client = segscore.Client()
client.version()

def sockets():
    links = (os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if os.path.lexists(
        f"/proc/self/fd/{name}"))
    return [link for link in links if link.startswith("socket:")]

assert len(sockets()) == 1
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, repr(sockets()).encode() + b" " + client.version().encode())
    os._exit(0)
os.wait()
pool = client._transport._pool_at(client._transport.url)
print(os.read(reader, 1000).decode(), client.version(), pool.num_connections)
"""


def test_a_child_holds_no_connection_of_its_parent(server):
    version = segscore.Client(server.url).version()
    assert run(INHERITED, url=server.url).split() == ["[]", version, version, "1"]


LOCKED = """
import os, sys
import segscore
from segscore import _config
client = segscore.Client()
client.version()
places = client._transport._pool_at(client._transport.url).pool
with places.mutex, _config._lock:  # As if another thread were about to take a connection, or to make the client.
    child = os.fork()
    if child == 0:
        segscore.default_client().version()
        client.version()
        sys.exit(0)  # The interpreter ends as it does, and what it does at the end.
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_child_waits_for_no_lock_of_a_thread_that_is_no_more(server):
    run(LOCKED, url=server.url)


def test_a_process_that_was_forked_behind_pythons_back_is_known_by_its_number(client, monkeypatch):
    client.version()
    before = client._transport._pool_at(client._transport.url)
    monkeypatch.setattr(_forks.os, "getpid", lambda: 1)
    assert client._transport._pool_at(client._transport.url) is not before
    assert client._transport._pool_at(client._transport.url) is client._transport._pool_at(client._transport.url)


POOL = """
import concurrent.futures, multiprocessing, sys
import numpy as np
from conftest import sample
from segscore.segmentation import rank

def scores(seed):
    return rank.get_label_quality_scores(*sample(3, 2, 8, 8, seed=seed), verbose=False)[0]

if __name__ == "__main__":
    expected = list(map(scores, range(24)))
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(4, mp_context=context) as pool:
        assert np.array_equal(list(pool.map(scores, range(24))), expected)
"""


def test_the_functions_work_in_a_pool_of_forked_processes(server):
    run(POOL, url=server.url)


# Pickles


def scores_of(client, job, seed):
    labels, pred_probs = sample(3, 2, 8, 8, seed=seed)
    return client.score(labels, pred_probs).image_scores, job.image_scores()


def test_a_client_and_a_job_go_to_a_spawned_process(server, client):
    job = client.submit(*sample(3, 2, 8, 8, seed=3))
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        found = pool.submit(scores_of, client, job, 3).result(60)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], job.image_scores())


def test_a_pickled_client_is_the_same(start_server, tmp_path, monkeypatch, arrays):
    certificate, key = access.make_certificate(tmp_path)
    keys = access.write_keys(tmp_path / "keys", *access.KEYS)
    server = start_server("--tls-cert", certificate, "--tls-key", key, "--api-key-file", keys)
    monkeypatch.chdir(tmp_path)
    client = segscore.Client(
        f"https://127.0.0.1:{server.port}",
        api_key=access.KEYS[0],
        verify=certificate.relative_to(tmp_path),
        timeout=50,
        retries=3,
        batch_bytes=20_000,
    )
    scores = client.score(*arrays)
    monkeypatch.chdir("/")
    copy, again = (pickle.loads(pickle.dumps(each)) for each in (client, scores))
    assert repr(copy) == repr(client) and copy._batch_bytes == 20_000
    assert copy._transport._arguments == client._transport._arguments
    np.testing.assert_array_equal(copy.score(*arrays).image_scores, scores.image_scores)
    np.testing.assert_array_equal(again.job.image_scores(), scores.image_scores)
    assert rank.get_label_quality_scores is pickle.loads(pickle.dumps(rank.get_label_quality_scores))


def test_batches_of_one_data_set_may_come_from_several_threads(client, arrays):
    """Each has a key of its own, so that none passes for another that was sent twice."""
    labels, pred_probs = arrays
    with client.dataset() as dataset:
        barrier = threading.Barrier(7)

        def add(image):
            barrier.wait()
            dataset.add(labels[image], pred_probs[image])

        threads = [threading.Thread(target=add, args=(image,)) for image in range(7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    np.testing.assert_array_equal(
        np.sort(dataset.job.image_scores()), np.sort(client.score(labels, pred_probs).image_scores)
    )


def test_batches_of_one_data_set_may_come_from_forked_processes(server, arrays, tmp_path, client):
    for name, array in zip(("labels", "pred_probs"), arrays):
        np.save(tmp_path / f"{name}.npy", array)
    script = """
import os, sys
import numpy as np, segscore
labels, pred_probs = (np.load(os.path.join(sys.argv[1], f"{name}.npy")) for name in ("labels", "pred_probs"))
with segscore.Client().dataset() as dataset:
    child = os.fork()
    mine = slice(0, 3) if child == 0 else slice(3, 7)
    dataset.add(labels[mine], pred_probs[mine])
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
print(dataset.job.id)
"""
    job = client.job(run(script, tmp_path, url=server.url).strip())
    np.testing.assert_array_equal(np.sort(job.image_scores()), np.sort(client.score(*arrays).image_scores))

"""A disk that is full every other moment, for `DISK_SECONDS` (20), under a state directory that is in use."""

import collections
import os
import resource
import signal
import threading
import time

import crashes
from client import Client
from server import PATIENCE
from state import NoGrowth, small_disk, state_directory

SECONDS = float(os.environ.get("DISK_SECONDS", "20"))
FLAGS = (*crashes.FLAGS, "--result-disk", "1GiB")


def test_a_disk_that_is_full_now_and_then_costs_no_more_than_the_requests_it_refuses(start_server):
    pool = crashes.tasks(seed=3)
    with Client(start_server()) as plain:
        expected = {task: crashes.expected_results(plain, task) for task in pool}
    callers = [crashes.Caller(f"disk-{number}", pool, expected, refusals=(503, 507)) for number in range(4)]
    with small_disk(24 << 20) as mounted, state_directory(mounted and mounted.path) as state:
        disk = mounted or NoGrowth()
        client = state.start(*FLAGS, file_size_limit=resource.RLIM_INFINITY)
        end = time.monotonic() + SECONDS
        threads = [
            threading.Thread(
                target=caller.work, args=[client.server.address, lambda: time.monotonic() > end], daemon=True
            )
            for caller in callers
        ]
        for thread in threads:
            thread.start()
        tides = 0
        while time.monotonic() < end:
            time.sleep(0.4)
            disk.fill(client.server)
            time.sleep(0.4)
            disk.make_room(client.server)
            tides += 1
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        counts = sum((caller.counts for caller in callers), collections.Counter())
        answers = {status: count for status, count in counts.items() if isinstance(status, int)}
        left = sum(len(caller.promised) + len(caller.open) for caller in callers)
        print(
            f"\n{SECONDS:g} s on {'a small disk' if mounted else 'files that may not grow'}, full {tides} times: "
            f"{counts['accepted']} jobs accepted, {left} of them and of open ones left, answers {answers}"
        )
        assert answers[507] > 0

        # There is room again: all that was accepted has its results, and what was not is taken now.
        for caller in callers:
            with caller.connect(client.server.address):
                while caller.promised:
                    caller.collect()
        wrong = [line for caller in callers for line in caller.wrong]
        assert wrong == [], wrong[:5]
        # Room is made: what was collected and not deleted has no more callers.
        for job in client.get("/jobs?status=succeeded&limit=500").json()["jobs"]:
            assert client.delete(job["links"]["self"]).status_code == 204
        for caller in callers:
            caller.refusals = ()
            with caller.connect(client.server.address):
                caller.score_later()
                caller.settle()
        assert [line for caller in callers for line in caller.wrong] == []
        client = state.restart(signal.SIGKILL, *FLAGS)
        for caller in callers:
            with caller.connect(client.server.address):
                caller.look_back()
        returned = [line for caller in callers for line in caller.returned]
        assert returned == [], returned[:5]

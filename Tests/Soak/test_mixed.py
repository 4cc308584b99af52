"""All that a server does, mixed, for `SOAK_MINUTES`: memory and files stay level, and metrics are what was sent."""

import collections
import os
import statistics
import threading
import time

from client import Client
from server import eventually
from test_metrics import Metrics
from traffic import Caller

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
CALLERS = 6
# The share of the time after which memory counts: a tenth, or a minute and a half, since a thousand jobs are history.
WARM_UP = max(0.1, min(0.5, 1.5 / MINUTES))
MEGABYTE = 1 << 20


def quarter_means(samples):
    """The means of the four quarters of what came after the warm-up."""
    samples = samples[int(len(samples) * WARM_UP) :]
    size = len(samples) // 4
    return [statistics.fmean(samples[turn * size : (turn + 1) * size]) for turn in range(4)]


def test_memory_stays_level_and_everything_is_counted(start_server):
    server = start_server("--memory-budget", "128MiB", "--result-memory", "16MiB", "--result-ttl", "30")
    callers = [Caller(server, seed) for seed in range(CALLERS)]
    end = time.monotonic() + MINUTES * 60

    def work(caller):
        while time.monotonic() < end:
            caller.take_turn()
        caller.session.close()

    threads = [threading.Thread(target=work, args=[caller], daemon=True) for caller in callers]
    for thread in threads:
        thread.start()
    memory, files = [], []
    interval = min(1, MINUTES * 60 / 200)
    while time.monotonic() < end:
        time.sleep(interval)
        memory.append(server.resident_bytes)
        files.append(len(os.listdir(f"/proc/{server.process.pid}/fd")))
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()

    answers = sum((caller.answers for caller in callers), collections.Counter())
    statuses = collections.Counter()
    for (_, _, status), count in answers.items():
        statuses[status] += count
    means, file_means = quarter_means(memory), quarter_means(files)
    aborted, reset = sum(caller.aborted for caller in callers), sum(caller.reset for caller in callers)
    print(
        f"\n{MINUTES:g} minutes: {answers.total()} answers {dict(sorted(statuses.items()))}, "
        f"{aborted + reset} uploads aborted"
        f"\nresident MiB by quarter: {', '.join(f'{mean / MEGABYTE:.2f}' for mean in means)}"
        f"\nopen files by quarter: {', '.join(f'{mean:.1f}' for mean in file_means)}, at most {max(files)}"
    )
    unexpected = [line for caller in callers for line in caller.unexpected]
    assert not unexpected, unexpected[:10]
    assert statuses[503] < answers.total() / 100
    assert abs(file_means[3] - file_means[0]) <= 2 and max(files) < file_means[0] + 4 * CALLERS

    with Client(server) as client:
        eventually(lambda: Metrics(client)("segscore_http_requests_in_flight") == 1, "all is quiet")
        metrics = Metrics(client)
        counted = collections.Counter()
        for (name, *labels), value in metrics.values.items():
            if name == "segscore_http_requests_total":
                labels = dict(labels)
                counted[(labels["route"], labels["method"], labels["status"])] = value
        strange = check_requests(answers, aborted, reset, counted)
        assert not strange, strange
        for method in ("softmin", "num_pixel_issues"):
            finished = metrics("segscore_jobs_finished_total", method=method, status="succeeded")
            sent = sum(caller.succeeded[method] for caller in callers)
            print(f"{method}: {sent} jobs succeeded, {finished:.0f} counted")
            assert finished == sent
        assert metrics("segscore_jobs", status="running") == metrics("segscore_jobs", status="receiving") == 0
        eventually(lambda: Metrics(client)("segscore_memory_bytes") <= 16 * MEGABYTE, "only results are left")
        eventually(lambda: not server.spooled_files(), "no file is left")
    assert MINUTES < 3 or abs(means[3] - means[0]) <= 0.05 * means[0]


def check_requests(answers, aborted, reset, counted):
    """What is counted otherwise than it was answered; the last scrapes are not held against it.

    An upload that broke off is counted without a status, unless it was refused at its head. One that ended in a reset
    may never have been read."""
    sent = collections.Counter()
    for (route, method, status), count in answers.items():
        sent[("other" if route == "/nowhere" else route, method, str(status))] += count
    strange = []
    lost = 0
    for route, method, status in sorted(set(sent) | set(counted)):
        extra = counted[(route, method, status)] - sent[(route, method, status)]
        if status == "none" or (route, method, status) == ("/score", "POST", "503"):
            lost += extra
        elif extra and route != "/metrics":
            strange.append((route, method, status, extra))
    if not aborted <= lost <= aborted + reset:
        strange.append(("aborted", aborted, "reset", reset, "counted", lost))
    return strange

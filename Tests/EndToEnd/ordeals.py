"""A server whose calls to the system fail, that is killed in the middle of them, or whose machine loses power.

That happens at one call after the other, as far as `stride` does not pass over it."""

import contextlib
import dataclasses
import errno
import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import faults
import power
from faults import CHANGES, KILL_AFTER, KILL_BEFORE, KILL_HALFWAY, OPEN
from server import BINARY, PATIENCE, NotStartedError
from state import StateDirectory, state_directory
from story import SCORED, Story, expected_results

ERRORS = (errno.EIO, errno.ENOSPC)
KILLS = (KILL_BEFORE, KILL_HALFWAY, KILL_AFTER)


@dataclasses.dataclass
class Report:
    """What came of it."""

    points: int = 0
    of: int = 0
    refused: int = 0
    # How often the process ended, where that cannot be helped.
    ended: int = 0
    wrong: list = dataclasses.field(default_factory=list)

    def take(self, story, fault):
        """What a story has seen beside a fault."""
        self.refused += len(story.refused)
        self.wrong += [f"{fault.hit or 'nothing was hit'}: {line}" for line in story.wrong]

    def __str__(self):
        return (
            f"{self.points} points of {self.of}, {self.refused} requests refused, {self.ended} ends, "
            f"{len(self.wrong)} wrong"
        )


class Ordeal:
    """A state directory, a folder for results, and faults in what servers do to them."""

    def __init__(self, state, fault, output):
        self.state = state
        self.fault = fault
        self.output = output
        self.flags = ("--data-dir", f"out={output}")

    def start(self):
        return self.state.start(*self.flags, env=self.fault.environment)

    def restart(self, send=signal.SIGKILL):
        self.fault.disarm()
        self.state.end(send)
        return self.start()

    def wait_for_end(self):
        """Waits for a server that is killed, and forgets it."""
        client, self.state.client = self.state.client, None
        status = client.server.process.wait(PATIENCE)
        client.server.stop()
        client.close()
        return status


@contextlib.contextmanager
def ordeal():
    with state_directory() as state:
        output = state.spool.parent / "out"
        output.mkdir()
        with faults.faults(state.path, state.spool, output) as fault:
            yield Ordeal(state, fault, output)


@dataclasses.dataclass
class Undisturbed:
    """What a server answers to which nothing happens, and the calls of its start, of a story and of its stop."""

    expected: dict
    start: list
    story: list
    stop: list


def undisturbed():
    with state_directory() as state:
        expected = expected_results(state.start())
        state.end()
    with ordeal() as trial:
        trial.fault.keep_log()
        client = trial.start()
        places = [len(faults.calls(trial.fault.log()))]
        story = Story(expected, trial.output / "run")
        assert story.tell(client) and not story.wrong and not story.refused, (story.wrong, story.refused)
        story.check(client)
        places.append(len(faults.calls(trial.fault.log())))
        trial.state.end(signal.SIGTERM)
        calls = faults.calls(trial.fault.log())
        return Undisturbed(expected, calls[: places[0]], calls[places[0] : places[1]], calls[places[1] :])


def assert_well(report):
    print(f"\n{report}")
    assert report.points > 0
    assert report.wrong == [], "\n".join(report.wrong[:10])


# Calls that fail


def fail_starts(normal, stride, offset=0):
    """Starts servers in new directories, of which each has a call fail; then one to which nothing happens."""
    report = Report()
    for turn, kinds, at in pick(normal.start, stride, offset, report):
        with ordeal() as trial:
            trial.fault.arm(kinds, at=at, error=error_of(kinds, turn))
            try:
                trial.start()
                trial.fault.disarm()
                trial.state.end(signal.SIGTERM)
            except NotStartedError as end:
                report.refused += 1
                if end.status != 64 or not any(root in line for root in trial.fault.roots for line in end.log):
                    report.wrong.append(f"{trial.fault.hit}: {end}")
            prove_use(trial, report)
    return report


def fail_stories(normal, stride, offset=0):
    """Has a call of each story fail: it costs the request at hand at most; the next server says what this one did."""
    report = Report()
    with ordeal() as trial:
        client = trial.start()
        for turn, kinds, at in pick(normal.story, stride, offset, report):
            story = Story(normal.expected, trial.output / f"run{turn}")
            trial.fault.arm(kinds, at=at, error=error_of(kinds, turn))
            story.wrong += [] if story.tell(client) else ["the server was gone"]
            trial.fault.disarm()
            said = story.check(client)
            client = trial.restart((signal.SIGKILL, signal.SIGTERM)[turn // 2 % 2])
            if story.check(client) != said:
                story.wrong.append("the next server says otherwise")
            story.end(client, trial.state)
            check_output(trial, story)
            report.take(story, trial.fault)
        trial.state.end(signal.SIGTERM)
    return report


def check_output(trial, story):
    """What was written for a client is there as a whole, and nothing beside it."""
    for path in trial.output.rglob(".*"):
        story.wrong.append(f"{path} is left")
    for path in trial.output.iterdir():
        shutil.rmtree(path)


# Memory that there is not


def fail_allocations(expected, stride, offset=0):
    """Has each place that asks for memory be told once that there is none."""
    report = Report()
    with ordeal() as trial:
        client = trial.start()
        with trial.fault.sites() as sites:
            Story(expected, trial.output / "run").tell(client)
        for job in client.job_ids():
            client.delete(f"/jobs/{job}")
        sites = {site: frames for site, frames in sites.items() if not is_of_the_runtime(frames)}
        report.of = len(sites)
        places = sorted(sites.items(), key=lambda item: item[1])
        for turn, (site, frames) in enumerate(places[offset % stride :: stride]):
            report.points += 1
            story = Story(expected, trial.output / f"run{turn}")
            trial.fault.arm(faults.MEMORY, site=site, error=errno.ENOMEM)
            story.forgives_hangups = True
            if not story.tell(client):
                status = trial.wait_for_end()
                if not is_unavoidable(frames, client.server.log):
                    report.wrong.append(f"{trial.fault.hit}: ended with {status}: {list(map(symbol, frames))}")
                report.ended += 1
                trial.fault.disarm()
                client = trial.start()
            trial.fault.disarm()
            story.check(client)
            story.end(client, trial.state)
            check_output(trial, story)
            report.take(story, trial.fault)
        trial.state.end(signal.SIGTERM)
    return report


def is_of_the_runtime(frames):
    """Whether memory is asked for by C++ that the Swift runtime stands on."""
    callers = [name for name, _ in frames if not name.startswith("libstdc++")]
    return not callers or callers[0].startswith(("libswift", "libdispatch", "libFoundation", "lib_Foundation"))


def is_unavoidable(frames, log):
    """Whether it is known that a failed allocation there ends the process.

    The Swift compiler asks for the frame of a coroutine (an accessor that lends an element, whose mangled name ends in
    r or M) and does not look whether there was memory for it. GRDB takes it for a mistake of its own where SQLite finds
    no memory for a copy of a statement's argument.
    """
    is_accessor = frames[0][0] == "program" and re.search(r"(ir|iM|vr|vM)(TW)?$", symbol(frames[0]))
    return bool(is_accessor) or any("Fatal error: SQLite error 7" in line for line in log)


def symbol(frame):
    """The mangled name of a function of the program; of others the object file and the place."""
    name, place = frame
    if name != "program":
        return f"{name}+{place:#x}"
    # The place is that to return to, one behind the call.
    command = ["addr2line", "-f", "-e", BINARY, f"{place - 1:#x}"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    return done.stdout.partition("\n")[0]


# Ends of the process


def kill_starts(normal, stride, offset=0, first_way=0):
    """Kills servers that start: before, within and after calls, in turn."""
    report = Report()
    for turn, kinds, at in pick(normal.start, stride, offset, report):
        with ordeal() as trial:
            trial.fault.arm(kinds, at=at, action=KILLS[(turn + first_way) % 3])
            try:
                trial.start()
                trial.fault.disarm()
                trial.state.end(signal.SIGKILL)
            except NotStartedError as end:
                report.refused += 1
                if end.status != -signal.SIGKILL:
                    report.wrong.append(f"{trial.fault.hit}: {end}")
            prove_use(trial, report)
    return report


def kill_stories(normal, stride, offset=0, first_way=0):
    """Kills servers while they are asked; the next knows all that was answered."""
    report = Report()
    for client, story, arm in doomed_servers(normal, normal.story, stride, offset, first_way, report):
        arm()
        story.tell(client)
    return report


def kill_stops(normal, stride, offset=0, first_way=0):
    """Kills servers that are stopping; the next knows all that was answered."""
    report = Report()
    for client, story, arm in doomed_servers(normal, normal.stop, stride, offset, first_way, report):
        story.tell(client)
        arm()
        client.server.terminate()
    return report


def doomed_servers(normal, calls, stride, offset, first_way, report):
    """Gives the client of a server for each call that is picked, with a story and what arms the end within that call.

    After its turn a server is ended if it has not ended yet, and the next one is asked for what the story was answered.
    """
    for turn, kinds, at in pick(calls, stride, offset, report):
        with ordeal() as trial:
            client = trial.start()
            story = Story(normal.expected, trial.output / "run")
            yield client, story, functools.partial(trial.fault.arm, kinds, at=at, action=KILLS[(turn + first_way) % 3])
            if trial.fault.hits == 0:
                client.server.process.kill()
            trial.wait_for_end()
            trial.fault.disarm()
            client = trial.start()
            story.check(client)
            story.end(client, trial.state)
            report.take(story, trial.fault)
            trial.state.end(signal.SIGTERM)


# Power that goes


def lose_power(expected, stride, offset=0, seeds=(None,)):
    """Has the power go after each sync and each answer: the server that is started then knows all that was answered.

    `seeds` say what is left besides what was synced: for each point all of them. When a name is removed that may be all
    that the disk still does, so the power goes there too.
    """
    report = Report()
    with ordeal() as trial:
        base = trial.state.path.parent
        fault = trial.fault
        fault.roots = [os.path.realpath(base)]
        fault.keep_log()
        trial.start()
        trial.restart(signal.SIGTERM)
        story = Story(expected, trial.output / "run")
        story.clock = fault
        story.tell(trial.state.client)
        trial.state.end(signal.SIGTERM)
        assert not story.wrong, story.wrong
        log = fault.log()
    disk = power.Disk(fault.roots[0])
    # Those were there before.
    for folder in (trial.state.spool, trial.output):
        disk.sure[str(folder)] = power.FOLDER
    points = [
        place
        for place, record in enumerate(log)
        if record.operation in (faults.SYNCED, faults.DIRECTORY_SYNCED, faults.SENT)
    ]
    report.of = len(points)
    chosen = set(points[offset % stride :: stride])
    for place, record in enumerate(log):
        disk.do(record)
        if place in chosen:
            report.points += 1
            for seed in seeds:
                rest = None if seed is None else f"{seed} {place}"
                check_after_power_loss(disk, story.at(place), rest, place, report)
        if record.operation == faults.UNLINKED and record.name.startswith(f"{trial.state.path}/arrays/"):
            report.points += 1
            report.of += 1
            check_after_power_loss(disk, story.at(place), power.NAMES, place, report)
    return report


def check_after_power_loss(disk, story, rest, place, report):
    """Asks a server that is started on what is left."""
    with tempfile.TemporaryDirectory(prefix="segscore-") as target:
        disk.leave(target, rest)
        base = pathlib.Path(target)
        output = base / "out"
        state = StateDirectory(base / "state", base / "spool")
        try:
            client = state.start("--data-dir", f"out={output}")
            story.check(client)
            for name, data in story.written.items():
                path = output / story.output.name / name
                if not path.exists() or path.read_bytes() != data:
                    story.wrong.append(f"{name} was written for the client")
            story.end(client, state)
            state.end(signal.SIGTERM)
        except AssertionError as error:
            story.wrong.append(f"{error}")
        finally:
            state.close()
        report.refused += len(story.refused)
        report.wrong += [f"power lost at {place} with {rest}: {line}" for line in story.wrong]


# What all have in common


def error_of(kinds, turn):
    """How a call is likely to fail."""
    return errno.EMFILE if kinds == OPEN else ERRORS[turn % 2]


def pick(calls, stride, offset, report):
    """Numbered places among calls, every `stride`th of those that are worth it.

    A place is given by kinds of calls and a number among the calls of these kinds: files are opened by several threads
    at once, so that their places among all calls would not be the same twice.
    """
    points = [(kinds, at) for kinds in (CHANGES, OPEN) for at in faults.turning_points(calls, kinds)]
    report.of = len(points)
    for turn, (kinds, at) in enumerate(points[offset % stride :: stride]):
        report.points += 1
        yield turn, kinds, at


def prove_use(trial, report):
    """Starts a server to which nothing happens, which has to serve."""
    trial.fault.disarm()
    try:
        client = trial.start()
        answer = client.score(SCORED.bodies[0])
        if answer.status_code != 200 or client.job_ids() != [answer.json()["job"]]:
            report.wrong.append(f"{trial.fault.hit}: {answer.text}")
        trial.state.end(signal.SIGTERM)
    except AssertionError as error:
        report.wrong.append(f"{trial.fault.hit}: the next start: {error}")

"""A server of a process's own: when it is started, who uses it, and that nothing is left of it, however it ends."""

import os
import pathlib
import signal
import subprocess
import sys

import jupyter_client
import pytest

import segscore
from segscore import _own_server
from server import BINARY, PATIENCE, eventually

LABELS = "import numpy as np\nlabels = np.zeros((2, 4, 4), int)\nprobs = np.full((2, 3, 4, 4), 1 / 3, np.float32)\n"
SCORED = "assert len(segscore.Client().score(labels, probs).image_scores) == 2\n"


@pytest.fixture
def begin(tmp_path):
    """Starts scripts, whose temporary files lie in a folder that has to be empty when all of them have ended."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    processes = []

    def start(script, **variables):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SEGSCORE")}
        process = subprocess.Popen(
            [sys.executable, "-c", f"import os, signal, sys, threading, time\nimport segscore\n{LABELS}{script}"],
            env={**kept, "SEGSCORE_PROGRAM": str(BINARY), "TMPDIR": str(folder), **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
    eventually(lambda: not list(folder.iterdir()), "no folder is left")
    eventually(lambda: not servers_in(folder), "no server is left")


def servers_in(folder):
    """The ids of the servers whose temporary files lie in a folder."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if f"TMPDIR={folder}".encode() in variables.split(b"\0") and b"\0private\0" in command:
            found.append(int(process.name))
    return found


def ends_well(process):
    """What a script has printed, which is all that is printed."""
    output, errors = process.communicate(timeout=3 * PATIENCE)
    assert process.returncode == 0, errors
    assert errors == ""
    return output.split()


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_the_first_call_starts_one_and_all_clients_share_it(begin):
    first, second = ends_well(
        begin(f"{SCORED}{SCORED}print(segscore.server_info().pid)\nprint(segscore.server_info().pid)")
    )
    assert first == second
    assert not is_running(first)


def test_what_is_told_of_it(begin):
    url, version, is_own, client = ends_well(
        begin(
            "info = segscore.server_info()\n"
            "print(info.url, info.version, info.is_own, repr(segscore.Client()).replace(' ', '_'))"
        )
    )
    assert url.startswith("unix:/") and version == segscore.__version__ and is_own == "True"
    assert client == "<segscore.Client_of_a_server_of_its_own>"


def test_the_folder_is_for_nobody_else(begin):
    [mode] = ends_well(begin("print(oct(os.stat(os.path.dirname(segscore.server_info().url[5:])).st_mode & 0o777))"))
    assert mode == "0o700"


ENDS = {
    "returns": "",
    "exits": "sys.exit(0)",
    "exits at once": "os._exit(0)",
    "is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "is terminated": "os.kill(os.getpid(), signal.SIGTERM)",
    "aborts": "os.abort()",
    "fails": "raise RuntimeError",
    "dies with threads": "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
}


@pytest.mark.parametrize("end", ENDS)
def test_it_ends_with_its_process(begin, end):
    process = begin(f"{SCORED}print(segscore.server_info().pid, flush=True)\n{ENDS[end]}")
    pid = int(process.stdout.readline())
    process.communicate(timeout=PATIENCE)
    eventually(lambda: not is_running(pid), "the server has ended")


def test_it_does_not_end_with_the_thread_that_started_it(begin):
    ends_well(
        begin(
            "threads = [threading.Thread(target=segscore.server_info) for _ in range(8)]\n"
            "for thread in threads: thread.start()\n"
            "for thread in threads: thread.join()\n"
            "pid = segscore.server_info().pid\n"
            "time.sleep(0.3)\n"
            f"{SCORED}assert segscore.server_info().pid == pid"
        )
    )


def test_another_is_started_once_one_was_killed_and_the_request_is_sent_again(begin):
    first, second = ends_well(
        begin(
            f"first = segscore.server_info()\nos.kill(first.pid, signal.SIGKILL)\n{SCORED}"
            "second = segscore.server_info()\nassert not os.path.exists(os.path.dirname(first.url[5:]))\n"
            "print(first.pid, second.pid)"
        )
    )
    assert first != second and not is_running(second)


def test_a_server_that_hangs_is_not_taken_for_one_that_has_ended(begin):
    ends_well(
        begin(
            "client = segscore.Client(timeout=60.5, retries=0)\nclient.version()\nfirst = segscore.server_info()\n"
            "os.kill(first.pid, signal.SIGSTOP)\n"
            "threading.Timer(1, os.kill, (first.pid, signal.SIGCONT)).start()\n"
            "client.score(labels, probs)\nassert segscore.server_info() == first"
        )
    )


def test_ctrl_c_is_not_for_the_server(begin):
    process = begin(
        "pid = segscore.server_info().pid\ntry:\n    print(pid, flush=True)\n    time.sleep(600)\n"
        f"except KeyboardInterrupt: pass\n{SCORED}print(segscore.server_info().pid)"
    )
    first = process.stdout.readline().strip()
    os.killpg(process.pid, signal.SIGINT)
    assert ends_well(process) == [first]


FORKED = """
pid = segscore.server_info().pid
child = os.fork()
if child == 0:
    assert segscore.server_info().pid == pid
    segscore.Client().score(labels, probs)
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert segscore.server_info().pid == pid
segscore.Client().score(labels, probs)
"""


def test_a_forked_process_uses_that_of_its_parent_and_leaves_it_running(begin):
    ends_well(begin(FORKED))


ORPHANED = """
pid = segscore.server_info().pid
print(pid, flush=True)
if os.fork() == 0:
    sys.stdin.readline()
    segscore.Client().score(labels, probs)
    print(segscore.server_info().pid, flush=True)
    sys.stdin.readline()
    sys.exit(0)
os._exit(0)
"""


def test_a_forked_process_does_not_keep_it_and_starts_its_own(begin):
    process = begin(ORPHANED)
    first = int(process.stdout.readline())
    assert process.wait(PATIENCE) == 0
    eventually(lambda: not is_running(first), "the parent's server has ended, though the child lives")
    process.stdin.write("\n")
    process.stdin.flush()
    second = int(process.stdout.readline())
    assert second != first and is_running(second)
    process.stdin.write("\n")
    process.stdin.flush()
    eventually(lambda: not is_running(second), "the child's server has ended")


POOL = """
import multiprocessing
def pid(client):
    client.score(np.zeros((1, 2, 2), int), np.full((1, 2, 2, 2), 0.5, np.float32))
    return segscore.server_info().pid
if __name__ == "__main__":
    client = segscore.Client()
    first = segscore.server_info().pid
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert set(pool.map(pid, [client] * 12)) == {first}
"""


def test_pools_of_forked_processes_share_it(begin):
    ends_well(begin(POOL))


LOADER = """
import torch
class Images(torch.utils.data.Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, image):
        assert len(segscore.Client().score(labels, probs).image_scores) == 2
        return torch.full((8, 8), image % 3, dtype=torch.uint8), torch.softmax(torch.randn(3, 8, 8), 0)
first = segscore.server_info().pid
for classes, probabilities in torch.utils.data.DataLoader(Images(), batch_size=4, num_workers=2):
    assert len(segscore.Client().score(classes, probabilities).image_scores) == 4
    assert segscore.server_info().pid == first
"""


def test_the_workers_of_a_data_loader_share_it(begin):
    pytest.importorskip("torch")
    ends_well(begin(LOADER))


def test_a_kernel_that_is_restarted_has_another(begin, tmp_path, monkeypatch):
    """`begin` sees to it that nothing is left."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    manager = jupyter_client.KernelManager(kernel_name="python3")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEGSCORE")}
    manager.start_kernel(env={**kept, "SEGSCORE_PROGRAM": str(BINARY), "TMPDIR": str(tmp_path / "tmp")})
    client = manager.blocking_client()
    client.start_channels()
    pids = []

    def run():
        client.wait_for_ready(timeout=PATIENCE)
        code = f"import segscore\n{LABELS}{SCORED}print(segscore.server_info().pid)"
        reply = client.execute_interactive(
            code,
            timeout=PATIENCE,
            output_hook=lambda message: pids.extend(map(int, message["content"].get("text", "").split())),
        )
        assert reply["content"]["status"] == "ok", reply

    try:
        run()
        for now in (True, False):
            manager.restart_kernel(now=now)
            run()
            assert not is_running(pids[-2])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert len(set(pids)) == 3
    eventually(lambda: not is_running(pids[-1]), "the last server has ended")


def test_a_process_that_unpickles_a_client_uses_its_server(begin):
    url, again = ends_well(
        begin(
            "import pickle, subprocess\nurl = segscore.server_info().url\n"
            "code = 'import pickle, sys; client = pickle.load(sys.stdin.buffer); client.version(); print(client)'\n"
            "text = subprocess.run([sys.executable, '-c', code], input=pickle.dumps(segscore.Client()),"
            " capture_output=True, check=True).stdout.decode()\n"
            "print(url, text.split()[-1].rstrip('>'))"
        )
    )
    assert url == again


def test_two_processes_have_two(begin):
    scripts = [begin("print(segscore.server_info().pid, flush=True)\nsys.stdin.readline()") for _ in range(2)]
    first, second = (script.stdout.readline() for script in scripts)
    assert first != second
    for script in scripts:
        assert ends_well(script) == []


def test_a_long_path_for_temporary_files(begin, tmp_path):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    [url] = ends_well(begin(f"{SCORED}print(segscore.server_info().url)", TMPDIR=str(long)))
    assert url.startswith("unix:/tmp/segscore-")
    assert not pathlib.Path(url[5:]).parent.exists()


def test_with_many_open_files(begin):
    """More than `select` can wait for."""
    ends_well(
        begin(
            "import resource\nmost = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))\n"
            f"files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]\n{SCORED}"
        )
    )


def test_without_a_home(begin):
    ends_well(begin(SCORED, HOME="/proc/nowhere"))


@pytest.mark.parametrize(
    "program, words",
    [
        ("/nowhere/segscore", "does not start"),
        ("/bin/false", "has not begun to listen"),
        ("/bin/ls", "unrecognized option"),
    ],
)
def test_a_program_that_is_none_is_told_of(begin, program, words):
    script = (
        "try: segscore.Client().version()\n"
        "except segscore.UnreachableError as error: print(str(error).replace(chr(10), ' '))"
    )
    assert words in " ".join(ends_well(begin(script, SEGSCORE_PROGRAM=program)))


def test_the_log_of_one_that_does_not_answer_is_shown(begin, tmp_path):
    """Its end, after a program that listens nowhere but says so."""
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "there is no room" >&2\n')
    program.chmod(0o755)
    script = "try: segscore.server_info()\nexcept ConnectionError as error: print(error)"
    assert " ".join(ends_well(begin(script, SEGSCORE_PROGRAM=str(program)))).endswith("It wrote: there is no room")


def test_the_environment_or_configure_may_name_another(begin, server, monkeypatch):
    script = "info = segscore.server_info()\nprint(info.url, info.is_own, info.pid)"
    assert ends_well(begin(script, SEGSCORE_URL=server.url)) == [server.url, "False", "None"]
    assert ends_well(begin(f"segscore.configure({server.url!r})\n{script}")) == [server.url, "False", "None"]
    for variables in ({"SEGSCORE_SERVER": "off"}, {"SEGSCORE_PROGRAM": ""}):
        assert ends_well(begin("print(repr(segscore.Client()))", **variables))[-1] == "http://127.0.0.1:8080>"
    monkeypatch.setenv("SEGSCORE_PROGRAM", str(BINARY))
    assert _own_server.program() == str(BINARY)
    monkeypatch.setenv("SEGSCORE_SERVER", "off")
    assert _own_server.program() is None


def test_flags_that_the_environment_has_for_other_servers_are_not_for_it(begin):
    ends_well(begin(SCORED, SEGSCORE_API_KEY_FILE="/nowhere", SEGSCORE_LISTEN="x", SEGSCORE_API_KEY="x" * 32))

"""Every flag of `serve`, alone: with it the server stays up, scores, and ends well when it is asked to.

`--help` decides what is tried: a flag without an example here, or an example without a flag, fails.
"""

import json
import socket
import subprocess

import pytest

from access import KEYS, key_fields, make_certificate, write_keys
from client import curl
from server import BINARY, PATIENCE, environment, eventually, run

BODY = '{"labels": [[[0, 1]]], "pred_probs": [[[[0.9, 0.8]], [[0.1, 0.2]]]]}'


def flags_in_help(command):
    """The flags that `--help` lists for a command, by their names."""
    done = run(command, "--experimental-dump-help")
    arguments = json.loads(done.stdout)["command"]["arguments"]
    return {argument["preferredName"]["name"]: argument for argument in arguments if argument["shouldDisplay"]}


HELP = flags_in_help("serve")

# The flags that are told alone, a value each; those that need a file or another flag find both in a folder of the test.
VALUES = {
    "listen": ["127.0.0.1:0"],
    "admin-listen": ["127.0.0.1:0"],
    # The pipe that takes what is printed.
    "life-fd": ["1"],
    "ready-fd": ["1"],
    "allow-origin": ["https://review.example"],
    "allow-host": ["*.example"],
    "api-key-file": ["{folder}/keys"],
    "protect-health": [None, "--api-key-file", "{folder}/keys"],
    "allow-anonymous": [None],
    "allow-client-memory": [None],
    "allow-shared-memory": [None],
    "tls-cert": ["{folder}/server.pem", "--tls-key", "{folder}/server-key.pem"],
    "tls-key": ["{folder}/server-key.pem", "--tls-cert", "{folder}/server.pem"],
    "threads": ["3"],
    "workers": ["3"],
    "backlog": ["2"],
    "uploads-per-caller": ["3"],
    "job-attempts": ["2"],
    "max-body-bytes": ["1MiB"],
    "max-json-bytes": ["64KiB"],
    "max-pixels": ["1000"],
    "max-header-bytes": ["4KiB"],
    "max-connections": ["7"],
    "max-connections-per-address": ["5"],
    "idle-timeout": ["7"],
    "drain-timeout": ["3.5"],
    "result-ttl": ["5"],
    "open-ttl": ["5"],
    "memory-budget": ["512MiB"],
    "result-memory": ["32MiB"],
    "data-dir": ["{folder}"],
    "state-dir": ["{folder}/state"],
    "result-disk": ["64MiB", "--state-dir", "{folder}/state"],
    "spool-dir": ["{folder}"],
    "spool-budget": ["64MiB"],
}


def choices(name):
    """Every value of a flag that has a few, by what `--help` says; None for other flags."""
    return HELP[name].get("allValues")


def cases():
    for name in HELP:
        if name in ("help", "version"):
            continue
        for value in choices(name) or [VALUES.get(name, ["?"])]:
            value = [value] if isinstance(value, str) else value
            yield pytest.param(name, value, id=f"{name}={value[0]}")


@pytest.fixture
def folder(tmp_path):
    write_keys(tmp_path / "keys", *KEYS)
    make_certificate(tmp_path)
    return tmp_path


def test_every_flag_has_an_example():
    named = {name for name in HELP if not choices(name)} - {"help", "version"}
    assert named == set(VALUES)


def test_every_level_and_form_of_the_log_is_a_choice():
    assert choices("log-level") == ["trace", "debug", "info", "notice", "warning", "error", "critical"]
    assert choices("log-format") == ["text", "json"]


def assert_it_serves(folder, arguments, env):
    """Starts a server that a Unix socket leads to, since not every log tells of ports."""
    path = folder / "socket"
    process = subprocess.Popen(
        [BINARY, "serve", "--listen", f"unix:{path}", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(env),
    )
    try:

        def answers():
            assert process.poll() is None, process.stdout.read().decode()
            with socket.socket(socket.AF_UNIX) as client:
                return client.connect_ex(str(path)) == 0

        eventually(answers, "it listens")
        server = type("", (), {"port": None})
        key = ["-H", f"Authorization: {key_fields()['Authorization']}"]
        status, _, body = curl(server, "/score", *key, "-d", BODY, socket_path=path)
        assert status == 200, body
        assert json.loads(body)["image_scores"]
        assert process.poll() is None
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output.decode()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name, value", list(cases()))
def test_a_server_with_one_flag_serves_and_stops(folder, name, value):
    arguments = [f"--{name}"] if value[0] is None else [f"--{name}", value[0]]
    arguments = [part.format(folder=folder) for part in [*arguments, *value[1:]]]
    assert_it_serves(folder, arguments, {})


def variable_of(name):
    return "SEGSCORE_" + name.upper().replace("-", "_")


@pytest.mark.parametrize("name, value", list(cases()))
def test_a_server_with_one_variable_serves_and_stops(folder, name, value):
    variable = variable_of(name)
    others = [part.format(folder=folder) for part in value[1:]]
    # Since --listen is given, its variable is not looked at.
    assert_it_serves(folder, others, {variable: (value[0] or "true").format(folder=folder)})


# No flag can have this value: it is no number, choice, address or origin, and nothing can be beneath a file.
WRONG = "/dev/null/nothing"


@pytest.mark.parametrize("name", [name for name in HELP if name not in ("help", "version")])
def test_every_flag_is_taken_from_its_variable(name):
    """A variable that nobody looked at could not be refused: the server would start."""
    done = run("serve", env={"SEGSCORE_LISTEN": "127.0.0.1:0"} | {variable_of(name): WRONG})
    assert done.returncode == 64, done.stderr
    assert WRONG in done.stderr or f"--{name}" in done.stderr


@pytest.mark.parametrize("name", [name for name in flags_in_help("healthcheck") if name not in ("help", "version")])
def test_every_flag_of_the_health_check_is_taken_from_its_variable(name, server):
    value = "/nothing" if name == "path" else WRONG
    done = run("healthcheck", env={"SEGSCORE_LISTEN": f"127.0.0.1:{server.port}"} | {variable_of(name): value})
    assert done.returncode == 1
    assert value in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["help", "version", "port", "service-host", "generate-completion-script"])
def test_a_variable_without_a_flag_is_passed_over(name):
    refused = run("serve", "--backlog", "0")
    assert refused.returncode == 64
    done = run("serve", "--backlog", "0", env={variable_of(name): "true"})
    assert (done.returncode, done.stdout, done.stderr) == (refused.returncode, refused.stdout, refused.stderr)

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


def help_of_serve():
    done = run("serve", "--experimental-dump-help")
    return [argument for argument in json.loads(done.stdout)["command"]["arguments"] if argument["shouldDisplay"]]


HELP = {argument["preferredName"]["name"]: argument for argument in help_of_serve()}

# The flags that are told alone, a value each; those that need a file or another flag find both in a folder of the test.
VALUES = {
    "listen": ["127.0.0.1:0"],
    "admin-listen": ["127.0.0.1:0"],
    "allow-origin": ["https://review.example"],
    "allow-host": ["*.example"],
    "api-key-file": ["{folder}/keys"],
    "protect-health": [None, "--api-key-file", "{folder}/keys"],
    "allow-anonymous": [None],
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


@pytest.mark.parametrize("name, value", list(cases()))
def test_a_server_with_one_variable_serves_and_stops(folder, name, value):
    variable = "SEGSCORE_" + name.upper().replace("-", "_")
    others = [part.format(folder=folder) for part in value[1:]]
    # Where --listen is given, its variable is not looked at.
    assert_it_serves(folder, others, {variable: (value[0] or "true").format(folder=folder)})

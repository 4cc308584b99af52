"""Behind nginx and HAProxy with their defaults: what the server says is what the client hears."""

import json
import os
import pathlib
import shutil
import socket
import subprocess

import numpy as np
import pytest

import reference
from access import KEYS, key_fields, write_keys
from bodies import npz
from client import PROBLEM, curl
from server import PATIENCE, eventually

LABELS, PRED_PROBS = reference.sample(dtype=np.float64)
GOOD = npz(labels=LABELS, pred_probs=PRED_PROBS)
MIB = 1 << 20
# More than sockets hold, and than the server swallows to keep a connection.
SIZES = [4 * MIB, 24 * MIB]
LIMIT = 2 * MIB

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
{user}
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    server {{
        listen unix:{socket};
        location / {{ proxy_pass http://{server}; }}
        location /limited/ {{ proxy_pass http://{limited}/; }}
        location /unbuffered/ {{
            proxy_pass http://{server}/;
            proxy_request_buffering off;
            proxy_http_version 1.1;
        }}
        location /unbuffered/limited/ {{
            proxy_pass http://{limited}/;
            proxy_request_buffering off;
            proxy_http_version 1.1;
        }}
    }}
}}
"""

HAPROXY = """
defaults
    mode http
    timeout connect 20s
    timeout client 20s
    timeout server 20s
frontend all
    bind unix@{socket}
    http-request replace-path /unbuffered/(.*) /\\1
    use_backend limited if {{ path_beg /limited/ }}
    default_backend segscore
backend segscore
    server segscore {server}
backend limited
    http-request replace-path /limited/(.*) /\\1
    server segscore {limited}
"""


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not found:
        pytest.skip(f"{name} is not installed; Scripts/install-dependencies --tests does it where there is apt")
    return found


class Proxy:
    """A proxy that listens on a Unix socket, in front of a server, and of one with a limit."""

    port = None

    def __init__(self, name, folder, server, limited):
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "proxy.sock"
        template = {"nginx": NGINX, "haproxy": HAPROXY}[name]
        configuration = self.folder / "configuration"
        # As root nginx would give its work to somebody who may not enter the folder.
        user = "user root;" if os.geteuid() == 0 else ""
        configuration.write_text(
            template.format(
                folder=self.folder,
                socket=self.socket,
                user=user,
                server="{}:{}".format(*server.address),
                limited="{}:{}".format(*limited.address),
            )
        )
        command = {
            "nginx": ["-p", self.folder, "-e", self.folder / "error.log", "-c", configuration],
            "haproxy": ["-db", "-f", configuration],
        }[name]
        with open(self.folder / "log", "w") as log:
            self.process = subprocess.Popen(
                [program(name), *map(str, command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            eventually(self.answers, f"{name} listens")
        except AssertionError:
            self.stop()
            raise AssertionError((self.folder / "log").read_text()) from None

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def ask(self, target, *arguments):
        return curl(self, target, *arguments, socket_path=self.socket)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture(scope="module")
def servers(start_server, tmp_path_factory):
    keys = write_keys(tmp_path_factory.mktemp("keys") / "keys", *KEYS)
    return [start_server("--api-key-file", keys, *flags) for flags in ([], ["--max-body-bytes", str(LIMIT)])]


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxy(request, servers, tmp_path_factory):
    program(request.param)
    proxy = Proxy(request.param, tmp_path_factory.mktemp("p"), *servers)
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bodies")
    paths = {}
    for size in SIZES:
        paths[size] = folder / str(size)
        paths[size].write_bytes(bytes(size))
    return paths


def fields(with_key=True, *others):
    sent = {"Content-Type": "application/x-npz", "Expect": ""} | (key_fields() if with_key else {})
    return [part for name, value in sent.items() for part in ("-H", f"{name}: {value}")] + list(others)


CHUNKED = ("-H", "Transfer-Encoding: chunked")
REFUSALS = [
    pytest.param("/score?no-such=1", fields(), 400, "unknown-parameter", id="400"),
    pytest.param("/score", fields(False), 401, "unauthorized", id="401"),
    pytest.param("/nowhere", fields(), 404, "not-found", id="404"),
    pytest.param("/limited/score", fields(), 413, "body-too-large", id="413"),
    pytest.param("/unbuffered/score?no-such=1", fields(), 400, "unknown-parameter", id="400-unbuffered"),
    pytest.param("/unbuffered/limited/score", fields(), 413, "body-too-large", id="413-unbuffered"),
    pytest.param("/unbuffered/limited/score", fields(True, *CHUNKED), 413, "body-too-large", id="413-chunked"),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("target, sent, status, slug", REFUSALS)
def test_a_refusal_of_a_large_body_is_heard(proxy, files, size, target, sent, status, slug):
    answers = [proxy.ask(target, *sent, "--data-binary", f"@{files[size]}") for _ in range(10)]
    assert [(answer[0], answer[1]) for answer in answers] == [(status, PROBLEM)] * 10
    assert {json.loads(body)["type"] for _, _, body in answers} == {f"urn:segscore:{slug}"}


def test_a_good_body_is_scored(proxy, tmp_path):
    path = tmp_path / "good.npz"
    path.write_bytes(GOOD.data)
    for prefix in ("", "/unbuffered"):
        status, _, body = proxy.ask(f"{prefix}/score", *fields(), "--data-binary", f"@{path}")
        assert status == 200
        np.testing.assert_allclose(
            json.loads(body)["image_scores"], reference.image_scores(LABELS, PRED_PROBS), rtol=0, atol=1e-9
        )


def test_events_come_while_the_job_goes_on(proxy):
    key = [part for name, value in key_fields().items() for part in ("-H", f"{name}: {value}")]
    status, _, body = proxy.ask("/jobs", *key, "-X", "POST")
    assert status == 201, body
    job = json.loads(body)["links"]["self"]
    command = [
        "curl",
        "-sSN",
        "--max-time",
        PATIENCE,
        *key,
        "--unix-socket",
        proxy.socket,
        f"http://127.0.0.1{job}/events",
    ]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE) as events:
        # The job stays open until it is canceled, which comes after the first event is here.
        assert events.stdout.readline() == b"event: progress\n"
        assert proxy.ask(f"{job}/cancel", *key, "-X", "POST")[0] in (200, 202, 204)
        assert b"event: canceled\n" in events.stdout.read()
        assert events.wait(PATIENCE) == 0
    proxy.ask(job, *key, "-X", "DELETE")

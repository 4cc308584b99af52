"""Many connections: who is let in when all places are taken, or all open files."""

import contextlib
import pathlib
import resource
import socket
import time

import pytest
import requests

import reference
from access import ask, port_of
from bodies import npz
from client import BareConnection, Client, assert_problem
from server import PATIENCE, eventually, run

BODY = npz(**dict(zip(("labels", "pred_probs"), reference.sample(images=2))))


@contextlib.contextmanager
def connections(address, count):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(address, PATIENCE)) for _ in range(count)]


@contextlib.contextmanager
def uploads(server, count, *fields):
    """So many requests that do not go on."""
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(BareConnection(server.address)) for _ in range(count)]
        for connection in opened:
            connection.send_body_head(BODY, *fields)
            connection.send(BODY.data[:100])
        yield opened


def test_idle_connections_shut_nobody_out(start_server):
    server = start_server("--max-connections", "40", "--admin-listen", "127.0.0.1:0", "--idle-timeout", "3600")
    admin = port_of(server, "administration")
    with connections(server.address, 80) as half, connections(("127.0.0.1", admin), 100):
        for connection in half[40:]:
            with contextlib.suppress(OSError):
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: ")
        assert ask(f"http://127.0.0.1:{admin}/readyz").text == "ok\n"
        assert run("healthcheck", "--listen", f"127.0.0.1:{server.port}").returncode == 0
        assert Client(server).score(BODY).status_code == 200


def test_probes_are_answered_where_each_place_has_a_request(start_server):
    server = start_server("--max-connections", "4", "--admin-listen", "127.0.0.1:0")
    admin = port_of(server, "administration")
    with uploads(server, 4) as opened:
        eventually(
            lambda: "requests_in_flight 5\n" in ask(f"http://127.0.0.1:{admin}/metrics").text, "all are under way"
        )
        assert run("healthcheck", "--listen", f"127.0.0.1:{server.port}").returncode == 0
        base = f"http://127.0.0.1:{server.port}"
        for target in ("/livez", "/metrics", "/version", "/v2/health/ready"):
            assert ask(base + target).status_code == 200
        refused = ask(base + "/jobs")
        assert_problem(refused, 503, "too-many-connections")
        assert refused.headers["Connection"] == "close" and refused.headers["Retry-After"]
        for connection in opened:
            connection.send(BODY.data[100:])
            assert connection.read().status_code == 200
            connection.close()
    with Client(server) as client:
        eventually(lambda: client.get("/jobs").status_code == 200, "there is room again")


def test_slow_uploads_leave_places_to_others(start_server, tmp_path):
    keys = [letter * 20 for letter in "ab"]
    (tmp_path / "keys").write_text("\n".join(keys))
    server = start_server("--backlog", "8", "--api-key-file", tmp_path / "keys")
    mine, other = ({"Authorization": f"Bearer {key}"} for key in keys)
    fields = [f"Authorization: Bearer {keys[0]}"]
    with uploads(server, 6, *fields) as opened, Client(server) as client:
        eventually(lambda: len(client.get("/jobs?status=receiving", headers=mine).json()["jobs"]) == 6, "all are jobs")
        refused = client.score(BODY, headers=mine)
        problem = assert_problem(refused, 503, "too-many-uploads")
        assert problem["limit"] == 6 and refused.headers["Retry-After"]
        assert client.score(BODY, headers=other).status_code == 200
        # Who is done, or goes away, has room again.
        opened[0].send(BODY.data[100:])
        assert opened[0].read().status_code == 200
        assert client.score(BODY, headers=mine).status_code == 200
        for connection in opened[1:3]:
            connection.close()
        eventually(lambda: len(client.get("/jobs?status=receiving", headers=mine).json()["jobs"]) == 3, "two are gone")
        for _ in range(3):
            assert client.score(BODY, headers=mine).status_code == 200


def test_addresses_have_shares_where_no_key_is_needed(start_server):
    server = start_server("--backlog", "8", "--uploads-per-caller", "2")
    with uploads(server, 2), Client(server) as client:
        eventually(lambda: len(client.get("/jobs?status=receiving").json()["jobs"]) == 2, "both are jobs")
        refused = client.score(BODY, headers={"Authorization": "Bearer made-up-for-another-share"})
        assert_problem(refused, 503, "too-many-uploads")
        with requests.Session() as session:
            session.mount("http://", adapter_from("127.0.0.2"))
            answer = session.post(f"http://127.0.0.1:{server.port}/score", data=BODY.data, timeout=PATIENCE)
            assert answer.status_code == 200


def adapter_from(address):
    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *arguments, **options):
            super().init_poolmanager(*arguments, **options, source_address=(address, 0))

    return Adapter()


def limit_of_files(server):
    text = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
    return next(line.split()[3:5] for line in text.splitlines() if line.startswith("Max open files"))


def test_the_limit_of_open_files_is_raised(start_server):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = min(512, before[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        server = start_server("--backlog", "8")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert limit_of_files(server)[0] == limit_of_files(server)[1] == str(before[1])


def limited(start_server, files, *flags):
    """A server that the system allows so many open files."""
    command = ["prlimit", f"--nofile={files}:{files}"]
    return start_server(*flags, prefix=command)


def test_connections_leave_files_to_requests(start_server):
    server = limited(start_server, 512, "--backlog", "8", "--threads", "2", "--idle-timeout", "3600")
    assert "files.limit=512" in server.wait_for_log("fewer connections than --max-connections")
    with connections(server.address, 600), Client(server) as client:
        assert client.score(BODY).status_code == 200
        assert client.get("/livez").status_code == 200
    done = run("serve", "--listen", "127.0.0.1:0", prefix=["prlimit", "--nofile=100:100"])
    assert done.returncode > 0 and "ulimit -n" in done.stderr


def processor_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("kept", [0, 1])
def test_a_system_without_descriptors_costs_no_processor_and_shuts_nobody_out(start_server, kept):
    """The limit is lowered behind the server's back, as where the whole system has no more files (`ENFILE`)."""
    server = start_server("--threads", "1", "--idle-timeout", "3600")
    pid = server.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with connections(server.address, kept):
        with Client(server) as client:
            assert client.get("/livez").status_code == 200
        # Less than are open: these stay, and there are no more.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (10, limits[1]))
        with connections(server.address, 20):
            server.wait_for_log("no descriptors or no memory")
            before = processor_seconds(server)
            time.sleep(1)
            assert processor_seconds(server) - before < 0.5
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        with Client(server) as client:
            assert client.get("/livez").status_code == 200
            assert client.score(BODY).status_code == 200

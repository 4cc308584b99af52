"""The program as a server: connections, limits, signals, settings, logs."""

import concurrent.futures
import contextlib
import json
import re
import signal
import time

import numpy as np
import pytest
import yaml

import bodies
import reference
from bodies import npz
from client import BareAnswer, BareConnection, Client, assert_problem, curl
from server import ROOT, eventually, run

LABELS, PRED_PROBS = reference.sample(dtype=np.float64)
GOOD = npz(labels=LABELS, pred_probs=PRED_PROBS)


# Around the service


def test_it_is_alive_and_ready(client):
    for path in ("/livez", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, "ok\n")
        assert answer.headers["Content-Type"].partition(";")[0] == "text/plain"


def test_the_version_is_that_of_the_document_and_of_the_command(client):
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    assert client.get("/version").json()["version"] == document["info"]["version"]
    assert document["info"]["version"] in run("version").stdout


def test_the_document_is_served_as_it_stands(client):
    answer = client.get("/openapi.yaml")
    assert answer.headers["Content-Type"].partition(";")[0] == "application/yaml"
    assert answer.content == (ROOT / "openapi.yaml").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/livez",
        "/readyz",
        "/version",
        "/openapi.yaml",
        "/jobs",
        "{job}",
        "{job}/image_scores",
        "{job}/pixel_scores",
        "{job}/pixel_scores?image=1",
        "{job}/issues?threshold=0.5",
        "{job}/ranking",
    ],
)
def test_head_answers_as_get_without_a_body(server, client, path):
    path = path.format(job=client.scored(GOOD)["links"]["self"])
    answers = []
    for method in ("HEAD", "GET"):
        with BareConnection(server.address) as connection:
            connection.send_head(method, path, "Connection: close", "X-Request-Id: same")
            answers.append(connection.read())
            assert connection.is_closed_by_server()
    head, get = answers
    assert head.status_code == get.status_code == 200
    varying = {"date", "content-length"} if path == "/jobs" else {"date"}
    kept = [{name: value for name, value in answer.headers.lower_items() if name not in varying} for answer in answers]
    assert kept[0] == kept[1]
    assert int(get.headers["Content-Length"]) == len(get.content) > 0


def test_every_answer_carries_a_request_id(client):
    answers = [client.get("/livez"), client.get("/nowhere"), client.delete("/jobs"), client.score(bodies.Body(b"x"))]
    assert all(answer.headers["X-Request-Id"] for answer in answers)


@pytest.mark.parametrize("sent", ["a b", "x" * 5000, "\u00e9"])
def test_a_strange_request_id_does_no_harm(client, sent):
    answer = client.get("/livez", headers={"X-Request-Id": sent.encode("latin-1")})
    assert answer.status_code == 200
    assert answer.headers["X-Request-Id"]


# Connections


def test_one_connection_serves_many_requests(server):
    with BareConnection(server.address) as connection:
        for _ in range(3):
            connection.send_body_head(GOOD)
            connection.send(GOOD.data)
            assert connection.read().status_code == 200
            connection.send_head("GET", "/livez")
            assert connection.read().content == b"ok\n"


def test_a_mistake_in_a_body_does_not_cost_the_connection(server):
    bad = bodies.json_text('{"labels": ')
    with BareConnection(server.address) as connection:
        connection.send_body_head(bad)
        connection.send(bad.data)
        assert_problem(connection.read(), 400, "malformed-body")
        connection.send_head("GET", "/livez")
        assert connection.read().status_code == 200


def test_http_1_0_is_answered_and_closed(server):
    with BareConnection(server.address) as connection:
        connection.send(b"GET /livez HTTP/1.0\r\n\r\n")
        answer = connection.read_to_end()
    assert answer.split()[1] == b"200" and answer.endswith(b"\r\n\r\nok\n")


@pytest.mark.parametrize("count", [1, 3])
def test_clients_at_the_same_time_get_their_own_answers(start_server, count):
    server = start_server("--threads", str(count), "--workers", str(count), "--backlog", "64")

    def score(seed):
        labels, pred_probs = reference.sample(seed=seed, height=5 + seed, dtype=np.float64)
        with Client(server) as client:
            answer = client.scored(npz(labels=labels, pred_probs=pred_probs))
        np.testing.assert_allclose(
            answer["image_scores"], reference.image_scores(labels, pred_probs), rtol=0, atol=1e-9
        )
        return answer["job"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(score, range(24)))
    assert len(set(jobs)) == 24


def test_a_slow_upload_holds_up_nobody(start_server):
    server = start_server("--threads", "1", "--workers", "1")
    with BareConnection(server.address) as slow, Client(server) as client:
        slow.send_body_head(GOOD)
        slow.send(GOOD.data[:50])
        assert client.score(GOOD).status_code == 200
        slow.send(GOOD.data[50:])
        assert slow.read().status_code == 200


def test_it_listens_on_a_unix_socket_and_removes_it(start_server, tmp_path):
    path = tmp_path / "segscore.sock"
    server = start_server(listen=[f"unix:{path}", "127.0.0.1:0"])
    np.savez(tmp_path / "batch.npz", labels=LABELS, pred_probs=PRED_PROBS)
    status, _, body = curl(server, "/score", "--data-binary", f"@{tmp_path}/batch.npz", socket_path=path)
    assert status == 200
    np.testing.assert_allclose(
        json.loads(body)["image_scores"], reference.image_scores(LABELS, PRED_PROBS), rtol=0, atol=1e-9
    )
    assert Client(server).get("/livez").status_code == 200
    assert server.stop() == 0
    assert not path.exists()


def test_an_idle_connection_is_closed(start_server):
    with BareConnection(start_server("--idle-timeout", "1").address) as connection:
        connection.send_head("GET", "/livez")
        connection.read()
        assert connection.is_closed_by_server()


def test_connections_of_an_address_are_limited(start_server):
    server = start_server("--max-connections-per-address", "2")

    def is_served():
        try:
            with BareConnection(server.address) as connection:
                connection.send_head("GET", "/livez")
                return connection.read().status_code == 200
        except (EOFError, ConnectionError):
            return False

    held = [BareConnection(server.address) for _ in range(2)]
    for connection in held:
        connection.send_head("GET", "/livez")
        assert connection.read().status_code == 200
    # Closed, or left waiting in the listen queue.
    with pytest.raises((EOFError, ConnectionError, TimeoutError)), BareConnection(server.address, timeout=1) as third:
        third.send_head("GET", "/livez")
        third.read()
    for connection in held:
        connection.close()
    eventually(is_served, "a place is free again")


def test_a_head_over_the_limit_is_refused(start_server):
    server = start_server("--max-header-bytes", "4096")
    with BareConnection(server.address) as connection:
        connection.send_head("GET", "/livez", "X-Filler: " + "x" * 20000)
        assert connection.read_head()[0] == 431
    assert Client(server).get("/livez").status_code == 200


@pytest.mark.parametrize(
    "head, status, slug",
    [
        ("GET /livez HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n", 505, "unsupported-version"),
        (f"GET /{'a' * 300_000} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 414, "target-too-long"),
        (f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {'a' * 300_000}\r\n\r\n", 431, "header-too-large"),
        (f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {';' * 30_000}\r\n\r\n", 431, "header-too-large"),
        ("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nno colon\r\n\r\n", 400, "malformed-request"),
        ("POST /score HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n", 400, "malformed-request"),
        (
            (
                "POST /score HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
                "Content-Type: application/json\r\n\r\nx\r\n"
            ),
            400,
            "malformed-request",
        ),
    ],
    ids=["505", "414", "431", "431-cookie", "400-field", "400-length", "400-chunk"],
)
def test_what_is_no_request_is_answered_once_with_a_problem(server, head, status, slug):
    with BareConnection(server.address) as connection:
        connection.send(head.encode())
        # Past the record, for no operation of the document was asked.
        given, fields = connection.read_head()
        answer = BareAnswer(given, fields, connection.file.read(int(fields["Content-Length"])))
        assert_problem(answer, status, slug)
        assert answer.headers["X-Request-Id"] and answer.headers["Connection"] == "close"
        assert connection.is_closed_by_server()


def test_thousands_of_ampersands_are_a_query(server, client):
    with BareConnection(server.address) as connection:
        for _ in range(2):
            connection.send_head("GET", "/jobs?" + "&" * 20_000)
            assert connection.read().status_code == 200
    eventually(
        lambda: re.search(r"^segscore_http_requests_in_flight 1$", client.get("/metrics").text, re.MULTILINE),
        "no other request is under way",
    )


# Settings


def test_every_setting_has_an_environment_variable(start_server, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    environment = {
        "SEGSCORE_THREADS": "1",
        "SEGSCORE_WORKERS": "1",
        "SEGSCORE_BACKLOG": "8",
        "SEGSCORE_MAX_BODY_BYTES": "50000",
        "SEGSCORE_MAX_JSON_BYTES": "300",
        "SEGSCORE_MAX_PIXELS": "200",
        "SEGSCORE_MAX_HEADER_BYTES": "8192",
        "SEGSCORE_MAX_CONNECTIONS": "20",
        "SEGSCORE_MAX_CONNECTIONS_PER_ADDRESS": "20",
        "SEGSCORE_IDLE_TIMEOUT": "20",
        "SEGSCORE_DRAIN_TIMEOUT": "5",
        "SEGSCORE_RESULT_TTL": "60",
        "SEGSCORE_RESULT_MEMORY": "1000000",
        "SEGSCORE_LOG_FORMAT": "json",
        "SEGSCORE_LOG_LEVEL": "debug",
        "SEGSCORE_LISTEN": f"127.0.0.1:0,unix:{tmp_path}/env.sock",
    }
    server = start_server(env=environment, listen=())
    client = Client(server)
    assert client.score(GOOD).status_code == 200
    as_json = bodies.json_body(labels=LABELS, pred_probs=PRED_PROBS)
    assert assert_problem(client.score(as_json), 413, "body-too-large")["limit"] == 300
    large = npz(labels=np.zeros((1, 20, 20), np.uint8), pred_probs=np.zeros((1, 2, 20, 20)))
    assert assert_problem(client.score(large), 413, "too-many-pixels")["limit"] == 200
    status, _, body = curl(server, "/livez", socket_path=tmp_path / "env.sock")
    assert (status, body) == (200, b"ok\n")
    assert json.loads(server.log[0])


def test_a_flag_wins_over_its_environment_variable(start_server):
    server = start_server("--max-pixels", "1000", env={"SEGSCORE_MAX_PIXELS": "10"})
    assert Client(server).score(GOOD).status_code == 200


@pytest.mark.parametrize(
    "arguments, env",
    [
        (["--max-pixels", "many"], {}),
        (["--max-pixels", "-1"], {}),
        (["--listen", "nonsense:port"], {}),
        (["--log-format", "xml"], {}),
        (["--no-such-flag"], {}),
        ([], {"SEGSCORE_IDLE_TIMEOUT": "soon"}),
        (["--spool-dir", "/nonexistent/spool"], {}),
    ],
)
def test_a_setting_that_makes_no_sense_ends_the_program_with_a_word(arguments, env):
    listen = [] if "--listen" in arguments else ["--listen", "127.0.0.1:0"]
    done = run("serve", *listen, *arguments, env=env)
    assert done.returncode > 0
    assert done.stderr.strip()


def test_a_port_that_is_taken_ends_the_program_with_a_word(server):
    done = run("serve", "--listen", f"127.0.0.1:{server.port}")
    assert done.returncode > 0
    assert str(server.port) in done.stderr + done.stdout


def test_the_health_check_tells_a_live_server_from_none(start_server):
    server = start_server()
    where = {"SEGSCORE_LISTEN": f"127.0.0.1:{server.port}"}
    assert run("healthcheck", env=where).returncode == 0
    assert server.stop() == 0
    assert run("healthcheck", env=where).returncode == 1


@pytest.mark.parametrize(
    "address, said",
    [
        ("nonsense", '"nonsense" is no address'),
        ("non\x1bsense", '"non\\u{1b}sense" is no address'),
        ("nowhere.invalid:80", "nowhere.invalid has no address"),
        ("unix:/" + "long" * 99, "is longer than"),
    ],
)
@pytest.mark.parametrize("flag", ["--listen", "--admin-listen"])
def test_the_health_check_says_what_is_wrong_with_an_address(flag, address, said):
    done = run("healthcheck", flag, address)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.startswith("segscore: ") and done.stderr.count("\n") == 1


# The end


@pytest.mark.parametrize("send", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_server_at_once(start_server, send):
    server = start_server()
    with Client(server) as client:
        client.get("/livez")
        started = time.monotonic()
        assert server.stop(send) == 0
        assert time.monotonic() - started < 10


def ask(connection, method, target):
    connection.send_head(method, target)
    return connection.read()


def refusal(answer):
    return answer if answer.status_code == 503 else None


def test_a_draining_server_finishes_what_it_has_and_takes_no_more(start_server):
    server = start_server("--drain-timeout", "30")
    # Each request has a connection of its own from before, since a draining server may close one after an answer.
    with contextlib.ExitStack() as stack:
        upload, live, *others = [stack.enter_context(BareConnection(server.address)) for _ in range(7)]
        posting, asking = others[:3], others[3:]
        for connection in (live, *others):
            assert ask(connection, "GET", "/livez").status_code == 200
        upload.send_body_head(GOOD)
        upload.send(GOOD.data[:100])
        client = stack.enter_context(Client(server))
        eventually(client.job_ids, "the upload is a job")
        server.terminate()

        def unreadiness():
            try:
                return refusal(ask(asking[0], "GET", "/readyz"))
            except EOFError:
                # It was still ready, and no longer by the time that it said so.
                asking.pop(0)

        refused = eventually(unreadiness, "the server drains")
        assert_problem(refused, 503, "draining")
        for connection, target in zip(posting, ("/score", "/issues", "/reduce")):
            connection.send_body_head(GOOD, target=target)
            connection.send(GOOD.data)
            assert_problem(connection.read(), 503, "draining")
        assert ask(live, "GET", "/livez").status_code == 200
        assert server.process.poll() is None
        upload.send(GOOD.data[100:])
        answer = json.loads(upload.read().content)
    np.testing.assert_allclose(answer["image_scores"], reference.image_scores(LABELS, PRED_PROBS), rtol=0, atol=1e-9)
    assert server.stop() == 0
    assert server.spooled_files() == []


def test_a_drain_has_an_end(start_server):
    server = start_server("--drain-timeout", "1")
    with BareConnection(server.address) as upload:
        upload.send_body_head(GOOD)
        upload.send(GOOD.data[:100])
        client = Client(server)
        eventually(client.job_ids, "the upload is a job")
        assert server.stop() == 0
    assert server.spooled_files() == []


# Logs


def test_every_line_of_a_json_log_is_json_and_names_its_request(start_server):
    server = start_server("--log-format", "json", "--log-level", "debug")
    client = Client(server)
    client.score(GOOD, headers={"X-Request-Id": "the-good-one"})
    client.score(bodies.Body(b'nothing"\n\\of use'), headers={"X-Request-Id": "the-bad-one"})
    for request in ("the-good-one", "the-bad-one"):
        server.wait_for_log(request)
    client.close()
    assert server.stop() == 0
    entries = [json.loads(line) for line in server.log]
    assert all(isinstance(entry, dict) for entry in entries)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_log_lines_name_the_trace_of_their_request(start_server, log_format):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    parent = f"00-{trace}-00f067aa0ba902b7-01"
    server = start_server("--log-format", log_format, "--log-level", "debug")
    client = Client(server)
    client.score(bodies.Body(b"x"), headers={"X-Request-Id": "the-traced-one", "traceparent": parent})
    client.get("/livez", headers={"X-Request-Id": "the-forged-one", "traceparent": parent.replace("4", "X")})
    client.close()
    assert server.stop() == 0
    lines = [line for line in server.log if "the-traced-one" in line]
    assert len(lines) == 2
    for line in lines:
        if log_format == "json":
            entry = json.loads(line)
            assert (entry["traceparent"], entry["trace.id"]) == (parent, trace)
        else:
            assert f"traceparent={parent}" in line and f"trace.id={trace}" in line
    forged = [line for line in server.log if "the-forged-one" in line]
    assert forged and not any("trace" in line for line in forged)


def test_a_text_log_names_its_request_and_holds_no_line_of_the_clients_making(start_server):
    server = start_server("--log-format", "text", "--log-level", "debug")
    client = Client(server)
    client.get("/livez%0aforged%20line", headers={"X-Request-Id": "the-text-one"})
    server.wait_for_log("the-text-one")
    assert not any(line.startswith("forged") for line in server.log)


def test_arrays_never_reach_the_log(start_server):
    server = start_server("--log-level", "trace")
    Client(server).score(bodies.json_text('{"labels": [[[0]]], "pred_probs": [[[[0.123456789]]]]}'))
    assert server.stop() == 0
    assert not any("123456789" in line for line in server.log)

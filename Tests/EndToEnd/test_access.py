"""Who may call: keys, the addresses that need them, and those that do not."""

import re
import signal

import numpy as np
import pytest
import yaml

import reference
from access import KEYS, ask, key_fields, port_of, write_keys
from bodies import npz
from client import BareConnection, Client, assert_problem, curl
from server import ROOT, eventually, run

LABELS, PRED_PROBS = reference.sample(dtype=np.float64)
GOOD = npz(labels=LABELS, pred_probs=PRED_PROBS)
PATHS = yaml.safe_load((ROOT / "openapi.yaml").read_text())["paths"]
OPERATIONS = [(method.upper(), path) for path, item in PATHS.items() for method in item if method != "parameters"]
# Those that are part of the program, and answered without a key whatever is protected.
OPEN = [(method, path) for method, path in OPERATIONS if PATHS[path][method.lower()].get("security") == [{}]]
CHALLENGE = 'Bearer realm="segscore"'
INVALID = f'{CHALLENGE}, error="invalid_token"'


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    return write_keys(tmp_path_factory.mktemp("keys") / "keys", *KEYS)


@pytest.fixture(scope="module")
def keyed(start_server, key_file, tmp_path_factory):
    """A server that wants a key even for its health, and has an address for administration and a Unix socket."""
    socket = tmp_path_factory.mktemp("socket") / "s"
    server = start_server(
        "--api-key-file",
        key_file,
        "--protect-health",
        "--admin-listen",
        "127.0.0.1:0",
        "--listen",
        f"unix:{socket}",
        "--log-level",
        "trace",
    )
    server.socket_path = socket
    return server


@pytest.fixture(scope="module")
def keyed_client(keyed):
    with Client(keyed) as client:
        yield client


@pytest.mark.parametrize("method, path", [operation for operation in OPERATIONS if operation not in OPEN])
@pytest.mark.parametrize(
    "fields, challenge",
    [
        ({}, CHALLENGE),
        ({"Authorization": "Basic QTpC"}, CHALLENGE),
        (key_fields("x"), INVALID),
        (key_fields(KEYS[0][:-1]), INVALID),
        (key_fields(KEYS[0] + KEYS[1]), INVALID),
    ],
    ids=["none", "another scheme", "wrong", "shortened", "lengthened"],
)
def test_every_operation_needs_a_key(keyed_client, method, path, fields, challenge):
    answer = keyed_client.request(method, path.replace("{id}", "0" * 32), headers=fields)
    assert_problem(answer, 401, "unauthorized", "Authorization")
    assert answer.headers["WWW-Authenticate"] == challenge


def test_the_review_page_needs_no_key_and_knows_nothing(keyed_client):
    assert {path for _, path in OPEN} == {"/", "/page/{file}"}
    page = keyed_client.get("/")
    assert page.status_code == 200 and page.headers["Content-Type"] == "text/html; charset=utf-8"
    types = {"main.js": "text/javascript", "style.css": "text/css", "index.html": "text/html"}
    for file, media_type in types.items():
        answer = keyed_client.get(f"/page/{file}")
        assert answer.status_code == 200 and answer.headers["Content-Type"] == f"{media_type}; charset=utf-8"
        assert answer.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert_problem(keyed_client.get("/page/keys"), 404, "not-found")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_every_key_of_the_file_opens(keyed_client, key, scheme):
    fields = {"Authorization": f"{scheme} {key}"}
    job = keyed_client.score(GOOD, headers=fields)
    assert job.status_code == 200
    assert keyed_client.get(job.headers["Location"], headers=fields).status_code == 200
    assert keyed_client.get("/livez", headers=fields).status_code == 200
    assert keyed_client.delete(job.headers["Location"], headers=fields).status_code == 204


@pytest.mark.parametrize("length", [10, 1 << 20, 1 << 40])
def test_a_body_is_not_waited_for(start_server, key_file, length):
    server = start_server("--api-key-file", key_file, "--max-body-bytes", "2TiB")
    with BareConnection(server.address) as connection:
        connection.send_head(
            "POST", "/score", f"Content-Length: {length}", "Expect: 100-continue", "Authorization: Bearer x"
        )
        status, fields = connection.read_head()
        assert (status, fields["WWW-Authenticate"]) == (401, INVALID)
    assert Client(server).get("/jobs", headers=key_fields()).json()["jobs"] == []


def test_nobody_without_a_key_is_told_what_there_is(keyed):
    for method, path in [("GET", "/nothing"), ("PUT", "/jobs"), ("OPTIONS", "/score"), ("GET", "//jobs")]:
        assert ask(f"http://127.0.0.1:{keyed.port}{path}", method).status_code == 401


def test_health_is_open_unless_told_otherwise(start_server, key_file):
    server = start_server("--api-key-file", key_file)
    with Client(server) as client:
        for path in ("/livez", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"):
            assert client.get(path).status_code == 200
        for path in ("/version", "/openapi.yaml", "/jobs", "/v2", "/v2/models/segscore/ready"):
            assert_problem(client.get(path), 401, "unauthorized")
    assert run("healthcheck", "--listen", f"127.0.0.1:{server.port}").returncode == 0


def test_callers_by_unix_socket_need_a_key_too(keyed):
    assert curl(keyed, "/jobs", socket_path=keyed.socket_path)[0] == 401
    fields = ["-H", f"Authorization: Bearer {KEYS[1]}"]
    assert curl(keyed, "/jobs", *fields, socket_path=keyed.socket_path)[0] == 200


# Administration


def test_administrators_are_answered_what_they_ask_and_nothing_else(keyed):
    url = f"http://127.0.0.1:{port_of(keyed, 'administration')}"
    for path in ("/livez", "/readyz", "/metrics", "/version"):
        assert ask(url + path).status_code == 200
    for method, path in OPERATIONS:
        if path not in ("/livez", "/readyz", "/metrics", "/version"):
            answer = ask(url + path.replace("{id}", "0" * 32), method, headers=key_fields())
            assert_problem(answer, 404, "not-found")
    assert ask(f"{url}/livez", "POST").status_code == 405


def test_the_health_check_asks_the_address_for_administration(keyed):
    env = {
        "SEGSCORE_LISTEN": f"127.0.0.1:{keyed.port}",
        "SEGSCORE_ADMIN_LISTEN": f"127.0.0.1:{port_of(keyed, 'administration')}",
    }
    assert run("healthcheck", env=env).returncode == 0
    assert run("healthcheck", "--path", "/readyz", env=env).returncode == 0
    # Who names an address has that one asked, and is refused without a key.
    done = run("healthcheck", "--listen", f"127.0.0.1:{keyed.port}", env=env)
    assert (done.returncode, done.stdout.split()[-1]) == (1, "401")


# Other keys


def test_keys_are_read_anew_on_sighup(start_server, tmp_path):
    path = write_keys(tmp_path / "keys", KEYS[0])
    server = start_server("--api-key-file", path)
    with Client(server) as client:

        def status(key):
            return client.get("/jobs", headers=key_fields(key)).status_code

        def errors():
            return sum("keys not read anew" in line for line in server.log)

        assert [status(key) for key in KEYS] == [200, 401]
        write_keys(path, KEYS[1])
        assert [status(key) for key in KEYS] == [200, 401]
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log("keys read anew")
        assert [status(key) for key in KEYS] == [401, 200]
        for number, spoil in enumerate([lambda: path.write_text("short\n"), lambda: path.write_text(""), path.unlink]):
            spoil()
            server.process.send_signal(signal.SIGHUP)
            eventually(lambda least=number: errors() > least, "an error is logged")
            assert [status(key) for key in KEYS] == [401, 200]
    assert any("error" in line and "line 1 of" in line for line in server.log)
    assert not any(part in line for line in server.log for part in (*KEYS, "short"))


def test_no_key_gets_into_the_log(keyed, keyed_client):
    wrong = "a-wrong-key-of-mine"
    keyed_client.get("/jobs", headers=key_fields(wrong) | {"X-Request-Id": "the-wrong-key"})
    keyed_client.get("/jobs", headers=key_fields(KEYS[1]) | {"X-Request-Id": "the-right-key"})
    for text in ("the-wrong-key", "the-right-key"):
        keyed.wait_for_log(text)
    assert not any(key in line for line in keyed.log for key in (*KEYS, wrong))


# The start


@pytest.mark.parametrize(
    "text, line, words",
    [
        ("", None, "no key"),
        ("# nothing\n\n", None, "no key"),
        ("\n# x\nfifteen-letters\n", 3, "15 characters"),
        (f"{KEYS[0]}\ntwo words and some more\n", 2, "blank"),
        (f"{KEYS[0]}\nschl\u00fcssel-schl\u00fcssel", 2, "printable"),
        ("z" * 257, 1, "257 characters"),
        ("z" * (1 << 21), None, "more than"),
    ],
    ids=["empty", "comments", "short", "blank", "not ASCII", "long", "large"],
)
def test_a_file_that_holds_no_keys_ends_the_program_with_a_word(tmp_path, text, line, words):
    path = tmp_path / "keys"
    path.write_text(text)
    done = run("serve", "--listen", "127.0.0.1:0", "--api-key-file", path)
    assert done.returncode > 0
    assert str(path) in done.stderr and words in done.stderr
    assert line is None or f"line {line} " in done.stderr
    for word in text.split():
        assert len(word) < 10 or word not in done.stderr + done.stdout


@pytest.mark.parametrize("path", ["/nonexistent/keys", "/"])
def test_a_key_file_that_cannot_be_read_ends_the_program_with_a_word(path):
    done = run("serve", "--listen", "127.0.0.1:0", "--api-key-file", path)
    assert done.returncode > 0
    assert f"{path} cannot be read" in done.stderr


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.invalid:0"])
def test_it_does_not_listen_to_other_machines_without_keys(address):
    for listen in ([address], ["127.0.0.1:0", address]):
        done = run("serve", *(part for text in listen for part in ("--listen", text)))
        assert done.returncode > 0
        assert address in done.stderr and "--api-key-file" in done.stderr and "--allow-anonymous" in done.stderr


@pytest.mark.parametrize(
    "flags, env",
    [(["--allow-anonymous"], {}), ([], {"SEGSCORE_ALLOW_ANONYMOUS": "true"}), (["--api-key-file"], {})],
    ids=["flag", "variable", "keys"],
)
def test_it_listens_to_other_machines_when_told_to(start_server, key_file, flags, env):
    flags = [*flags, key_file] if "--api-key-file" in flags else flags
    server = start_server(*flags, listen=("127.0.0.1:0", "0.0.0.0:0"), env=env)
    port = int(re.search(r"0\.0\.0\.0:(\d+)", server.wait_for_log("0.0.0.0:"))[1])
    assert ask(f"http://127.0.0.1:{port}/jobs").status_code == (401 if "--api-key-file" in flags else 200)


@pytest.mark.parametrize("env", [{"SEGSCORE_ALLOW_ANONYMOUS": "yes"}, {"SEGSCORE_PROTECT_HEALTH": "true"}])
def test_switches_that_make_no_sense_end_the_program_with_a_word(env):
    done = run("serve", "--listen", "127.0.0.1:0", env=env)
    assert done.returncode > 0
    assert done.stderr.strip()


@pytest.mark.parametrize(
    "variable", ["SEGSCORE_API_KEY_FILE", "SEGSCORE_TLS_CERT", "SEGSCORE_TLS_KEY", "SEGSCORE_PROTECT_HEALTH"]
)
def test_a_variable_that_should_keep_others_out_is_not_empty(variable):
    done = run("serve", "--listen", "127.0.0.1:0", env={variable: "", "SEGSCORE_ALLOW_ANONYMOUS": "true"})
    assert done.returncode > 0
    assert variable in done.stderr or "--protect-health" in done.stderr


# Browsers


ORIGIN = "https://review.example"


@pytest.mark.parametrize(
    "origin, allowed",
    [(ORIGIN, True), ("http://localhost:3000", True), ("https://evil.example", False), ("null", False), (None, False)],
)
def test_pages_of_named_origins_may_call(start_server, key_file, origin, allowed):
    server = start_server("--api-key-file", key_file, env={"SEGSCORE_ALLOW_ORIGIN": f"{ORIGIN},http://localhost:3000"})
    url = f"http://127.0.0.1:{server.port}"
    fields = {"Origin": origin} if origin else {}
    preflight = ask(
        f"{url}/score",
        "OPTIONS",
        headers=fields | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"},
    )
    scored = ask(f"{url}/score", "POST", data=GOOD.data, headers=fields | key_fields())
    refused = ask(f"{url}/score", "POST", data=GOOD.data, headers=fields)
    foreign = origin and not allowed
    expected = [204, 200, 401] if allowed else [403, 403, 403] if foreign else [401, 200, 401]
    assert [answer.status_code for answer in (preflight, scored, refused)] == expected
    for answer in (preflight, scored, refused):
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
        assert answer.headers["Vary"] == "Origin"
    if allowed:
        assert preflight.headers["Access-Control-Allow-Methods"] == "POST" and preflight.content == b""
        assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
        assert "Location" in scored.headers["Access-Control-Expose-Headers"]


def test_no_page_may_call_unless_one_is_named(server):
    url = f"http://127.0.0.1:{server.port}/livez"
    fields = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    answers = [ask(url, "OPTIONS", headers=fields), ask(url, headers=fields)]
    assert [answer.status_code for answer in answers] == [403, 403]
    for answer in answers:
        assert not any(name.startswith("Access-Control") or name == "Vary" for name in answer.headers)


FOREIGN = [
    {"Origin": "https://page.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "https://localhost.page.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
]


@pytest.mark.parametrize("method, path", OPERATIONS)
def test_no_operation_answers_a_foreign_page(client, method, path):
    for fields in FOREIGN:
        answer = client.request(method, path.replace("{id}", "0" * 32), headers=fields)
        assert_problem(answer, 403, "foreign-origin", "Origin" if "Origin" in fields else "Sec-Fetch-Site")


def test_what_a_form_or_a_script_of_a_foreign_page_can_send_does_nothing(client):
    before = client.job_ids()
    page = {"Origin": "https://page.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        for path in (
            "/score",
            "/reduce",
            "/jobs",
            "/issues",
            "/v2/models/segscore/infer",
            "/v2/systemsharedmemory/unregister",
        ):
            answer = ask(
                f"http://127.0.0.1:{client.server.port}{path}",
                "POST",
                data=GOOD.data,
                headers=page | {"Content-Type": content_type},
            )
            assert answer.status_code == 403, path
    # A form that a person is made to send.
    navigation = page | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ask(f"http://127.0.0.1:{client.server.port}/jobs", "POST", headers=navigation).status_code == 403
    assert client.job_ids() == before


def test_a_foreign_page_is_not_waited_for(server):
    with BareConnection(server.address) as connection:
        connection.send_head("POST", "/score", "Content-Length: 1000000000", "Origin: https://page.example")
        assert connection.read().status_code == 403


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Origin": "http://127.0.0.1:{port}"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://segscore.example"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
    ids=str,
)
def test_who_is_no_foreign_page_is_answered(server, fields):
    fields = {name: value.format(port=server.port) for name, value in fields.items()}
    assert ask(f"http://127.0.0.1:{server.port}/jobs", headers=fields).status_code == 200


def test_a_named_page_may_show_pictures(start_server):
    server = start_server("--allow-origin", ORIGIN)
    fields = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    for referer, status in [
        (f"{ORIGIN}/", 200),
        (f"{ORIGIN}/page?x", 200),
        (ORIGIN, 200),
        (f"{ORIGIN}.page.example/", 403),
        ("https://page.example/" + ORIGIN, 403),
        (None, 403),
    ]:
        headers = fields | ({"Referer": referer} if referer else {})
        assert ask(f"http://127.0.0.1:{server.port}/jobs", headers=headers).status_code == status, referer


# Names


@pytest.mark.parametrize("method, path", OPERATIONS)
@pytest.mark.parametrize("host", ["page.example", "127.0.0.1.page.example:80", "192.0.2.1"])
def test_no_operation_is_answered_under_another_name(client, method, path, host):
    answer = client.request(method, path.replace("{id}", "0" * 32), headers={"Host": host})
    assert_problem(answer, 421, "unknown-host", "Host")


def status_under(port, host, path="/jobs"):
    with BareConnection(("127.0.0.1", port)) as connection:
        connection.request = ("GET", path)
        connection.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return connection.read().status_code


OWN = ["127.0.0.1", "127.0.0.1:1", "127.9.9.9", "localhost", "LocalHost:8080", "localhost.", "[::1]", "[::1]:80", ""]
ADDRESSES = ["10.1.2.3", "10.1.2.3:8080", "[2001:db8::1]:80"]
NAMES = [
    "segscore",
    "segscore.default.svc.cluster.local:80",
    "page.example",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "a.10.1.2.3",
]


def test_a_server_answers_to_its_own_names(start_server):
    server = start_server()
    assert {host: status_under(server.port, host) for host in OWN} == dict.fromkeys(OWN, 200)
    others = ADDRESSES + NAMES
    assert {host: status_under(server.port, host) for host in others} == dict.fromkeys(others, 421)


def test_a_server_on_all_addresses_answers_to_addresses(start_server):
    server = start_server("--allow-anonymous", "--admin-listen", "0.0.0.0:0", listen=("0.0.0.0:0", "127.0.0.1:0"))
    for port, path in ((port_of(server, "service"), "/jobs"), (port_of(server, "administration"), "/readyz")):
        hosts = OWN + ADDRESSES
        assert {host: status_under(port, host, path) for host in hosts} == dict.fromkeys(hosts, 200)
        assert {host: status_under(port, host, path) for host in NAMES} == dict.fromkeys(NAMES, 421)
    # The other listener is on loopback, and only there.
    assert status_under(server.port, ADDRESSES[0]) == 421


def test_a_server_answers_to_names_that_it_is_given(start_server):
    env = {"SEGSCORE_ALLOW_HOST": "segscore,*.svc.cluster.local"}
    server = start_server(env=env)
    given = {
        "segscore": 200,
        "Segscore:80": 200,
        "segscore.default.svc.cluster.local:80": 200,
        "svc.cluster.local": 421,
        "xsvc.cluster.local": 421,
        "segscore.page.example": 421,
        "localhost": 200,
    }
    assert {host: status_under(server.port, host) for host in given} == given
    server = start_server("--allow-host", "*")
    assert status_under(server.port, "page.example") == 200


def test_a_server_with_keys_answers_to_any_name(start_server, key_file):
    server = start_server("--api-key-file", key_file)
    assert status_under(server.port, "page.example") == 401
    assert status_under(server.port, "page.example", "/livez") == 200


def test_a_unix_socket_has_any_name(start_server, tmp_path):
    server = start_server("--listen", f"unix:{tmp_path}/s")
    assert curl(server, "/jobs", "-H", "Host: page.example", socket_path=tmp_path / "s")[0] == 200


def test_the_target_names_the_host_where_it_is_absolute(server):
    with BareConnection(server.address) as connection:
        connection.send_head("GET", "http://page.example/jobs")
        assert connection.read().status_code == 421


@pytest.mark.parametrize("text", ["", "http://a", "a:80", "a/b", "a b", "*.", "a.*"])
def test_what_is_no_name_ends_the_program_with_a_word(text):
    done = run("serve", "--listen", "127.0.0.1:0", "--allow-host", text)
    assert done.returncode > 0
    assert "is no name of a host" in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "review.example",
        "https://",
        "https://review.example/",
        "https://Review.example",
        "ftp://a",
        "https://review.example:443",
        "http://a:80",
        "https://user@a",
    ],
)
def test_what_is_no_origin_ends_the_program_with_a_word(text):
    done = run("serve", "--listen", "127.0.0.1:0", "--allow-origin", text)
    assert done.returncode > 0
    assert f'"{text}" is no origin' in done.stderr

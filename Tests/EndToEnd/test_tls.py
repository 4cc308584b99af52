"""TLS: what is spoken, what is refused, and that everything works over it that works without."""

import json
import pathlib
import socket
import ssl
import subprocess
import time

import numpy as np
import pytest

import reference
from access import ask, make_certificate, port_of
from bodies import arrays_of, npz
from client import curl
from documents import examples
from server import PATIENCE, ROOT, eventually, run

LABELS, PRED_PROBS = reference.sample(dtype=np.float64)
GOOD = npz(labels=LABELS, pred_probs=PRED_PROBS)
VERSIONS = ssl.TLSVersion


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def start_secure(start_server, certificate):
    def start(*flags, **options):
        return start_server("--tls-cert", certificate[0], "--tls-key", certificate[1], *flags, **options)

    return start


@pytest.fixture(scope="module")
def secure(start_secure, tmp_path_factory):
    path = tmp_path_factory.mktemp("socket") / "s"
    server = start_secure("--listen", f"unix:{path}", "--admin-listen", "127.0.0.1:0", "--threads", "2")
    server.socket_path = path
    return server


@pytest.fixture(scope="module")
def get(secure, certificate):
    def get(target, method="GET", **options):
        return ask(f"https://127.0.0.1:{secure.port}{target}", method, verify=str(certificate[0]), **options)

    return get


def context_for(certificate, version=None):
    context = ssl.create_default_context(cafile=str(certificate[0]))
    if version:
        # So that it is the server who refuses what is too old.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    return context


def connect(server, certificate, version=None, **options):
    raw = socket.create_connection(server.address, PATIENCE)
    return context_for(certificate, version).wrap_socket(raw, server_hostname="127.0.0.1", **options)


def head(method, target, *fields):
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *fields, "", ""]).encode()


def received(connection):
    """All that comes until the server closes, with a word or without."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except (ConnectionResetError, ssl.SSLError):
        pass
    return b"".join(parts)


# What is spoken


@pytest.mark.parametrize("version", [VERSIONS.TLSv1_2, VERSIONS.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(secure, certificate, version):
    with connect(secure, certificate, version) as connection:
        connection.sendall(head("GET", "/livez", "Connection: close"))
        assert received(connection).endswith(b"\r\n\r\nok\n")
        assert connection.version() == {VERSIONS.TLSv1_2: "TLSv1.2", VERSIONS.TLSv1_3: "TLSv1.3"}[version]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", [VERSIONS.TLSv1, VERSIONS.TLSv1_1])
def test_what_is_older_is_refused(secure, certificate, version):
    with pytest.raises(ssl.SSLError) as caught:
        connect(secure, certificate, version)
    # By the server, which hangs up; the client would have spoken it.
    assert "EOF" in caught.value.reason or "ALERT_PROTOCOL_VERSION" in caught.value.reason


@pytest.mark.parametrize(
    "suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"]
)
def test_suites_with_forward_secrecy_are_spoken(secure, certificate, suite):
    context = context_for(certificate)
    context.maximum_version = VERSIONS.TLSv1_2
    context.set_ciphers(suite)
    with wrapped(secure, context) as connection:
        assert connection.cipher()[0] == suite


def test_an_rsa_certificate_is_served_with_forward_secrecy(start_server, tmp_path):
    server, context = rsa_server(start_server, tmp_path)
    for version, suite in ((VERSIONS.TLSv1_2, "ECDHE-RSA-AES"), (VERSIONS.TLSv1_3, "TLS_AES")):
        context.minimum_version = context.maximum_version = version
        with wrapped(server, context) as connection:
            assert connection.cipher()[0].startswith(suite)
            connection.sendall(head("GET", "/livez", "Connection: close"))
            assert received(connection).endswith(b"\r\n\r\nok\n")


@pytest.mark.parametrize(
    "suites",
    [
        "kRSA",
        "AES128-GCM-SHA256",
        "AES256-SHA",
        "AES128-SHA256",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES256-SHA384",
        "DHE",
        "ECDHE-ECDSA-AES128-SHA",
        "3DES",
        "eNULL",
        "aNULL",
    ],
)
def test_suites_without_forward_secrecy_or_authenticated_encryption_are_refused(
    start_server, secure, certificate, tmp_path, suites
):
    """That is static RSA, CBC with a separate MAC, and no encryption.

    With static RSA whoever gets the key reads what was recorded before; one of the servers has a key that suits it.
    """
    for server, context in (rsa_server(start_server, tmp_path), (secure, context_for(certificate))):
        context.minimum_version = context.maximum_version = VERSIONS.TLSv1_2
        try:
            context.set_ciphers(f"{suites}:@SECLEVEL=0")
        except ssl.SSLError:
            pytest.skip("This OpenSSL does not know such suites itself.")
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            wrapped(server, context)


def rsa_server(start_server, folder):
    """A server with a certificate whose key suits static RSA too."""
    certificate, key = make_certificate(folder, "rsa", key_options=("rsa:2048",))
    server = start_server("--tls-cert", certificate, "--tls-key", key)
    return server, ssl.create_default_context(cafile=str(certificate))


def wrapped(server, context):
    raw = socket.create_connection(server.address, PATIENCE)
    return context.wrap_socket(raw, server_hostname="127.0.0.1")


def test_the_end_is_said(secure, certificate):
    """Without a `close_notify` nobody could tell a whole answer from one that was cut."""
    with connect(secure, certificate, suppress_ragged_eofs=False) as connection:
        connection.sendall(head("GET", "/livez", "Connection: close"))
        text = b""
        while part := connection.recv(65536):
            text += part
    assert text.endswith(b"ok\n")


def test_curl_is_content(secure, certificate, tmp_path):
    (tmp_path / "batch.npz").write_bytes(GOOD.data)
    url = f"https://127.0.0.1:{secure.port}/score"
    done = subprocess.run(
        [
            "curl",
            "-sS",
            "--fail-with-body",
            "--cacert",
            certificate[0],
            "--data-binary",
            f"@{tmp_path}/batch.npz",
            url,
            url,
        ],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    answer, _ = json.JSONDecoder().raw_decode(done.stdout)
    np.testing.assert_allclose(answer["image_scores"], reference.image_scores(LABELS, PRED_PROBS), rtol=0, atol=1e-9)


def test_plain_http_and_garbage_are_no_tls(secure, get):
    for data in (head("GET", "/livez"), bytes(range(256)) * 100, b"\x16\x03\x01\xff\xff" + bytes(70000), b"\x80"):
        with socket.create_connection(secure.address, PATIENCE) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            assert b"HTTP/" not in received(connection)
    assert get("/livez").status_code == 200


def test_unix_sockets_and_administration_stay_plain(secure):
    assert curl(secure, "/livez", socket_path=secure.socket_path)[0] == 200
    port = port_of(secure, "administration")
    assert ask(f"http://127.0.0.1:{port}/readyz").text == "ok\n"
    assert run("healthcheck", "--admin-listen", f"127.0.0.1:{port}").returncode == 0
    assert run("healthcheck", "--listen", f"unix:{secure.socket_path}").returncode == 0
    assert run("healthcheck", "--listen", f"127.0.0.1:{secure.port}").returncode == 1


# Large bodies, streams, and clients that go away


@pytest.fixture(scope="module")
def large():
    """A batch with as many pixels as give an answer of five megabytes."""
    labels, pred_probs = reference.sample(2, 3, 750, 730)
    return labels, pred_probs, npz(labels=labels, pred_probs=pred_probs)


def test_large_bodies_arrive_and_leave_whole(get, large):
    labels, pred_probs, body = large
    answer = get("/score?threshold=0.3", "POST", data=body.data, headers={"Accept": "application/x-npz"})
    assert answer.status_code == 200, answer.text
    assert len(answer.content) > 5_000_000
    arrays = arrays_of(answer)
    np.testing.assert_array_equal(arrays["pixel_scores"], reference.pixel_scores(labels, pred_probs))
    np.testing.assert_array_equal(arrays["issues"], arrays["pixel_scores"] < 0.3)


def test_a_slow_reader_gets_every_byte_and_costs_no_processor(secure, certificate, get, large):
    target = get("/score", "POST", data=large[2].data).json()["links"]["pixel_scores"]
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(PATIENCE)
    raw.connect(secure.address)
    with context_for(certificate).wrap_socket(raw, server_hostname="127.0.0.1") as connection:
        connection.sendall(head("GET", target, "Connection: close"))
        before = processor_seconds(secure)
        time.sleep(1)
        assert processor_seconds(secure) - before < 0.5
        text = received(connection)
    assert text.partition(b"\r\n\r\n")[2] == get(target).content


def processor_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_body_in_small_records_is_put_together(secure, certificate):
    with connect(secure, certificate) as connection:
        connection.sendall(head("POST", "/score", f"Content-Length: {len(GOOD.data)}", "Connection: close"))
        for start in range(0, len(GOOD.data), 100):
            connection.sendall(GOOD.data[start : start + 100])
        answer = received(connection)
    scores = json.loads(answer.partition(b"\r\n\r\n")[2])["image_scores"]
    np.testing.assert_allclose(scores, reference.image_scores(LABELS, PRED_PROBS), rtol=0, atol=1e-9)


def test_a_body_behind_which_its_client_closes_is_read_to_its_end(secure, certificate, get, large):
    """The end of the socket comes while the body waits decrypted: it is no sign that the body is not whole."""
    body, key = large[2], {"Idempotency-Key": "whole"}
    with connect(secure, certificate) as connection:
        fields = [f"{name}: {value}" for name, value in key.items()]
        connection.sendall(head("POST", "/score", f"Content-Length: {len(body.data)}", *fields) + body.data)
        socket.socket.shutdown(connection, socket.SHUT_WR)
        received(connection)
    jobs = get("/jobs").json()["jobs"]
    again = get("/score", "POST", data=body.data, headers=key)
    assert again.status_code == 200 and again.headers["Location"] == f"/jobs/{jobs[0]['id']}"


def test_events_are_streamed(get):
    job = get("/score", "POST", data=GOOD.data).json()["job"]
    assert "event: succeeded" in get(f"/jobs/{job}/events").text


@pytest.mark.parametrize("says_so", [True, False])
def test_a_client_that_goes_away_leaves_nothing(start_secure, certificate, says_so):
    server = start_secure("--idle-timeout", "3600")

    def listed():
        return ask(f"https://127.0.0.1:{server.port}/jobs", verify=str(certificate[0])).json()["jobs"]

    connection = connect(server, certificate)
    connection.sendall(head("POST", "/score", "Content-Length: 100000000"))
    connection.sendall(GOOD.data[:3000])
    eventually(listed, "the upload is a job")
    connection.sendall(bytes(600_000))
    if says_so:
        try:
            connection.unwrap()
        except (OSError, ssl.SSLError):
            pass
    connection.close()
    eventually(lambda: listed() == [], "no job is left")
    assert server.spooled_files() == []


def test_who_stops_sending_is_closed_without_a_plain_word(start_secure, certificate):
    server = start_secure("--idle-timeout", "1")
    raw = socket.create_connection(server.address, PATIENCE)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context_for(certificate).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    while True:
        try:
            session.do_handshake()
            break
        except ssl.SSLWantReadError:
            raw.sendall(outgoing.read())
            incoming.write(raw.recv(65536))
    session.write(head("POST", "/score", f"Content-Length: {len(GOOD.data)}") + GOOD.data[:50])
    raw.sendall(outgoing.read())
    with raw:
        data = received(raw)
    assert b"HTTP/" not in data and b"urn:segscore" not in data
    incoming.write(data)
    incoming.write_eof()
    try:
        assert session.read(65536) == b""
    except ssl.SSLError:
        pass


def test_a_handshake_that_is_not_gone_on_with_is_closed(start_secure):
    server = start_secure("--idle-timeout", "1")
    with (
        socket.create_connection(server.address, PATIENCE) as silent,
        socket.create_connection(server.address, PATIENCE) as slow,
    ):
        slow.sendall(b"\x16\x03\x01")
        assert b"HTTP/" not in received(silent) + received(slow)


def test_places_are_free_again_when_handshakes_fail(start_secure, certificate):
    server = start_secure("--max-connections", "3")
    for _ in range(10):
        with socket.create_connection(server.address, PATIENCE) as connection:
            connection.sendall(b"no handshake\r\n")
            received(connection)

    def is_served():
        try:
            return ask(f"https://127.0.0.1:{server.port}/livez", verify=str(certificate[0])).status_code == 200
        except OSError:
            return False

    eventually(is_served, "a place is free again")


def test_it_stops_while_connections_are_open(start_secure, certificate):
    server = start_secure("--drain-timeout", "1")
    with (
        connect(server, certificate) as idle,
        connect(server, certificate) as upload,
        socket.create_connection(server.address, PATIENCE),
    ):
        idle.sendall(head("GET", "/livez"))
        assert idle.recv(65536).startswith(b"HTTP/1.1 200 ")
        upload.sendall(head("POST", "/score", f"Content-Length: {len(GOOD.data)}") + GOOD.data[:50])
        assert server.stop() == 0


# The start


def assert_ends(words, *flags):
    done = run("serve", "--listen", "127.0.0.1:0", *flags)
    assert done.returncode > 0
    for word in words:
        assert word in done.stderr


def test_files_that_make_no_sense_end_the_program_with_a_word(certificate, tmp_path):
    cert, key = certificate
    other_key = make_certificate(tmp_path, "other")[1]
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked],
        check=True,
        timeout=PATIENCE,
    )
    assert_ends(["--tls-cert", "--tls-key"], "--tls-cert", cert)
    assert_ends(["--tls-cert", "--tls-key"], "--tls-key", key)
    assert_ends(["do not belong together"], "--tls-cert", cert, "--tls-key", other_key)
    assert_ends(["passphrase"], "--tls-cert", cert, "--tls-key", locked)
    assert_ends(["--tls-cert"], "--tls-cert", broken, "--tls-key", key)
    assert_ends([f"{key} holds no", "PEM"], "--tls-cert", key, "--tls-key", key)
    assert_ends([f"{cert} holds no", "PEM"], "--tls-cert", cert, "--tls-key", cert)
    assert_ends(["/nonexistent cannot be read"], "--tls-cert", "/nonexistent", "--tls-key", key)


def test_the_commands_of_the_page_on_security_work(start_server, tmp_path):
    serving, asking = (example.code for example in examples([ROOT / "docs/security.md"]))
    making, command, flags = serving.partition(".build/release/segscore serve ")
    assert command

    def shell(code):
        done = subprocess.run(
            ["bash", "-euc", code], cwd=tmp_path, capture_output=True, check=False, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    shell(making)
    flags = flags.replace("\\\n", " ").replace("8443", "0").replace("8081", "0").split()
    for name in ("keys", "cert.pem", "key.pem"):
        flags = [str(tmp_path / name) if flag == name else flag for flag in flags]
    server = start_server(*flags, listen=())
    for port, role in (("8443", "service"), ("8081", "administration")):
        asking = asking.replace(port, str(port_of(server, role)))
    assert shell(asking) == '{"jobs":[],"next":null}\nok\n'


def test_what_is_refused_past_the_library_is_heard_over_tls(start_secure, certificate):
    server = start_secure("--max-body-bytes", "100000")
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    chunked = head("POST", "/score", "Transfer-Encoding: chunked", "Content-Type: application/x-npz")
    cases = [
        (head("GET", "/" + "a" * 300_000), b"414"),
        (head("GET", "/livez", "no colon"), b"400"),
        (chunked + b"xyz\r\n", b"400"),
        (chunked + 64 * chunk, b"413"),
    ]
    for request, status in cases:
        with connect(server, certificate) as connection:
            connection.sendall(request)
            answer = received(connection)
        assert answer.split()[1] == status
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"application/problem+json" in answer and b"X-Request-Id: " in answer

"""Clients that record what is answered: requests, curl, and a bare socket. `test_contract.py` reads the record."""

import dataclasses
import json
import socket
import subprocess
import urllib.parse

import requests

from server import PATIENCE

PROBLEM = "application/problem+json"


@dataclasses.dataclass(frozen=True)
class Exchange:
    """One request, as far as the contract has a say in it, and its answer."""

    method: str
    path: str
    parameters: tuple
    status: int
    fields: dict
    body: bytes
    # Whether a test had the server's calls to the system fail.
    had_faults: bool

    @property
    def media_type(self):
        return self.fields.get("content-type", "").partition(";")[0].strip().lower() or None


RECORD = []


def record(method, target, status, fields, body, had_faults=False):
    url = urllib.parse.urlsplit(target)
    parameters = tuple(urllib.parse.parse_qs(url.query, keep_blank_values=True))
    fields = {name.lower(): value for name, value in fields.items()}
    RECORD.append(Exchange(method, url.path, parameters, status, fields, body, had_faults))


class Client(requests.Session):
    """A keep-alive client of one server."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.trust_env = False

    def request(self, method, path, **options):
        options.setdefault("timeout", PATIENCE + 60)
        answer = super().request(method, f"http://127.0.0.1:{self.server.port}{path}", **options)
        record(
            method,
            answer.request.path_url,
            answer.status_code,
            answer.headers,
            answer.content,
            had_faults=self.server.has_faults,
        )
        return answer

    def is_served(self):
        """Whether the server is there, and answers."""
        try:
            return self.get("/livez").status_code == 200
        except requests.ConnectionError:
            return False

    def score(self, body, accept=None, path="/score", headers=None, **parameters):
        """Posts a body of `bodies.py`."""
        fields = body.fields | ({"Accept": accept} if accept else {}) | (headers or {})
        return self.post(path, data=body.data, headers=fields, params=parameters)

    def scored(self, body, **options):
        """The JSON answer to a body that is in order."""
        answer = self.score(body, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def job_ids(self):
        return [job["id"] for job in self.get("/jobs?limit=500").json()["jobs"]]


def assert_problem(answer, status, slug, parameter=None):
    """Checks a problem document's members, and returns it."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.content[:500]}"
    assert answer.headers["Content-Type"].partition(";")[0] == PROBLEM
    problem = json.loads(answer.content)
    assert problem["type"] == f"urn:segscore:{slug}", problem
    assert problem["status"] == status
    assert problem["title"] and problem["detail"]
    if parameter is not None:
        assert problem.get("parameter") == parameter, problem
    return problem


@dataclasses.dataclass
class BareAnswer:
    """An answer read off a bare socket, with the names that `requests` has for its parts."""

    status_code: int
    headers: requests.structures.CaseInsensitiveDict
    content: bytes


class BareConnection:
    """HTTP/1.1 by hand, for what proper clients do not do."""

    def __init__(self, address, timeout=PATIENCE):
        """Connects to a host and port, or to the path of a Unix socket."""
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address, timeout)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(address))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_head(self, method, target, *fields):
        """Sends a head; `Host` is added."""
        self.request = (method, target)
        lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *fields]
        self.send("\r\n".join(lines + ["", ""]).encode())

    def send_body_head(self, body, *fields, target="/score"):
        """Sends the head of a `POST` of a body of `bodies.py`."""
        sent = [f"{name}: {value}" for name, value in body.fields.items()]
        self.send_head("POST", target, f"Content-Length: {len(body.data)}", *sent, *fields)

    def read_head(self):
        """The next head, be it an interim one: status and fields."""
        status_line = self.file.readline()
        if not status_line:
            raise EOFError("the server closed the connection")
        fields = requests.structures.CaseInsensitiveDict()
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            fields[name] = value.strip()
        return int(status_line.split()[1]), fields

    def read(self):
        """The next final answer."""
        status, fields = self.read_head()
        while status < 200:
            status, fields = self.read_head()
        method, target = self.request
        bare = method == "HEAD" or status in (204, 304)
        body = b"" if bare else self.file.read(int(fields["Content-Length"]))
        record(method, target, status, fields, body)
        return BareAnswer(status, fields, body)

    def read_to_end(self):
        """Sends no more, and reads whatever comes until the server hangs up."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
            return self.file.read()
        except ConnectionResetError:
            return b""

    def is_closed_by_server(self):
        """Waits for the server to hang up without another byte."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


def curl(server, target, *arguments, socket_path=None):
    """Runs curl as people do; returns status, media type and body."""
    way = ["--unix-socket", str(socket_path)] if socket_path else []
    port = f":{server.port}" if server.port else ""
    report = "\n%{http_code} %{content_type}"
    command = ["curl", "-sS", *way, *map(str, arguments), "-w", report, f"http://127.0.0.1{port}{target}"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE + 10)
    assert done.returncode == 0, done.stderr.decode()
    body, _, line = done.stdout.rpartition(b"\n")
    status, _, media_type = line.decode().partition(" ")
    return int(status), media_type.partition(";")[0], body

"""A proxy that fails as it is told to: the networks and the busy servers of the tests."""

import http.client
import socket
import socketserver
import struct
import threading


class Proxy(socketserver.ThreadingTCPServer):
    """Passes requests on to a server, but for the faults that wait for them, which are met once each.

    A fault is a function of the request, which answers it or does not. `seen` holds the method and path of each
    request, `ranges` what it asked for by `Range`, `keys` the `Idempotency-Key` of each `POST`.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = port
        self.faults = []
        self.seen = []
        self.ranges = []
        self.keys = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def will(self, fault, at, times=1):
        """Has a fault meet the next requests whose method and path hold `at`."""
        self.faults += [(at, fault)] * times

    def next_fault(self, line):
        for index, (at, fault) in enumerate(self.faults):
            if at in line:
                del self.faults[index]
                return fault
        return pass_on

    def count(self, at):
        return sum(at in line for line in self.seen)


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            self.method, self.path = line.decode().split()[:2]
            self.fields = http.client.parse_headers(self.rfile)
            self.server.seen.append(f"{self.method} {self.path}")
            self.server.ranges.append(self.fields.get("Range"))
            if self.method == "POST":
                self.server.keys.append(self.fields.get("Idempotency-Key"))
            fault = self.server.next_fault(self.server.seen[-1])
            if fault(self) is False:
                return

    def read_body(self):
        return self.rfile.read(int(self.fields.get("Content-Length", 0)))

    def ask(self, body):
        """What the server answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=20)
        try:
            connection.request(self.method, self.path, body, dict(self.fields.items()))
            answer = connection.getresponse()
            body = answer.read()
            if answer.getheader("Transfer-Encoding") == "chunked":  # It goes on as one chunk.
                body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            return answer.status, answer.getheaders(), body
        finally:
            connection.close()

    def answer(self, status, fields, body, sent=None):
        lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in fields), "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body[:sent])

    def hang_up(self):
        """Closes at once, with a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.rfile.close = self.wfile.flush = lambda: None
        return False


def pass_on(request):
    request.answer(*request.ask(request.read_body()))


def busy(status, *fields):
    """Answers an error that no server of ours sends, as a proxy in front of one might."""

    def fault(request):
        request.read_body()
        request.answer(status, [*fields, ("Content-Length", "4")], b"busy")

    return fault


def busy_at_the_head(request):
    """Answers before the body is read, and hangs up."""
    request.answer(503, [("Retry-After", "0"), ("Content-Length", "0"), ("Connection", "close")], b"")
    request.connection.shutdown(socket.SHUT_WR)
    return False


def cut_the_request(request):
    """Passes half of the request on, and loses both connections."""
    size = int(request.fields["Content-Length"])
    with socket.create_connection(("127.0.0.1", request.server.upstream)) as upstream:
        fields = "".join(f"{name}: {value}\r\n" for name, value in request.fields.items())
        upstream.sendall(f"{request.method} {request.path} HTTP/1.1\r\n{fields}\r\n".encode())
        upstream.sendall(request.rfile.read(size // 2))
    return request.hang_up()


def lose_the_answer(request):
    """Passes the request on, and loses what is answered."""
    request.ask(request.read_body())
    return request.hang_up()


def cut_the_answer(sent):
    """Passes so many bytes of the answer's body on, and hangs up."""

    def fault(request):
        request.answer(*request.ask(request.read_body()), sent=sent)
        return False

    return fault

"""Made-up requests as they go over the wire: heads, bodies, framing, and what a client does with its connection."""

import dataclasses
import gzip
import itertools
import json
import zlib

from hypothesis import strategies as st

import reference
from bodies import BOUNDARY, json_body, multipart, npy, npz, npz_deflated
from inference import HEADER_LENGTH, in_order, inference

JOB = b"{job}"  # Stands for a job that is there.

LABELS, PRED_PROBS = reference.sample(images=2, classes=3, height=2, width=4)
ARRAYS = {"labels": LABELS, "pred_probs": PRED_PROBS}
SCORES = {"image_scores": PRED_PROBS[:, 0, 0, 0].astype(float), "pixel_scores": PRED_PROBS[:, 0]}
INFERENCE = inference(in_order(**ARRAYS))
BODIES = [
    npz(**ARRAYS),
    npz_deflated(**ARRAYS),
    npz(pred_probs=PRED_PROBS, labels=LABELS),
    npz(**SCORES),
    multipart(**ARRAYS),
    multipart([("threshold", "0.2")], pred_probs=PRED_PROBS, labels=LABELS),
    json_body(**ARRAYS),
    INFERENCE,
    inference(in_order(**ARRAYS, binary=(False, False))),
    npz(labels=LABELS + 3, pred_probs=PRED_PROBS),
    npz(labels=LABELS, pred_probs=PRED_PROBS * 2),
    npz(labels=LABELS),
]
TARGETS = [
    b"/score",
    b"/issues",
    b"/jobs",
    b"/jobs/{job}",
    b"/jobs/{job}/image_scores",
    b"/jobs/{job}/pixel_scores",
    b"/jobs/{job}/issues",
    b"/jobs/{job}/label_issues",
    b"/jobs/{job}/ranking",
    b"/jobs/{job}/summary",
    b"/jobs/{job}/statistics",
    b"/jobs/{job}/events",
    b"/jobs/{job}/cancel",
    b"/jobs/{job}/finish",
    b"/jobs/{job}/batches",
    b"/livez",
    b"/readyz",
    b"/metrics",
    b"/version",
    b"/openapi.yaml",
    b"/v2",
    b"/v2/health/live",
    b"/v2/models/segscore",
    b"/v2/models/segscore/infer",
    b"/v2/models/segscore/versions/1/infer",
    b"/v2/models/segscore/stats",
    b"/v2/repository/index",
    b"/v2/systemsharedmemory/status",
    b"/v2/systemsharedmemory/region/r/register",
    b"/v2/systemsharedmemory/unregister",
    b"/",
    b"/jobs/0123456789abcdef0123456789abcdef",
    b"/jobs/%00",
    b"*",
    b"http://127.0.0.1/livez",
    b"127.0.0.1:80",
    b"//score",
    b"/score/",
    b"/./score",
    b"/jobs/../score",
    b"/%73core",
]
METHODS = [
    b"GET",
    b"POST",
    b"DELETE",
    b"HEAD",
    b"PUT",
    b"PATCH",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"get",
    b"INVENTED",
    b"P@ST",
]
PARAMETERS = [
    b"method=softmin",
    b"method=num_pixel_issues",
    b"temperature=0.5",
    b"downsample=2",
    b"threshold=0.3",
    b"ignore_label=2",
    b"include=issues",
    b"classes=3",
    b"image=1",
    b"image=99",
    b"class=1",
    b"limit=3",
    b"limit=2147483647",
    b"wait=0",
    b"top=1",
    b"exclude=0,1",
    b"status=open",
    b"cursor=x",
    b"dry_run",
    b"=",
    b"&",
    b"%",
    b"%zz",
    b"a=%00",
    b"\xff=\xfe",
    b"threshold",
    b"threshold=nan",
    b"threshold=1e999",
    b"image=-1",
    b"image=18446744073709551616",
]


@dataclasses.dataclass(frozen=True)
class Request:
    """One request, byte for byte, and whether it is in order."""

    head: bytes
    body: bytes = b""
    method: bytes = b"GET"
    is_proper: bool = False

    @property
    def data(self):
        return self.head + self.body


@dataclasses.dataclass(frozen=True)
class Conversation:
    """What goes over one connection.

    Attributes
    ----------
    requests : tuple
        One after the other, without waiting for answers.
    cuts : tuple
        Where what is sent is cut into pieces, as shares of it.
    sent : float
        The share that is sent at all.
    end : str
        What the client does then: `read` what is answered until the server closes, as the last request asks it to;
        `half` close, and read; `close`; `reset`; `stall`, until the server has had enough.
    """

    requests: tuple
    cuts: tuple
    sent: float
    end: str

    def pieces(self, job):
        """What goes out, piece by piece."""
        data = b"".join(request.data for request in self.requests).replace(JOB, job.encode())
        data = data[: round(len(data) * self.sent)]
        places = [0, *sorted({round(len(data) * cut) for cut in self.cuts}), len(data)]
        return [data[start:end] for start, end in itertools.pairwise(places) if end > start]

    @property
    def is_proper(self):
        """Whether every request has to be answered, and all of the answers are read."""
        return self.sent == 1 and self.end == "read" and all(request.is_proper for request in self.requests)


# Heads

texts = st.binary(max_size=24).map(lambda text: text.translate(None, b"\r\n"))


@st.composite
def targets(draw):
    """A path and a query, of which some are endless."""
    path = draw(st.sampled_from(TARGETS) | texts.map(lambda text: b"/" + text))
    query = draw(
        st.one_of(
            st.just(b""),
            st.lists(st.sampled_from(PARAMETERS), max_size=4).map(
                lambda parts: b"?" + b"&".join(parts) if parts else b""
            ),
            st.builds(
                lambda part, count: b"?" + part * count,
                st.sampled_from([b"&", b"a=&", b"=&", b"threshold=1&", b"%", b"x"]),
                st.sampled_from([1, 2, 100, 1000, 3000, 4500, 6000, 20000]),
            ),
            texts.map(lambda text: b"?" + text),
        )
    )
    return path + query


FIELDS = [
    b"Host: 127.0.0.1",
    b"Host: evil.example",
    b"Host:",
    b"Host: a\r\nHost: b",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Connection: upgrade\r\nUpgrade: h2c",
    b"Expect: 100-continue",
    b"Expect: else",
    b"Prefer: respond-async",
    b"Prefer: respond-async, wait=0",
    b"Prefer: wait=x,,;",
    b"Idempotency-Key: k",
    b"Idempotency-Key:",
    b"Range: bytes=0-3",
    b"Range: bytes=-1",
    b"Range: bytes=9-1,2-",
    b"If-None-Match: *",
    b'If-Range: "x"',
    b"Accept: application/json",
    b"Accept: application/x-npy",
    b"Accept: application/x-npz",
    b"Accept: image/png",
    b"Accept: */*;q=0",
    b"Accept: ;;q=",
    b"Accept-Encoding: gzip",
    b"Content-Encoding: gzip",
    b"Content-Encoding: deflate",
    b"Content-Encoding: br, gzip",
    b"Content-Type: application/json",
    b"Content-Type: application/x-npz",
    b"Content-Type: multipart/form-data",
    b"Content-Type: multipart/form-data; boundary=" + BOUNDARY.encode(),
    b"Content-Type: multipart/form-data; boundary=",
    b"Content-Type: application/x-www-form-urlencoded",
    b"Content-Type: ;;",
    b"Origin: http://evil.example",
    b"Origin: null",
    b"Sec-Fetch-Site: cross-site",
    b"X-Request-Id: x",
    b"X-Request-Id: " + b"x" * 300,
    b"Traceparent: 00-zz",
    b"Cookie: a=b; a",
    b"Cookie: " + b"a=b; " * 200,
    b"Authorization: Bearer x",
    b"Authorization: Basic =",
    b"Folded: a\r\n b",
    b" Leading: space",
    b"NoColon",
    b": no name",
    b"Spaced : name",
    b"Nul: \x00",
    b"Latin: \xe9\xff",
    b"Return: a\rb",
    b"Trailer: X",
    b"TE: trailers",
    HEADER_LENGTH.encode() + b": 10",
    HEADER_LENGTH.encode() + b": -1",
    HEADER_LENGTH.encode() + b": 99999999999999999999",
]
LENGTHS = [
    b"Content-Length: %d",
    b"Content-Length: 0",
    b"Content-Length: 1",
    b"Content-Length: 99999",
    b"Content-Length: -1",
    b"Content-Length: +5",
    b"Content-Length: 0x10",
    b"Content-Length: 5, 5",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 18446744073709551615",
    b"Content-Length: 18446744073709551616",
    b"Content-Length: 9223372036854775807",
    b"Content-Length:",
    b"Content-Length: 1 1",
    b"Content-Length: 1e3",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding: CHUNKED",
]


@st.composite
def heads(draw, method, target, framing):
    """A request line and fields, of which some are none."""
    version = draw(
        st.sampled_from([b"HTTP/1.1"] * 12 + [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.1 ", b"http/1.1", b""])
    )
    fields = draw(st.lists(st.sampled_from(FIELDS) | texts, max_size=5))
    if draw(st.integers(0, 9)) > 0:
        fields.insert(0, FIELDS[0])
    if framing:
        fields.insert(draw(st.integers(0, len(fields))), framing)
    if draw(st.integers(0, 19)) == 0:
        fields += [b"F%d: x" % number for number in range(draw(st.sampled_from([50, 300, 3000])))]
    line_end = draw(st.sampled_from([b"\r\n"] * 15 + [b"\n"]))
    return line_end.join([b" ".join([method, target, version]), *fields, b"", b""])


# Bodies


@st.composite
def damaged(draw, data):
    """The same bytes with some cut away, changed, or repeated."""
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.sampled_from([1, 1, 2, 4, 30]))
        change = draw(st.sampled_from(["cut", "flip", "drop", "repeat", "insert", "ff"]))
        piece = data[place : place + length]
        if change == "cut":
            data = data[:place]
        elif change == "flip":
            data = (
                data[:place] + bytes(byte ^ (1 << draw(st.integers(0, 7))) for byte in piece) + data[place + length :]
            )
        elif change == "drop":
            data = data[:place] + data[place + length :]
        elif change == "repeat":
            data = data[:place] + piece * draw(st.sampled_from([2, 50])) + data[place + length :]
        elif change == "ff":
            data = data[:place] + b"\xff" * len(piece) + data[place + length :]
        else:
            data = data[:place] + draw(st.binary(max_size=8)) + data[place:]
    return data


def texts_of_json():
    numbers = st.sampled_from([0, 1, -1, 0.5, 1e308, -0.0, 255, 2**63, 2**64, 10**400, None, True, "1", "NaN", {}, []])
    values = st.recursive(numbers, lambda inner: st.lists(inner, max_size=3), max_leaves=12)
    names = st.sampled_from(
        [
            "labels",
            "pred_probs",
            "method",
            "threshold",
            "temperature",
            "include",
            "inputs",
            "outputs",
            "id",
            "parameters",
            "name",
            "shape",
            "datatype",
            "data",
            "image_scores",
            "pixel_scores",
            "file",
            "output",
            "x",
        ]
    )
    documents = st.dictionaries(names, values | st.dictionaries(names, values, max_size=3), max_size=4)
    deep = st.builds(
        lambda part, count: (part * count).encode(),
        st.sampled_from(["[", '{"a":', "[[", "{"]),
        st.sampled_from([10, 2000]),
    )
    return documents.map(lambda document: json.dumps(document).encode()) | deep


@st.composite
def bodies(draw):
    """The bytes of a body, and the fields that say what they are."""
    body = draw(st.sampled_from(BODIES))
    data, fields = body.data, [f"{name}: {value}".encode() for name, value in body.fields.items()]
    kind = draw(st.sampled_from(["whole", "whole", "damaged", "damaged", "damaged", "json", "npy", "bytes"]))
    if kind == "damaged":
        data = draw(damaged(data))
    elif kind == "json":
        data, fields = draw(texts_of_json()), [b"Content-Type: application/json"]
    elif kind == "npy":
        data, fields = draw(damaged(npy(PRED_PROBS))), []
    elif kind == "bytes":
        data, fields = draw(st.binary(max_size=200)), []
    coding = draw(st.sampled_from(["none"] * 6 + ["gzip", "deflate", "damaged gzip", "lie"]))
    if coding == "gzip" or coding == "damaged gzip":
        data = gzip.compress(data, mtime=0)
        data = draw(damaged(data)) if coding.startswith("damaged") else data
    elif coding == "deflate":
        data = zlib.compress(data)
    if coding != "none":
        fields.append(b"Content-Encoding: " + (b"deflate" if coding == "deflate" else b"gzip"))
    return data, fields


@st.composite
def chunked(draw, data):
    """The body in chunks, most of them in order."""
    parts = []
    while data:
        count = draw(st.sampled_from([1, 2, 7, 100, 1000]))
        parts.append(data[:count])
        data = data[count:]
        if len(parts) > 20:
            parts.append(data)
            break
    end = draw(st.sampled_from([b"\r\n"] * 9 + [b"\n"]))
    extension = draw(st.sampled_from([b""] * 8 + [b";a=b", b";" + b"x" * 2000, b" ", b';"\x00"']))
    chunks = [b"%x" % len(part) + extension + end + part + end for part in parts if part]
    chunks.append(
        draw(
            st.sampled_from(
                [b"0\r\n\r\n"] * 12
                + [
                    b"0\r\nTrailer: x\r\n\r\n",
                    b"0\n\n",
                    b"-1\r\n\r\n",
                    b"fffffffffffffffff\r\n",
                    b"ffffffffffffffff\r\n",
                    b"zz\r\n",
                    b"\r\n",
                    b"0",
                    b"",
                    b"0\r\n" + b"T: x\r\n" * 500 + b"\r\n",
                    b"7fffffffffffffff\r\nabc",
                ]
            )
        )
    )
    return b"".join(chunks)


# Requests


@st.composite
def improper_requests(draw):
    """Whatever comes to mind."""
    method = draw(st.sampled_from(METHODS[:4] * 3 + METHODS) | texts)
    target = draw(targets())
    framing, body, fields = b"", b"", []
    how = draw(st.sampled_from(["none", "length", "length", "chunked", "chunked", "lie"]))
    if how != "none":
        body, fields = draw(bodies())
        if how == "chunked":
            framing, body = b"Transfer-Encoding: chunked", draw(chunked(body))
        else:
            framing = LENGTHS[0] if how == "length" else draw(st.sampled_from(LENGTHS))
            framing = framing % len(body) if b"%" in framing else framing
    if how in ("length", "chunked") and draw(st.integers(0, 2)):
        method, target = (
            b"POST",
            draw(
                st.sampled_from(
                    [
                        b"/score",
                        b"/score",
                        b"/issues",
                        b"/jobs",
                        b"/jobs/{job}/batches",
                        b"/v2/models/segscore/infer",
                        b"/score?method=num_pixel_issues",
                        b"/score?include=issues&threshold=0.5",
                        b"/score?classes=3",
                    ]
                )
            ),
        )
    head = draw(heads(method, target, framing))
    place = head.find(b"\n") + 1
    head = head[:place] + b"".join(field + b"\r\n" for field in fields) + head[place:]
    return Request(head, body, method)


@st.composite
def proper_requests(draw, is_last):
    """One that is in order as far as HTTP goes, and so has to be answered."""
    method = draw(st.sampled_from([b"GET", b"GET", b"POST", b"POST", b"POST", b"DELETE", b"HEAD"]))
    target = draw(st.sampled_from([target for target in TARGETS if target[:1] == b"/" and b"events" not in target]))
    target += draw(
        st.lists(st.sampled_from(PARAMETERS[:16]), max_size=3).map(
            lambda parts: b"?" + b"&".join(parts) if parts else b""
        )
    )
    lines = [b"Host: 127.0.0.1", b"Connection: close"] if is_last else [b"Host: 127.0.0.1"]
    body = b""
    if method == b"POST":
        body, fields = draw(bodies())
        lines += fields
        if draw(st.booleans()):
            lines.append(b"Transfer-Encoding: chunked")
            size = draw(st.sampled_from([1, 50, 5000]))
            parts = [body[start : start + size] for start in range(0, len(body), size)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        else:
            lines.append(b"Content-Length: %d" % len(body))
        if draw(st.booleans()):
            lines.append(
                draw(st.sampled_from([b"Prefer: respond-async", b"Idempotency-Key: k", b"Accept: application/x-npz"]))
            )
    head = b"\r\n".join([b" ".join([method, target, b"HTTP/1.1"]), *lines, b"", b""])
    return Request(head, body, method, is_proper=True)


@st.composite
def conversations(draw):
    count = draw(st.sampled_from([1, 1, 1, 2, 3]))
    cuts = tuple(draw(st.lists(st.floats(0, 1), max_size=6)))
    if draw(st.booleans()):
        requests = [draw(proper_requests(index == count - 1)) for index in range(count)]
        is_whole = draw(st.integers(0, 2)) > 0
    else:
        requests = [draw(improper_requests()) for _ in range(count)]
        is_whole = False
    if is_whole:
        return Conversation(tuple(requests), cuts, 1.0, "read")
    # A server closes silent connections in time, for which few wait.
    end = draw(st.sampled_from(["half"] * 8 + ["close", "close", "reset", "reset"] * 2 + ["stall"]))
    return Conversation(tuple(requests), cuts, draw(st.just(1.0) | st.floats(0, 1)), end)

"""Arrays that stay in the memory of a client on the same machine, and are read there."""

import ctypes
import io
import json
import mmap
import os
import subprocess
import sys
import tempfile
import textwrap

import numpy as np
import pytest

import bodies
import reference
from client import BareConnection, Client, assert_problem
from server import eventually

LABELS, PRED_PROBS = reference.sample(images=5, classes=4, height=24, width=16, seed=7)
BODY = bodies.npz(labels=LABELS, pred_probs=PRED_PROBS)
PAGE = mmap.PAGESIZE
PROT_NONE = 0
libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(scope="module")
def server(start_server):
    # Other users come to it too, as they do not to a folder of pytest's.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        server = start_server("--allow-client-memory", listen=("127.0.0.1:0", f"unix:{folder}/s"))
        server.socket_path = f"{folder}/s"
        os.chmod(server.socket_path, 0o777)
        yield server


@pytest.fixture(scope="module")
def connection(server):
    with BareConnection(server.socket_path) as connection:
        yield connection


def place(array):
    """Where an array lies, with its header ahead of it, which the array's `kept` keeps."""
    header = np.frombuffer(bodies.npy_header(array.dtype.str, array.shape), np.uint8)
    return f"{address(header)}+{header.nbytes} {address(array)}+{array.nbytes}", (header, array)


def address(array):
    return array.__array_interface__["data"][0]


def post(connection, target="/score", fields=(), **arrays):
    """Posts where arrays lie; other members are as they are."""
    kept, members = [], {}
    for name, value in arrays.items():
        if isinstance(value, np.ndarray):
            value, array = place(value)
            kept.append(array)
        members[name] = {"memory": value} if isinstance(value, str) else value
    body = bodies.Body(json.dumps(members).encode())
    connection.send_body_head(body, *fields, target=target)
    connection.send(body.data)
    answer = connection.read()
    answer.kept = kept
    return answer


def score(connection, labels=LABELS, pred_probs=PRED_PROBS, query="", fields=()):
    return post(connection, "/score" + query, fields, labels=labels, pred_probs=pred_probs)


def document(answer):
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def without_links(scores):
    return {name: value for name, value in scores.items() if name not in ("job", "links", "expires_at")}


@pytest.mark.parametrize("query", ["?read=all", "?read=all&threshold=0.3", "?method=num_pixel_issues"])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16])
def test_scores_are_those_of_arrays_that_are_sent(server, connection, query, kind):
    pred_probs = PRED_PROBS.astype(kind)
    with Client(server) as client:
        body = bodies.npz(labels=LABELS, pred_probs=pred_probs)
        sent = client.scored(body, path="/score" + query.replace("?read=all&", "?").replace("?read=all", ""))
    assert without_links(document(score(connection, pred_probs=pred_probs, query=query))) == without_links(sent)


def test_only_the_classes_of_labels_are_read_for_softmin(connection):
    """All other classes lie in pages that nobody may read. The header is looked for in the first."""
    pages = 256
    shape = (1, 3, pages * PAGE // 4 // 64, 64)
    memory = mmap.mmap(-1, 3 * pages * PAGE)
    pred_probs = np.frombuffer(memory, np.float32).reshape(shape)
    pred_probs[0, 0] = 0.75
    labels = np.zeros((1, *shape[2:]), np.uint8)
    assert libc.mprotect(ctypes.c_void_p(address(pred_probs[0, 1])), 2 * pages * PAGE, PROT_NONE) == 0
    assert document(score(connection, labels, pred_probs))["image_scores"] == [0.75]
    problem = assert_problem(score(connection, labels, pred_probs, "?read=all"), 422, "memory-unreadable", "pred_probs")
    assert "Bad address" in problem["detail"]


def test_an_array_may_lie_in_pieces_and_in_files(connection, tmp_path):
    expected = document(score(connection))["image_scores"]
    header = np.frombuffer(bodies.npy_header("<f4", PRED_PROBS.shape), np.uint8)
    images = [np.array(image) for image in PRED_PROBS]
    pieces = [header[:7], header[7:7], header[7:], *images]
    text = " ".join(f"{address(piece)}+{piece.nbytes}" for piece in pieces)
    assert document(score(connection, pred_probs=text))["image_scores"] == expected
    path = tmp_path / "file"
    path.write_bytes(b"before" + PRED_PROBS[2:].tobytes())
    with path.open("rb") as file:
        ahead = " ".join(f"{address(piece)}+{piece.nbytes}" for piece in [header, *images[:2]])
        text = f"{ahead} {file.fileno()}@6+{PRED_PROBS[2:].nbytes}"
        assert document(score(connection, pred_probs=text))["image_scores"] == expected
        short = f"{ahead} {file.fileno()}@7+{PRED_PROBS[2:].nbytes}"
        assert_problem(score(connection, pred_probs=short), 422, "file-unusable", "pred_probs")


def test_what_any_file_may_hold_may_lie_in_memory(connection):
    """An npz is read from its first byte to its last, so here its members are the arrays."""
    expected = document(score(connection))["image_scores"]
    whole = np.frombuffer(bodies.npy(PRED_PROBS), np.uint8)
    fortran = np.frombuffer(bodies.npy(np.asfortranarray(PRED_PROBS)), np.uint8)
    for data in (whole, fortran):
        assert document(score(connection, pred_probs=f"{address(data)}+{data.nbytes}"))["image_scores"] == expected


def test_batches_and_reductions_are_read_there_too(server, connection):
    expected = document(score(connection))["image_scores"]
    with Client(server) as client:
        job = client.post("/jobs").json()["id"]
        for images in (slice(0, 2), slice(2, 5)):
            answer = post(connection, f"/jobs/{job}/batches", labels=LABELS[images], pred_probs=PRED_PROBS[images])
            assert answer.status_code == 201, answer.content
        client.post(f"/jobs/{job}/finish")
        eventually(lambda: client.get(f"/jobs/{job}").json()["status"] == "succeeded", "it is scored")
        assert client.get(f"/jobs/{job}/image_scores", headers={"Accept": "application/json"}).json() == expected
        reduced = post(connection, "/reduce", ["Accept: application/x-npz"], labels=LABELS, pred_probs=PRED_PROBS)
        with np.load(io.BytesIO(reduced.content)) as arrays:
            arrays = {name: arrays[name] for name in ("own", "largest", "predicted")}
        scores = post(connection, "/score?classes=4", labels=LABELS, **arrays)
        assert document(scores)["image_scores"] == expected


def test_it_may_be_read_after_the_answer_that_promises_to(server, connection):
    answer = score(connection, fields=["Prefer: respond-async"])
    assert answer.status_code == 202
    with Client(server) as client:
        path = answer.headers["Location"]
        eventually(lambda: client.get(path).json()["status"] == "succeeded", "it is scored")


@pytest.mark.parametrize(
    "text",
    ["x", "1", "1+", "+1", "-1+1", "1+-1", "1@2", "1@2@3+4", "1++2", "0x10+1", f"{1 << 62}+1", f"1+{1 << 62}"]
    + [f"{1 << 32}@0+1", f"1+{(1 << 62) - 1} 1+1", f"1@{1 << 70}+1"],
)
def test_what_is_no_place_is_refused(connection, text):
    problem = assert_problem(score(connection, pred_probs=text), 400, "invalid-parameter", "pred_probs")
    assert "ADDRESS+BYTES" in problem["expected"]


def test_no_bytes_are_no_array(connection):
    assert score(connection, pred_probs="").status_code in (400, 422)
    assert score(connection, pred_probs=f"{address(LABELS)}+0").status_code in (400, 422)


@pytest.mark.parametrize("start", [0, 1, 1 << 47, (1 << 62) - 1])
def test_where_there_is_no_memory_nothing_is_read(connection, start):
    answer = score(connection, pred_probs=f"{start}+100000")
    assert_problem(answer, 422, "memory-unreadable", "pred_probs")


def test_memory_that_ends_early_is_found(connection):
    memory = mmap.mmap(-1, 2 * PAGE)
    array = np.frombuffer(memory, np.uint8)
    array[:] = np.frombuffer(bodies.npy(PRED_PROBS)[: 2 * PAGE].ljust(2 * PAGE, b"\0"), np.uint8)
    assert libc.mprotect(ctypes.c_void_p(address(array) + PAGE), PAGE, PROT_NONE) == 0
    text = f"{address(array)}+{PRED_PROBS.nbytes + 128}"
    assert_problem(score(connection, pred_probs=text), 422, "memory-unreadable", "pred_probs")


def test_only_regular_files_are_read(connection, tmp_path):
    read, write = os.pipe()
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        for number in (read, folder, connection.socket.fileno()):
            answer = score(connection, pred_probs=f"{number}@0+100")
            problem = assert_problem(answer, 422, "memory-unreadable", "pred_probs")
            assert "No such device" in problem["detail"]
        assert_problem(score(connection, pred_probs="999999@0+100"), 422, "memory-unreadable", "pred_probs")
    finally:
        for number in (read, write, folder):
            os.close(number)


def test_nobody_takes_all_descriptors_of_the_server(connection, tmp_path):
    (tmp_path / "file").write_bytes(bytes(10))
    files = [(tmp_path / "file").open("rb") for _ in range(65)]
    try:
        text = " ".join(f"{file.fileno()}@0+1" for file in files)
        problem = assert_problem(score(connection, pred_probs=text), 422, "memory-unreadable", "pred_probs")
        assert "Too many open files" in problem["detail"]
        before = len(os.listdir(f"/proc/{os.getpid()}/fd"))
        assert before > 65
    finally:
        for file in files:
            file.close()


def test_it_is_read_by_unix_sockets_and_where_it_is_allowed_alone(server, start_server, tmp_path):
    with Client(server) as client:
        text, _ = place(PRED_PROBS)
        answer = client.post("/score", json={"labels": {"memory": text}, "pred_probs": {"memory": text}})
        assert "Unix socket" in assert_problem(answer, 422, "memory-unreadable", "labels")["detail"]
    start_server(listen=("127.0.0.1:0", f"unix:{tmp_path}/s"))
    with BareConnection(f"{tmp_path}/s") as connection:
        problem = assert_problem(score(connection), 422, "memory-unreadable", "labels")
        assert "--allow-client-memory" in problem["detail"]
        # The connection is there for arrays that are sent.
        connection.send_body_head(BODY)
        connection.send(BODY.data)
        assert connection.read().status_code == 200


def test_arrays_stand_for_themselves_where_no_file_may(server, connection):
    text, _ = place(LABELS)
    body = {"inputs": [{"name": "labels", "shape": [1], "datatype": "INT32", "data": {"memory": text}}]}
    body = bodies.Body(json.dumps(body).encode())
    connection.send_body_head(body, target="/v2/models/segscore/infer")
    connection.send(body.data)
    assert connection.read().status_code == 400


STRANGER = textwrap.dedent(
    """
    import os, socket, sys, time
    parent = os.getpid()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])
    if sys.argv[2] == "orphan":
        if os.fork() > 0:
            os._exit(0)
        while os.getppid() == parent:
            time.sleep(0.01)
    body = b'{"labels": {"memory": "4096+100"}, "pred_probs": {"memory": "4096+100"}}'
    head = f"POST /score HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n".encode()
    connection.sendall(head + body)
    print(connection.recv(10000).decode())
    """
)


def test_a_process_that_is_no_more_is_not_taken_for_another(server):
    """A child has the connection of its parent, which has ended: nobody's memory is read."""
    command = [sys.executable, "-c", STRANGER, server.socket_path, "orphan"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "422" in done.stdout and "No such process" in done.stdout, done


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_the_memory_of_another_user_is_not_read(server):
    command = ["/usr/bin/python3", "-c", STRANGER, server.socket_path, "itself"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, user=65534)
    assert "422" in done.stdout and "not permitted" in done.stdout, done


def test_the_server_goes_on_when_its_client_ends_as_it_is_read(server):
    """Clients that are killed while their memory is read."""
    code = textwrap.dedent(
        """
        import json, socket, sys, numpy as np
        sys.path.insert(0, sys.argv[2])
        import bodies
        labels = np.zeros((40, 512, 512), np.uint8)
        pred_probs = np.full((40, 4, 512, 512), 0.25, np.float32)
        kept, members = [], {}
        for name, array in (("labels", labels), ("pred_probs", pred_probs)):
            header = np.frombuffer(bodies.npy_header(array.dtype.str, array.shape), np.uint8)
            kept.append(header)
            members[name] = {"memory": " ".join(
                f"{each.__array_interface__['data'][0]}+{each.nbytes}" for each in (header, array))}
        body = json.dumps(members).encode()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(sys.argv[1])
        head = ["POST /score?method=num_pixel_issues HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        connection.sendall("\\r\\n".join([*head, "", ""]).encode() + body)
        print("sent", flush=True)
        connection.recv(1)
        """
    )
    for _ in range(3):
        command = [sys.executable, "-c", code, server.socket_path, os.path.dirname(__file__)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"sent\n"
            process.kill()
    with Client(server) as client:
        eventually(
            lambda: not [job for job in client.get("/jobs").json()["jobs"] if job["status"] in ("queued", "running")],
            "no job is left",
        )
        assert client.get("/readyz").status_code == 200
    assert server.process.poll() is None

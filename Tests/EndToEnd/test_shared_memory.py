"""System shared memory of the Open Inference Protocol, as tritonclient speaks it."""

import contextlib
import os
import pathlib
import uuid

import pytest
import tritonclient.http as triton
import tritonclient.utils.shared_memory as shm

import inference
import reference
from client import Client
from inference import assert_inference_problem, in_order, infer, refusal, scored, tensor

LABELS, PRED_PROBS = reference.sample()
SHARED = pathlib.Path("/dev/shm")
REGIONS = "/v2/systemsharedmemory"
REGION = REGIONS + "/region/a"
OPERATIONS = [
    ("GET", REGIONS + "/status"),
    ("POST", REGIONS + "/unregister"),
    ("GET", REGION + "/status"),
    ("POST", REGION + "/register"),
    ("POST", REGION + "/unregister"),
]

pytestmark = pytest.mark.skipif(not os.access(SHARED, os.W_OK), reason="there is no shared memory")


@pytest.fixture(scope="module")
def sharing(start_server):
    return start_server("--allow-shared-memory")


@pytest.fixture
def sharing_client(sharing):
    with Client(sharing) as client:
        yield client
        client.post(REGIONS + "/unregister")


@pytest.fixture
def tritons(sharing):
    with triton.InferenceServerClient(f"127.0.0.1:{sharing.port}") as client:
        yield client
        client.unregister_system_shared_memory()


@pytest.fixture
def key():
    """The name of a shared memory object that ends with the test."""
    name = f"segscore-test-{uuid.uuid4().hex}"
    yield name
    with contextlib.suppress(FileNotFoundError):
        (SHARED / name).unlink()


@contextlib.contextmanager
def region(tritons, name, key, size):
    """A region that tritonclient made and registered."""
    handle = shm.create_shared_memory_region(name, key, size)
    try:
        tritons.register_system_shared_memory(name, key, size)
        yield handle
        tritons.unregister_system_shared_memory(name)
    finally:
        shm.destroy_shared_memory_region(handle)


def shared(made, name, size, offset=0):
    """An input or an output that is in a region."""
    made.set_shared_memory(name, size, offset)
    return made


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("reverse", [False, True])
def test_inputs_and_outputs(sharing_client, tritons, key, slash, reverse):
    expected = scored(sharing_client, LABELS, PRED_PROBS, threshold=0.2)
    start, size = LABELS.nbytes, LABELS.nbytes + PRED_PROBS.nbytes
    places = {
        "image_scores": (0, 24),
        "pixel_scores": (32, 4 * LABELS.size),
        "issues": (32 + 4 * LABELS.size, LABELS.size),
    }
    end = 32 + 5 * LABELS.size
    with region(tritons, "in", key, size) as source, region(tritons, "out", key + "-out", end) as target:
        shm.set_shared_memory_region(source, [LABELS, PRED_PROBS])
        inputs = in_order(LABELS, PRED_PROBS, reverse=reverse)
        for each in inputs:
            shared(each, "in", *((start, 0) if each.name() == "labels" else (PRED_PROBS.nbytes, start)))
        outputs = [
            shared(triton.InferRequestedOutput(name), "out", byte_count, offset)
            for name, (offset, byte_count) in places.items()
        ]
        result = tritons.infer("segscore", inputs, outputs=outputs, parameters={"threshold": 0.2})
        for name, (offset, _) in places.items():
            output = result.get_output(name)
            assert output["parameters"]["shared_memory_region"] == "out" and "data" not in output
            array = expected[name]
            found = shm.get_contents_as_numpy(target, array.dtype, array.shape, offset)
            assert found.tobytes() == array.tobytes()
            del found
        status = tritons.get_system_shared_memory_status()
        assert [(each["name"], each["byte_size"]) for each in status] == [("in", size), ("out", end)]
        assert tritons.get_system_shared_memory_status("in") == status[:1]
    assert tritons.get_system_shared_memory_status() == []


@pytest.mark.parametrize("names", [["labels"], ["pred_probs"]])
@pytest.mark.parametrize("reverse", [False, True])
def test_one_input_in_a_region_and_one_in_the_body(sharing_client, tritons, key, names, reverse):
    array = LABELS if names == ["labels"] else PRED_PROBS
    with region(tritons, "in", key, array.nbytes) as source:
        shm.set_shared_memory_region(source, [array])
        inputs = in_order(LABELS, PRED_PROBS, reverse=reverse)
        for each in inputs:
            if each.name() in names:
                shared(each, "in", array.nbytes)
        inference.assert_same(tritons.infer("segscore", inputs), scored(sharing_client, LABELS, PRED_PROBS))


def test_the_object_stays_as_it_is(tritons, key):
    path = SHARED / key
    path.write_bytes(LABELS.tobytes() + b"rest")
    tritons.register_system_shared_memory("in", key, LABELS.nbytes)
    inputs = [shared(tensor("labels", LABELS), "in", LABELS.nbytes), tensor("pred_probs", PRED_PROBS)]
    tritons.infer("segscore", inputs)
    assert path.read_bytes() == LABELS.tobytes() + b"rest"


def test_a_region_that_shrinks_ends_the_request_and_not_the_server(sharing_client, tritons, key):
    path = SHARED / key
    path.write_bytes(LABELS.tobytes() + PRED_PROBS.tobytes())
    size = path.stat().st_size
    tritons.register_system_shared_memory("in", key, size)
    os.truncate(path, size - 1)
    inputs = [
        shared(tensor("labels", LABELS), "in", LABELS.nbytes),
        shared(tensor("pred_probs", PRED_PROBS), "in", PRED_PROBS.nbytes, LABELS.nbytes),
    ]
    status, message = refusal(tritons.infer, "segscore", inputs)
    assert status == "400" and "larger than what there is" in message
    output = shared(triton.InferRequestedOutput("image_scores"), "in", 24)
    status, message = refusal(tritons.infer, "segscore", in_order(LABELS, PRED_PROBS), outputs=[output])
    assert status == "400" and "larger than what there is" in message
    assert path.stat().st_size == size - 1
    assert sharing_client.get("/v2/health/ready").status_code == 200


@pytest.mark.parametrize(
    "name, size, offset, words",
    [
        ("other", LABELS.nbytes, 0, 'no region "other"'),
        ("in", LABELS.nbytes, 1, "beyond the end"),
        ("in", LABELS.nbytes, (1 << 63) - 1, "beyond the end"),
        ("in", LABELS.nbytes - 1, 0, "does not match its shape"),
    ],
)
def test_inputs_that_are_not_there(tritons, key, name, size, offset, words):
    (SHARED / key).write_bytes(LABELS.tobytes())
    tritons.register_system_shared_memory("in", key, LABELS.nbytes)
    inputs = [shared(tensor("labels", LABELS), name, size, offset), tensor("pred_probs", PRED_PROBS)]
    status, message = refusal(tritons.infer, "segscore", inputs)
    assert status == "400" and words in message


@pytest.mark.parametrize(
    "name, size, offset, words",
    [("other", 24, 0, 'no region "other"'), ("out", 23, 0, "does not fit"), ("out", 24, 1, "beyond the end")],
)
def test_outputs_that_have_no_room(tritons, key, name, size, offset, words):
    (SHARED / key).write_bytes(bytes(24))
    tritons.register_system_shared_memory("out", key, 24)
    output = shared(triton.InferRequestedOutput("image_scores"), name, size, offset)
    status, message = refusal(tritons.infer, "segscore", in_order(LABELS, PRED_PROBS), outputs=[output])
    assert status == "400" and words in message
    assert (SHARED / key).read_bytes() == bytes(24)


@pytest.mark.parametrize("key", ["", "/", ".", "..", "../etc/passwd", "/dev/shm/x", "a/b", "a\x00b", "x" * 300])
def test_keys_lead_nowhere_else(sharing_client, key):
    answer = sharing_client.post(REGION + "/register", json={"key": key, "byte_size": 1})
    assert_inference_problem(answer, 400, "invalid-parameter")


def test_links_and_folders_are_no_shared_memory(sharing_client, key):
    (SHARED / key).symlink_to("/etc/hostname")
    answer = sharing_client.post(REGION + "/register", json={"key": key, "byte_size": 1})
    assert_inference_problem(answer, 400, "unusable-region")
    (SHARED / key).unlink()
    (SHARED / key).mkdir()
    answer = sharing_client.post(REGION + "/register", json={"key": key, "byte_size": 1})
    assert_inference_problem(answer, 400, "unusable-region")
    (SHARED / key).rmdir()
    answer = sharing_client.post(REGION + "/register", json={"key": key, "byte_size": 1})
    assert_inference_problem(answer, 400, "unusable-region")


def test_registering_by_hand(sharing_client, key):
    (SHARED / key).write_bytes(bytes(10))
    good = {"key": key, "offset": 4, "byte_size": 6}
    answer = sharing_client.post(REGION + "/register", json=good)
    assert (answer.status_code, answer.content) == (200, b"")
    assert_inference_problem(sharing_client.post(REGION + "/register", json=good), 400, "repeated-region")
    assert sharing_client.get(REGION + "/status").json() == [{"name": "a"} | good]
    assert sharing_client.get(REGIONS + "/status").json() == [{"name": "a"} | good]
    for method, path in OPERATIONS:
        assert_inference_problem(sharing_client.request(method, path + "?a=b"), 400, "unknown-parameter")
    for bad in ({"byte_size": 11}, {"byte_size": 7}, {"offset": (1 << 63) - 1}):
        answer = sharing_client.post(REGION + "b/register", json=good | bad)
        assert_inference_problem(answer, 400, "unusable-region")
    for bad in ({"byte_size": 0}, {"byte_size": -1}, {"offset": -1}):
        answer = sharing_client.post(REGION + "b/register", json=good | bad)
        assert_inference_problem(answer, 400, "invalid-parameter")
    for body in (b"", b"{", b"[]", b'{"key": 1, "byte_size": 1}', b'{"key": "a", "byte_size": 1e99}'):
        answer = sharing_client.post(REGION + "b/register", data=body)
        assert_inference_problem(answer, 400, "malformed-body")
    assert_inference_problem(sharing_client.post(REGION + "b/register", data=bytes(70_000)), 413, "body-too-large")
    assert sharing_client.post(REGION + "/unregister").status_code == 200
    assert_inference_problem(sharing_client.get(REGION + "/status"), 404, "unknown-region")
    assert sharing_client.post(REGIONS + "/unregister").status_code == 200


def test_places_for_regions_run_out(sharing_client, key):
    (SHARED / key).write_bytes(bytes(1))
    statuses = [
        sharing_client.post(f"{REGIONS}/region/r{index}/register", json={"key": key, "byte_size": 1})
        for index in range(257)
    ]
    assert {answer.status_code for answer in statuses[:256]} == {200}
    assert_inference_problem(statuses[256], 503, "at-capacity")


def test_nobody_may_unless_the_server_was_told_so(client, key):
    (SHARED / key).write_bytes(LABELS.tobytes())
    for method, path in OPERATIONS:
        problem = assert_inference_problem(client.request(method, path), 404, "shared-memory-off")
        assert "--allow-shared-memory" in problem["expected"]
    inputs = [shared(tensor("labels", LABELS), "in", LABELS.nbytes), tensor("pred_probs", PRED_PROBS)]
    assert_inference_problem(infer(client, inference.inference(inputs)), 400, "shared-memory-off")
    assert "system_shared_memory" not in client.get("/v2").json()["extensions"]


def test_a_compressed_registration_is_refused(sharing_client):
    answer = sharing_client.post(REGION + "/register", data=b"{}", headers={"Content-Encoding": "gzip"})
    assert_inference_problem(answer, 415, "unsupported-media-type")

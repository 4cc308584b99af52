"""The Open Inference Protocol, as tritonclient speaks it."""

import gzip
import json
import zlib

import ml_dtypes
import numpy as np
import pytest
import tritonclient.http as triton

import inference
import reference
from bodies import Body
from client import BareConnection, Client, assert_problem
from inference import (
    HEADER_LENGTH,
    MODEL,
    MODELS,
    OCTETS,
    assert_inference_problem,
    assert_same,
    in_order,
    infer,
    refusal,
    scored,
    tensor,
    with_aio,
)
from server import eventually

LABELS, PRED_PROBS = reference.sample()
LABEL_TYPES = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
GOOD = inference.inference(in_order(LABELS, PRED_PROBS), parameters={"threshold": 0.2})


@pytest.fixture(scope="module")
def tritons(server):
    """tritonclient's client of the server."""
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}", concurrency=4) as client:
        yield client


# What is answered


@pytest.mark.parametrize("reverse", [False, True], ids=["labels first", "pred_probs first"])
@pytest.mark.parametrize("binary", [(True, True), (False, True), (True, False), (False, False)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_answer_is_that_of_score(client, tritons, dtype, binary, reverse):
    probs = PRED_PROBS.astype(dtype)
    expected = scored(client, LABELS, probs, threshold=0.2)
    result = tritons.infer("segscore", in_order(LABELS, probs, binary, reverse), parameters={"threshold": 0.2})
    assert_same(result, expected)


@pytest.mark.parametrize("reverse", [False, True])
def test_bfloat16_is_taken_as_the_float32_that_it_is_half_of(client, tritons, reverse):
    probs = PRED_PROBS.astype(ml_dtypes.bfloat16)
    expected = scored(client, LABELS, probs)
    assert expected["pixel_scores"].dtype == np.float32
    assert_same(tritons.infer("segscore", in_order(LABELS, probs, reverse=reverse)), expected)


def test_numbers_in_the_json_become_the_nearest_bfloat16(client):
    # The first two are those that float32 on the way, or no rule for ties, would lead astray.
    given = [0.5 + 2**-9 + 2**-40, 0.5 + 2**-9, 0.5 + 3 * 2**-9, 0.1, 1e-40, 0.9999, 0, 1]
    nearest = [0.50390625, 0.5, 0.5078125, 0.10009765625, 2**-133, 1, 0, 1]
    labels = {"name": "labels", "datatype": "UINT8", "shape": [1, 1, len(given)], "data": [0] * len(given)}
    probs = {"name": "pred_probs", "datatype": "BF16", "shape": [1, 1, 1, len(given)], "data": given}
    answer = client.post(f"{MODEL}/infer", json={"inputs": [labels, probs], "outputs": [{"name": "pixel_scores"}]})
    assert np.float32(answer.json()["outputs"][0]["data"]).tolist() == np.float32(nearest).tolist()


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("dtype", LABEL_TYPES)
def test_labels_of_every_type(client, tritons, dtype, binary):
    result = tritons.infer("segscore", in_order(LABELS.astype(dtype), PRED_PROBS, (binary, True)))
    assert_same(result, scored(client, LABELS, PRED_PROBS))


@pytest.mark.parametrize("binary", [True, False])
def test_labels_that_are_booleans(client, tritons, binary):
    labels, probs = reference.sample(classes=2)
    result = tritons.infer("segscore", in_order(labels.astype(bool), probs, (binary, True)))
    assert_same(result, scored(client, labels, probs))


@pytest.mark.parametrize(
    "parameters",
    [
        {"method": "num_pixel_issues"},
        {"method": "num_pixel_issues", "threshold": 0.3, "ignore_label": 2},
        {"temperature": 0.5, "ignore_label": 0},
        {"threshold": 0},
        {"sequence_id": 3, "sequence_start": True, "sequence_end": True, "priority": 2, "timeout": 1_000_000},
    ],
)
def test_parameters(client, tritons, parameters):
    own = {
        name: value
        for name, value in parameters.items()
        if name in ("method", "threshold", "ignore_label", "temperature")
    }
    of_protocol = {name: value for name, value in parameters.items() if name not in own}
    result = tritons.infer("segscore", in_order(LABELS, PRED_PROBS), parameters=own, **of_protocol)
    assert_same(result, scored(client, LABELS, PRED_PROBS, **own))


@pytest.mark.parametrize("response", [None, "gzip", "deflate"])
@pytest.mark.parametrize("request_coding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_compression(client, tritons, request_coding, response, binary):
    expected = scored(client, LABELS, PRED_PROBS)
    result = tritons.infer(
        "segscore",
        in_order(LABELS, PRED_PROBS, (binary, binary)),
        request_compression_algorithm=request_coding,
        response_compression_algorithm=response,
    )
    assert_same(result, expected)


def test_what_is_asked_for_is_answered_as_it_is_asked_for(client, tritons):
    expected = scored(client, LABELS, PRED_PROBS, method="num_pixel_issues", threshold=0.2)
    names = ["label_issues", "image_scores", "issues", "pixel_scores"]
    outputs = [triton.InferRequestedOutput(name, binary_data=name != "image_scores") for name in names]
    result = tritons.infer(
        "segscore",
        in_order(LABELS, PRED_PROBS),
        model_version="1",
        outputs=outputs,
        request_id="one",
        parameters={"method": "num_pixel_issues", "threshold": 0.2},
    )
    assert_same(result, {name: expected[name] for name in names})
    response = result.get_response()
    assert (response["model_name"], response["model_version"], response["id"]) == ("segscore", "1", "one")
    assert "data" in result.get_output("image_scores") and "data" not in result.get_output("issues")
    job = client.get(f"/jobs/{response['parameters']['job']}").json()
    assert (job["status"], job["method"]) == ("succeeded", "num_pixel_issues")


def test_many_at_once(client, tritons):
    samples = [reference.sample(seed=seed, height=4 + seed) for seed in range(8)]
    waiting = [tritons.async_infer("segscore", in_order(labels, probs)) for labels, probs in samples]
    for (labels, probs), request in zip(samples, waiting):
        assert_same(request.get_result(), scored(client, labels, probs))


@pytest.mark.parametrize("coding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_the_asyncio_client(client, server, binary, coding):
    async def use(tritons):
        assert await tritons.is_server_live() and await tritons.is_server_ready()
        assert await tritons.is_model_ready("segscore", "1")
        assert (await tritons.get_model_metadata("segscore"))["versions"] == ["1"]
        assert (await tritons.get_model_repository_index())[0]["state"] == "READY"
        with pytest.raises(Exception, match="There is no model"):
            await tritons.get_model_config("other")
        return await tritons.infer(
            "segscore",
            in_order(LABELS, PRED_PROBS, (binary, binary)),
            request_compression_algorithm=coding,
            response_compression_algorithm=coding,
        )

    assert_same(with_aio(server, use), scored(client, LABELS, PRED_PROBS))


@pytest.mark.parametrize("model", MODELS)
def test_by_hand(client, model):
    answer = infer(client, GOOD, model)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json" and HEADER_LENGTH not in answer.headers
    scores = scored(client, LABELS, PRED_PROBS, threshold=0.2)
    outputs = {output["name"]: output for output in answer.json()["outputs"]}
    for name, array in scores.items():
        assert outputs[name]["shape"] == list(array.shape)
        assert np.array(outputs[name]["data"], array.dtype).tobytes() == array.tobytes()
    assert answer.headers["Location"] == f"/jobs/{answer.json()['parameters']['job']}"
    asked = inference.inference(in_order(LABELS, PRED_PROBS), parameters={"binary_data_output": True})
    answer = infer(client, asked, model)
    assert answer.headers["Content-Type"] == OCTETS
    header = json.loads(answer.content[: int(answer.headers[HEADER_LENGTH])])
    sizes = [output["parameters"]["binary_data_size"] for output in header["outputs"]]
    assert sizes == [8 * 3, 4 * LABELS.size]
    assert answer.content.endswith(scores["image_scores"].tobytes() + scores["pixel_scores"].tobytes())


def test_nested_lists_are_as_good_as_flat_ones(client):
    inputs = [
        {"name": "pred_probs", "shape": list(PRED_PROBS.shape), "datatype": "FP32", "data": PRED_PROBS.tolist()},
        {"name": "labels", "shape": list(LABELS.shape), "datatype": "UINT8", "data": LABELS.tolist()},
    ]
    answer = infer(client, Body(json.dumps({"inputs": inputs}).encode()))
    scores = np.array(answer.json()["outputs"][1]["data"], np.float32)
    assert scores.tobytes() == reference.pixel_scores(LABELS, PRED_PROBS).tobytes()


def test_only_pred_probs_that_come_first_wait_on_disk(start_server):
    with Client(start_server("--spool-budget", "1KiB")) as client:
        for model in MODELS:
            assert infer(client, GOOD, model).status_code == 200
            answer = infer(client, inference.inference(in_order(LABELS, PRED_PROBS, reverse=True)), model)
            assert_inference_problem(answer, 507, "spool-full")


# What the server says of itself


def test_metadata(tritons):
    assert tritons.is_server_live() and tritons.is_server_ready()
    assert tritons.is_model_ready("segscore") and tritons.is_model_ready("segscore", "1")
    assert not tritons.is_model_ready("other") and not tritons.is_model_ready("segscore", "2")
    server = tritons.get_server_metadata()
    assert server["name"] == "segscore" and "binary_tensor_data" in server["extensions"]
    for version in ("", "1"):
        model = tritons.get_model_metadata("segscore", version)
        assert [each["name"] for each in model["inputs"]] == ["labels", "pred_probs"]
        assert [each["name"] for each in model["outputs"]] == ["image_scores", "pixel_scores", "issues", "label_issues"]
        config = tritons.get_model_config("segscore", version)
        assert config["max_batch_size"] == 0
        assert [(each["name"], len(each["dims"])) for each in config["input"]] == [("labels", 3), ("pred_probs", 4)]
    assert tritons.get_model_repository_index() == [
        {"name": "segscore", "version": "1", "state": "READY", "reason": ""}
    ]


def test_statistics_count_the_jobs_that_ended(start_server):
    with triton.InferenceServerClient(f"127.0.0.1:{start_server().port}") as tritons:
        for _ in range(3):
            tritons.infer("segscore", in_order(LABELS, PRED_PROBS))
        assert refusal(tritons.infer, "segscore", in_order(LABELS + 9, PRED_PROBS))[0] == "400"
        for stats in (tritons.get_inference_statistics(), tritons.get_inference_statistics("segscore", "1")):
            [model] = stats["model_stats"]
            assert (model["inference_count"], model["execution_count"]) == (3, 3)
            assert model["last_inference"] > 1_700_000_000_000
            counts = {name: value["count"] for name, value in model["inference_stats"].items()}
            assert (counts["success"], counts["fail"], counts["queue"], counts["compute_infer"]) == (3, 1, 4, 4)
            assert model["inference_stats"]["success"]["ns"] >= model["inference_stats"]["compute_infer"]["ns"] / 4 > 0


GETS = ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/stats"] + [
    model + part for model in MODELS for part in ("", "/ready", "/config", "/stats")
]
POSTS = ["/v2/repository/index"]


def test_every_resource_answers_and_takes_no_query(client):
    for method, path in [("GET", path) for path in GETS] + [("POST", path) for path in POSTS]:
        answer = client.request(method, path)
        assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
        refused = client.request(method, path + "?threshold=1")
        assert_inference_problem(refused, 400, "unknown-parameter")


@pytest.mark.parametrize(
    "path",
    [
        f"/v2/models/{model}{part}"
        for model in ("other", "segscore/versions/2")
        for part in ("", "/ready", "/config", "/stats")
    ],
)
def test_there_is_no_other_model(client, path):
    problem = assert_inference_problem(client.get(path), 404, "unknown-model")
    assert problem["expected"] == "segscore, in version 1"


def test_other_methods_and_paths(client):
    answer = client.delete("/v2/models/segscore")
    assert_inference_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET, HEAD"
    for path in ("/v2/nothing", "/v2/models", "/v2/logging", "/v2/cudasharedmemory/status"):
        assert_inference_problem(client.get(path), 404, "not-found")


# What is refused


def spoiled(index, value):
    probs = PRED_PROBS.copy()
    probs[index] = value
    return probs


@pytest.mark.parametrize(
    "inputs, words",
    [
        (lambda: [tensor("labels", LABELS)], 'no array "pred_probs"'),
        (lambda: in_order(LABELS, PRED_PROBS) + [tensor("labels", LABELS)], "labels comes more than once"),
        (lambda: in_order(LABELS, PRED_PROBS) + [tensor("masks", LABELS)], 'no input "masks"'),
        (lambda: in_order(LABELS.astype(np.float32), PRED_PROBS), "labels must be one of BOOL, UINT8"),
        (lambda: in_order(LABELS, LABELS), 'pred_probs must be one of FP16, BF16, FP32, FP64, not "UINT8"'),
        (lambda: in_order(LABELS, np.array([[[["a"]]]], object)), 'not "BYTES"'),
        (lambda: in_order(LABELS, PRED_PROBS[0]), "with pred_probs (N, K, H, W)"),
        (lambda: in_order(LABELS[0], PRED_PROBS), "have 2 and 4 dimensions"),
        (lambda: in_order(LABELS, PRED_PROBS[:2]), "it is (2, 4, 5, 7), not (3, 4, 5, 7)"),
        (lambda: in_order(LABELS[:0], PRED_PROBS), "labels is empty"),
        (lambda: in_order(LABELS + 4, PRED_PROBS), "which is no class"),
        (lambda: in_order(LABELS, spoiled((0, 1, 2, 3), 1.5)), "pred_probs[0, 1, 2, 3] is 1.5"),
        (lambda: in_order(LABELS, spoiled((0, 1, 2, 3), np.nan)), "pred_probs[0, 1, 2, 3] is nan"),
        (lambda: in_order(LABELS, spoiled((0, 1, 2, 3), np.nan), (True, False)), "JSON has no NaN"),
        (lambda: in_order(LABELS, spoiled((0, 1, 2, 3), np.inf), (False, False)), "JSON has no NaN and no Infinity"),
    ],
)
def test_inputs_that_are_refused(tritons, inputs, words, leaves_nothing):
    status, message = refusal(tritons.infer, "segscore", inputs())
    assert status == "400" and words in message


@pytest.mark.parametrize(
    "parameters, words",
    [
        ({"treshold": 0.1}, 'no parameter "treshold"'),
        ({"threshold": 1.5}, "threshold must be a number from 0 to 1"),
        ({"method": "x"}, "softmin or num_pixel_issues"),
        ({"downsample": 2}, "softmin takes none"),
        ({"method": "num_pixel_issues", "downsample": 2}, "cannot be cut into blocks"),
        ({"include": "issues"}, "include"),
        ({"ignore_label": 0.5}, "a whole number"),
    ],
)
def test_parameters_that_are_refused(tritons, parameters, words, leaves_nothing):
    status, message = refusal(tritons.infer, "segscore", in_order(LABELS, PRED_PROBS), parameters=parameters)
    assert status == "400" and words in message


@pytest.mark.parametrize(
    "output, words",
    [
        (triton.InferRequestedOutput("masks"), "there are image_scores, pixel_scores, issues, label_issues"),
        (triton.InferRequestedOutput("issues"), 'no output "issues" here; there are image_scores, pixel_scores'),
        (triton.InferRequestedOutput("image_scores", class_count=3), "image_scores has no classification"),
    ],
)
def test_outputs_that_are_refused(tritons, output, words, leaves_nothing):
    status, message = refusal(tritons.infer, "segscore", in_order(LABELS, PRED_PROBS), outputs=[output])
    assert status == "400" and words in message


def test_the_asyncio_client_is_told_too(server, leaves_nothing):
    async def use(tritons):
        with pytest.raises(Exception, match="which is no class"):
            await tritons.infer("segscore", in_order(LABELS + 4, PRED_PROBS))

    with_aio(server, use)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "body, fields, status, slug",
    [
        (GOOD.data, {HEADER_LENGTH: "0"}, 400, "invalid-header"),
        (GOOD.data, {HEADER_LENGTH: "x"}, 400, "invalid-header"),
        (GOOD.data, {HEADER_LENGTH: str(len(GOOD.data) + 1)}, 400, "invalid-header"),
        (GOOD.data, {HEADER_LENGTH: "12"}, 400, "malformed-body"),
        (GOOD.data, {}, 400, "invalid-header"),
        (GOOD.data[:-1], GOOD.fields, 400, "malformed-body"),
        (GOOD.data + b"x", GOOD.fields, 400, "malformed-body"),
        (b"", {}, 400, "malformed-body"),
        (b"{", {}, 400, "malformed-body"),
        (b"[]", {}, 400, "malformed-body"),
        (gzip.compress(GOOD.data)[:-9], GOOD.fields | {"Content-Encoding": "gzip"}, 400, "malformed-body"),
        (gzip.compress(GOOD.data + b"x"), GOOD.fields | {"Content-Encoding": "gzip"}, 400, "malformed-body"),
        (gzip.compress(GOOD.data[:-1]), GOOD.fields | {"Content-Encoding": "gzip"}, 400, "malformed-body"),
        (gzip.compress(GOOD.data), GOOD.fields | {"Content-Encoding": "deflate"}, 400, "malformed-body"),
        (zlib.compress(GOOD.data), GOOD.fields | {"Content-Encoding": "gzip"}, 400, "malformed-body"),
        (GOOD.data, {HEADER_LENGTH: str((1 << 16) + 1)}, 400, "invalid-header"),
        (bytes(2 << 20), {HEADER_LENGTH: str((1 << 16) + 1)}, 400, "invalid-header"),
        (GOOD.data, GOOD.fields | {"Content-Encoding": "br"}, 415, "unsupported-media-type"),
    ],
)
def test_bodies_that_are_refused(client, model, body, fields, status, slug, leaves_nothing):
    assert_inference_problem(infer(client, Body(body, fields), model), status, slug)


@pytest.mark.parametrize("model", ["/v2/models/other", MODEL + "/versions/7"])
def test_there_is_no_other_model_to_infer_by(client, model):
    assert_inference_problem(infer(client, GOOD, model), 404, "unknown-model")


def test_limits_hold_here_too(start_server):
    server = start_server("--max-json-bytes", "1KiB", "--max-body-bytes", "8KiB", "--max-pixels", "100")
    with Client(server) as client:
        flat = inference.inference(in_order(LABELS, PRED_PROBS, (False, False)))
        large = Body(bytes(9000), {HEADER_LENGTH: "10"})
        for model in MODELS:
            assert_inference_problem(infer(client, flat, model), 413, "body-too-large")
            assert_inference_problem(infer(client, large, model), 413, "body-too-large")
            assert_inference_problem(infer(client, GOOD, model), 413, "too-many-pixels")


def test_a_full_server_says_so(start_server):
    server = start_server("--backlog", "1")
    with BareConnection(server.address) as connection, Client(server) as client:
        connection.send_body_head(GOOD, target=f"{MODEL}/infer")
        connection.send(GOOD.data[:100])
        eventually(lambda: client.get("/readyz").status_code == 503, "the place is taken")
        for model in MODELS:
            answer = infer(client, GOOD, model)
            assert_inference_problem(answer, 503, "at-capacity")
            assert answer.headers["Retry-After"]
            assert_inference_problem(client.get(model + "/ready"), 503, "at-capacity")
        assert_inference_problem(client.get("/v2/health/ready"), 503, "at-capacity")
        with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as tritons:
            assert tritons.is_server_live() and not tritons.is_server_ready() and not tritons.is_model_ready("segscore")
            status, message = refusal(tritons.infer, "segscore", in_order(LABELS, PRED_PROBS))
            assert (status, message) == ("503", "All 1 places for jobs are taken.")
        connection.send(GOOD.data[100:])
        assert connection.read().status_code == 200


def test_other_errors_have_no_error(client):
    assert "error" not in assert_problem(client.get("/nothing"), 404, "not-found")

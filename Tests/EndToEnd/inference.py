"""What the Open Inference Protocol sends and answers, by tritonclient and by hand."""

import asyncio
import json

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from bodies import Body, arrays_of, npz
from client import PROBLEM

MODEL = "/v2/models/segscore"
MODELS = (MODEL, MODEL + "/versions/1")
OCTETS = "application/octet-stream"
HEADER_LENGTH = "Inference-Header-Content-Length"


def tensor(name, array, binary=True, module=triton):
    """An input as tritonclient makes it."""
    made = module.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def in_order(labels, pred_probs, binary=(True, True), reverse=False):
    """Both inputs, `labels` first unless `reverse`."""
    inputs = [tensor("labels", labels, binary[0]), tensor("pred_probs", pred_probs, binary[1])]
    return inputs[::-1] if reverse else inputs


def inference(inputs, **members):
    """The same request as a body of `bodies.py`, with further members of its JSON."""
    header = json.dumps({"inputs": [each._get_tensor() for each in inputs]} | members).encode()
    data = [each._get_binary_data() for each in inputs]
    binary = b"".join(part for part in data if part is not None)
    return Body(header + binary, {HEADER_LENGTH: str(len(header))} if any(part is not None for part in data) else {})


def infer(client, body, model=MODEL, headers=None):
    return client.post(f"{model}/infer", data=body.data, headers=body.fields | (headers or {}))


def scored(client, labels, pred_probs, **parameters):
    """What `/score` answers for arrays, by name."""
    if pred_probs.dtype.kind == "V" or pred_probs.dtype.name == "bfloat16":
        pred_probs = pred_probs.astype(np.float32)
    answer = client.score(npz(labels=labels, pred_probs=pred_probs), accept="application/x-npz", **parameters)
    assert answer.status_code == 200, answer.text
    return arrays_of(answer)


def assert_same(result, expected):
    """Checks that tritonclient's result holds the very bytes of arrays, and no others."""
    assert [output["name"] for output in result.get_response()["outputs"]] == list(expected)
    for name, array in expected.items():
        found = result.as_numpy(name)
        assert (found.dtype, found.shape) == (array.dtype, array.shape), name
        assert found.tobytes() == array.tobytes(), name


def refusal(call, *arguments, **options):
    """The status and the words of the exception that tritonclient throws."""
    try:
        call(*arguments, **options)
    except InferenceServerException as error:
        return error.status(), error.message()
    raise AssertionError("not refused")


def with_aio(server, use):
    """Runs a coroutine with tritonclient's asyncio client."""

    async def run():
        async with triton_aio.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
            return await use(client)

    return asyncio.run(run())


def assert_inference_problem(answer, status, slug):
    """Checks a problem document of the protocol, and returns it."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.content[:500]}"
    assert answer.headers["Content-Type"] == PROBLEM
    problem = answer.json()
    assert problem["type"] == f"urn:segscore:{slug}", problem
    assert problem["status"] == status and problem["error"] == problem["detail"] != ""
    return problem

"""Sends what schemathesis makes up from `openapi.yaml`, fitting and unfitting, and holds every answer against it."""

import io
import re
import zlib

import hypothesis
import numpy as np
import requests
import schemathesis
from hypothesis import strategies
from PIL import Image
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, response_schema_conformance

import reference
from bodies import npy, npz, npz_deflated, safetensors_file
from label_issue_cases import NPY, NPZ, PNG
from server import ROOT

LABELS, PRED_PROBS = reference.sample(images=2, classes=3, height=2, width=4, dtype=np.float32)
SCORES = {"image_scores": np.array([0.25, 0.01]), "pixel_scores": reference.pixel_scores(LABELS, PRED_PROBS)}
ARCHIVES = [
    npz(labels=LABELS, pred_probs=PRED_PROBS),
    npz_deflated(pred_probs=PRED_PROBS, labels=LABELS),
    npz(**SCORES),
    npz(labels=LABELS + 1, pred_probs=PRED_PROBS),
    npz(labels=LABELS, pred_probs=PRED_PROBS[:1]),
    npz(labels=LABELS),
]
TENSORS = [
    safetensors_file(labels=LABELS, pred_probs=PRED_PROBS),
    safetensors_file(**SCORES),
    safetensors_file(labels=LABELS, pred_probs=PRED_PROBS)[:-1],
    safetensors_file(labels=LABELS),
]
FILES = [npy(LABELS), npy(PRED_PROBS), npy(SCORES["image_scores"]), npy(SCORES["pixel_scores"]), npy(LABELS)[:-1]]

CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # Places and memory may run out; that the answer says so is documented.
            "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", 503, 507]},
            # No schema says what two arrays say of one another, how many images a job has, or that what is in the query
            # may not be in the body.
            "positive_data_acceptance": {"enabled": False},
        }
    }
)
SCHEMA = schemathesis.openapi.from_path(ROOT / "openapi.yaml", config=CONFIG)
SETTINGS = hypothesis.settings(
    max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(hypothesis.HealthCheck)
)

schemathesis.openapi.media_type(
    NPZ,
    strategies.sampled_from([body.data for body in ARCHIVES]) | strategies.binary(max_size=64),
    aliases=["application/zip"],
)
schemathesis.openapi.media_type(
    "application/vnd.safetensors",
    strategies.sampled_from(TENSORS) | strategies.binary(max_size=64),
    aliases=["application/x-safetensors"],
)
schemathesis.openapi.media_type(NPY, strategies.sampled_from(FILES) | strategies.binary(max_size=64))


@schemathesis.deserializer(NPZ, NPY)
def loaded(_, response):
    """The schemas say nothing of these but what they are: NumPy reads them, or the test fails."""
    if response.status_code != 206:
        np.load(io.BytesIO(response.content), allow_pickle=False)


@schemathesis.deserializer(PNG)
def opened(_, response):
    """As for the others, Pillow."""
    Image.open(io.BytesIO(response.content)).load()


def place_job(case, url, job):
    """Puts a job in the place of three in four ids that were made up: an open one where its life is to be changed.

    What reviewers do changes only what is known of a job; it gets the finished one, and a region that this has.
    """
    made_up = case.path_parameters.get("id")
    path = case.meta.components.get("path")
    # An id that was taken from an example of the document has no mode: it may be of another thing that has ids.
    mode = path.mode if path else GenerationMode.POSITIVE
    if made_up is None or mode.is_negative or zlib.crc32(str(made_up).encode()) % 4 == 0:
        return None
    is_of_reviews = re.search("/(decisions|keep)(/|$)", case.path)
    changes = case.method in ("POST", "DELETE") and not is_of_reviews
    opened = requests.post(f"{url}/jobs").headers["Location"] if changes else None
    case.path_parameters["id"] = (opened or job).rpartition("/")[2]
    if "region" in case.path_parameters:
        kind = {name: case.query[name] for name in ("of", "threshold") if name in (case.query or {})}
        listed = requests.get(f"{url}{job}/regions", params=kind).json().get("regions")
        if listed:
            case.path_parameters["region"] = listed[zlib.crc32(str(kind).encode()) % len(listed)]["id"]
    return opened


@SCHEMA.parametrize()
@SETTINGS
def test_every_answer_conforms(case, server, job):
    url = f"http://127.0.0.1:{server.port}"
    opened = place_job(case, url, job)
    response = case.call(base_url=url, timeout=20)
    excluded = []
    if case.path.endswith("/events"):
        # The document's schema of a stream is that of its text, as OpenAPI 3.1 has it, and schemathesis looks at single
        # events.
        excluded.append(response_schema_conformance)
    if response.status_code in (202, 413):
        # Who does not wait hears from the job that its arrays are wrong; at what is too large nobody looks further.
        excluded.append(negative_data_rejection)
    case.validate_response(response, excluded_checks=excluded)
    # To schemathesis `default` documents every status.
    assert str(response.status_code) in case.operation.definition.raw["responses"] or response.status_code == 405
    for left in filter(None, [opened, response.headers.get("location", [None])[0]]):
        requests.delete(url + left)

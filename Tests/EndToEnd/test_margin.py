"""`method=margin` against its definition in NumPy, over every way in."""

import itertools

import numpy as np
import pytest

import bodies
import reference
from bodies import array_of, arrays_of, npz
from client import assert_problem
from server import run
from test_batches import add, finish, open_job

NPZ = "application/x-npz"
MARGIN = {"method": "margin"}
JOINT = {"method": "num_pixel_issues"}
SPACES = [(1, 1), (1, 9), (7, 1), (3, 3), (17, 33), (40, 24)]
CASES = list(itertools.product(SPACES, [2, 5, 300], ["<f2", "<f4", "<f8"], [None, 1]))


def sample(space, classes, dtype, seed=0, images=3):
    """Labels in regions, and probabilities that contradict some of these as a whole."""
    random = np.random.default_rng([seed, classes, *space])
    labels = random.integers(0, classes, (images, *space))
    truth = labels.copy()
    for image in range(images):
        for _ in range(4):
            start = [int(random.integers(0, extent)) for extent in space]
            region = (image, *(slice(at, at + int(random.integers(1, 9))) for at in start))
            labels[region] = random.integers(0, classes)
            truth[region] = random.integers(0, classes)
    weights = random.random((*labels.shape, classes)) ** 4
    confidence = random.random(labels.shape)[..., None] * 8
    weights += np.where(np.arange(classes) == truth[..., None], confidence, 0)
    probs = weights / weights.sum(-1, keepdims=True)
    return labels, np.ascontiguousarray(np.moveaxis(probs, -1, 1)).astype(dtype)


def expect(scores, labels, pred_probs, ignore_label=None):
    np.testing.assert_allclose(scores, reference.margin_scores(labels, pred_probs, ignore_label), rtol=1e-12)


@pytest.mark.parametrize("space, classes, dtype, ignore_label", CASES, ids=str)
def test_scores_are_what_the_definition_says(client, space, classes, dtype, ignore_label):
    labels, pred_probs = sample(space, classes, dtype)
    parameters = {} if ignore_label is None else {"ignore_label": ignore_label}
    found = arrays_of(client.score(npz(labels=labels, pred_probs=pred_probs), NPZ, **MARGIN, **parameters))
    expect(found["image_scores"], labels, pred_probs, ignore_label)
    # All else is as confident learning has it.
    joint = arrays_of(client.score(npz(labels=labels, pred_probs=pred_probs), NPZ, **JOINT, **parameters))
    for name in ("pixel_scores", "label_issues"):
        np.testing.assert_array_equal(found[name], joint[name])


@pytest.mark.parametrize("shape", [(2, 5, 12, 9), (2, 2, 3, 8, 9)], ids=str)
def test_neighbours_are_those_of_a_slice(client, shape):
    labels, pred_probs = sample(shape[1:], 3, "<f4", images=shape[0])
    found = arrays_of(client.score(npz(labels=labels, pred_probs=pred_probs), NPZ, **MARGIN))
    expect(found["image_scores"], labels, pred_probs)


def test_an_image_depends_on_itself_alone(client):
    labels, pred_probs = sample((40, 24), 4, "<f4", images=5)
    whole = arrays_of(client.score(npz(labels=labels, pred_probs=pred_probs), NPZ, **MARGIN))["image_scores"]
    for image in range(5):
        part = npz(labels=labels[image : image + 1], pred_probs=pred_probs[image : image + 1])
        assert arrays_of(client.score(part, NPZ, **MARGIN))["image_scores"][0] == whole[image]


def test_every_way_in_gives_the_same_to_the_bit(client):
    labels, pred_probs = sample((40, 24), 4, "<f4", images=5)
    expected = arrays_of(client.score(npz(labels=labels, pred_probs=pred_probs), NPZ, **MARGIN))
    expect(expected["image_scores"], labels, pred_probs)
    fortran = np.asfortranarray(pred_probs)
    for body in [
        npz(pred_probs=pred_probs, labels=labels),
        npz(labels=labels, pred_probs=fortran),
        npz(labels=np.asfortranarray(labels), pred_probs=pred_probs.astype(">f4")),
        *(bodies.FORMS[name](labels=labels, pred_probs=pred_probs) for name in bodies.FORMS),
    ]:
        found = arrays_of(client.score(body, NPZ, **MARGIN))
        assert found["image_scores"].tobytes() == expected["image_scores"].tobytes()
        assert found["label_issues"].tobytes() == expected["label_issues"].tobytes()
    job = open_job(client, **MARGIN)
    for part in (slice(0, 2), slice(2, 3), slice(3, 5)):
        add(client, job, npz(labels=labels[part], pred_probs=pred_probs[part]))
    finish(client, job)
    found = array_of(client.get(f"{job}/image_scores"))
    assert found.tobytes() == expected["image_scores"].tobytes()


def test_blocks_decide_on_label_issues_alone(client):
    labels, pred_probs = sample((40, 24), 4, "<f4")
    for parameters in [{"downsample": 4}, {"downsample": 4, "ignore_label": 2}]:
        for form in (pred_probs, np.asfortranarray(pred_probs)):
            body = npz(labels=labels, pred_probs=form)
            found = arrays_of(client.score(body, NPZ, **MARGIN, **parameters))
            joint = arrays_of(client.score(body, NPZ, **JOINT, **parameters))
            expect(found["image_scores"], labels, pred_probs, parameters.get("ignore_label"))
            np.testing.assert_array_equal(found["label_issues"], joint["label_issues"])


def test_logits_in_blocks_have_their_margins(client):
    labels, pred_probs = sample((40, 24), 4, "<f4")
    logits = np.log(np.maximum(pred_probs, 1e-30))
    expected = arrays_of(client.score(npz(labels=labels, logits=logits), NPZ, **MARGIN))
    found = arrays_of(client.score(npz(labels=labels, logits=logits), NPZ, downsample=4, **MARGIN))
    np.testing.assert_allclose(found["image_scores"], expected["image_scores"], rtol=1e-6)


def test_every_processor_gives_the_same_to_the_bit(tmp_path):
    labels, pred_probs = sample((40, 24), 4, "<f4", images=5)
    np.save(tmp_path / "labels.npy", labels)
    np.save(tmp_path / "pred_probs.npy", pred_probs)
    paths = [tmp_path / "labels.npy", tmp_path / "pred_probs.npy"]
    levels = run("version", "--cpu").stdout.splitlines()[1].rpartition("runs ")[2].split(", ")
    scores = set()
    for level in levels:
        done = run("score", *paths, "--method", "margin", "--out", tmp_path / level, "--cpu", level)
        assert done.returncode == 0, done.stderr
        found = np.load(tmp_path / level / "image_scores.npy")
        expect(found, labels, pred_probs)
        scores.add(found.tobytes())
    assert len(levels) > 1 and len(scores) == 1


def test_labelled_classes_alone_are_not_enough(client):
    labels, pred_probs = sample((8, 8), 4, "<f4")
    own = reference.pixel_scores(labels, pred_probs)
    assert_problem(client.score(npz(labels=labels, own=own), classes=4, **MARGIN), 400, "missing-array")

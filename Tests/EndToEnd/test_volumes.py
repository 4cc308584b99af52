"""Images of any dimensions, and single images without an axis of images, with cleanlab as the judge of volumes."""

import itertools
import json

import numpy as np
import pytest
from cleanlab.segmentation.filter import find_label_issues
from cleanlab.segmentation.rank import get_label_quality_scores

import bodies
from bodies import arrays_of, json_body, multipart, npz
from client import assert_problem

NPZ = "application/x-npz"

# The shapes of labels, with whether their first axis counts images.
SHAPES = [
    ((2, 3, 4, 5), True),
    ((6, 4, 5), False),
    ((4, 5), False),
    ((2, 7), True),
    ((9,), False),
    ((2, 2, 3, 2, 4), True),
    ((1, 3, 4, 5), True),
]


def sample(shape, has_images, classes=3, dtype=np.float32, seed=0):
    """Labels of a shape, and probabilities that mostly agree with them."""
    rng = np.random.default_rng([seed, *shape])
    labels = rng.integers(0, classes, shape)
    weights = rng.random((*shape, classes)) + 2 * np.eye(classes)[labels] * (rng.random(shape) < 0.8)[..., None]
    probs = weights / weights.sum(-1, keepdims=True)
    return labels, np.ascontiguousarray(np.moveaxis(probs, -1, 1 if has_images else 0)).astype(dtype)


def one_hot(labels, has_images, classes=3):
    return np.moveaxis(np.eye(classes, dtype=np.uint8)[labels], -1, 1 if has_images else 0)


def flat(labels, probs, has_images):
    """The same arrays as (N, H, W) and (N, K, H, W), in which cleanlab takes them."""
    if not has_images:
        labels, probs = labels[None], probs[None]
    images, classes, width = probs.shape[0], probs.shape[1], probs.shape[-1]
    return labels.reshape(images, -1, width), probs.reshape(images, classes, -1, width)


def one_hot_needs_an_axis(shape, has_images):
    """Whether one-hot labels of one image would be taken for those of several."""
    return not has_images and len(shape) > 2 or has_images and len(shape) == 2


CASES = [
    (shape, has_images, form, dtype, fortran, hot)
    for (shape, has_images), form, dtype, fortran, hot in itertools.product(
        SHAPES,
        ["npz", "npz deflated", "multipart", "json", "safetensors"],
        ["<f4", "<f8"],
        [False, True],
        [False, True],
    )
    if not (fortran and form in ("json", "safetensors"))
    and not (dtype == "<f4" and form == "json")
    and not (hot and one_hot_needs_an_axis(shape, has_images))
]


@pytest.mark.parametrize("shape, has_images, form, dtype, fortran, hot", CASES)
def test_answers_have_the_shape_of_labels_and_cleanlabs_values(client, shape, has_images, form, dtype, fortran, hot):
    labels, probs = sample(shape, has_images, dtype=dtype)
    given = {"labels": one_hot(labels, has_images) if hot else labels, "pred_probs": probs}
    if fortran:
        given = {name: np.asfortranarray(array) for name, array in given.items()}
    if len(shape) % 2 == 0:
        given = dict(reversed(given.items()))
    answer = client.score(bodies.FORMS[form](**given), accept=NPZ, threshold=0.4)
    assert answer.status_code == 200, answer.text
    found = arrays_of(answer)
    images, pixels = get_label_quality_scores(*flat(labels, probs, has_images), verbose=False)
    np.testing.assert_allclose(found["image_scores"], images, rtol=1e-5)
    np.testing.assert_array_equal(found["pixel_scores"], pixels.reshape(shape).astype(dtype), strict=True)
    np.testing.assert_array_equal(found["issues"], found["pixel_scores"] < 0.4, strict=True)


@pytest.mark.parametrize("shape, has_images", SHAPES)
def test_label_issues_are_those_of_the_flat_arrays(client, shape, has_images):
    labels, probs = sample(shape, has_images, dtype=np.float64, seed=3)
    answer = client.score(npz(labels=labels, pred_probs=probs), accept=NPZ, method="num_pixel_issues")
    assert answer.status_code == 200, answer.text
    expected = find_label_issues(*flat(labels, probs, has_images), n_jobs=1, verbose=False)
    np.testing.assert_array_equal(arrays_of(answer)["label_issues"], expected.reshape(shape), strict=True)


@pytest.mark.parametrize("seed", range(40))
def test_seeded_cases_are_their_flat_arrays(client, seed):
    rng = np.random.default_rng(seed)
    has_images = bool(rng.integers(2))
    space = tuple(rng.integers(1, 6, rng.integers(1, 5) if has_images else rng.choice([1, 2, 3, 4])))
    shape = (int(rng.integers(1, 4)), *space) if has_images else space
    # Equal numbers of images and classes allow two readings, of which a test of its own tells.
    classes = int(rng.choice([k for k in (2, 3, 4, 7) if k not in shape[:2]]))
    labels, probs = sample(shape, has_images, classes, rng.choice(["<f2", "<f4", ">f4", "<f8"]), seed)
    values = {"labels": labels.astype(rng.choice(["u1", "<i8", ">i2", "f4"])), "pred_probs": probs}
    given = {name: np.asfortranarray(array) if rng.integers(2) else array for name, array in values.items()}
    if rng.integers(2):
        given = dict(reversed(given.items()))
    form = str(rng.choice(["npz", "npz streamed", "npz deflated", "multipart"]))
    parameters = {"method": str(rng.choice(["softmin", "num_pixel_issues"])), "threshold": 0.5}
    answer = client.score(bodies.FORMS[form](**given), accept=NPZ, **parameters)
    assert answer.status_code == 200, answer.text
    flat_labels, flat_probs = flat(values["labels"], probs, has_images)
    expected = client.score(npz(labels=flat_labels, pred_probs=flat_probs), accept=NPZ, **parameters)
    for name, array in arrays_of(expected).items():
        wanted = array if name == "image_scores" else array.reshape(shape)
        np.testing.assert_array_equal(arrays_of(answer)[name], wanted, strict=True)


def test_json_answers_are_nested_as_labels_are(client):
    labels, probs = sample((2, 3, 4), False)
    answer = client.score(
        json_body(labels=labels, pred_probs=probs), include="image_scores,pixel_scores,issues", threshold=0.5
    )
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert np.shape(document["image_scores"]) == (1,)
    assert np.shape(document["pixel_scores"]) == np.shape(document["issues"]) == labels.shape
    assert document["shape"] == {"images": 1, "classes": 3, "height": None, "width": None, "space": [2, 3, 4]}
    image = client.score(npz(labels=labels[0], pred_probs=probs[:, 0])).json()
    assert image["shape"] == {"images": 1, "classes": 3, "height": 3, "width": 4}


def test_where_extents_allow_both_the_first_axis_is_that_of_images(client):
    labels, probs = sample((3, 4, 5), True, classes=3)
    answer = client.score(npz(labels=labels, pred_probs=probs), accept=NPZ)
    assert arrays_of(answer)["image_scores"].shape == (3,)
    # Of labels of two axes it is the other way round.
    labels, probs = sample((3, 5), False, classes=3)
    answer = client.score(npz(labels=labels, pred_probs=probs), accept=NPZ)
    assert arrays_of(answer)["image_scores"].shape == (1,)
    _, pixels = get_label_quality_scores(labels[None], probs[None], verbose=False)
    np.testing.assert_array_equal(arrays_of(answer)["pixel_scores"], pixels[0])


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_volumes_of_two_values_that_look_one_hot_are_classes_if_probabilities_say_so(client, fortran, reverse):
    # Each column through the volume has a single 1, as one-hot labels of three classes have.
    labels = one_hot(np.random.default_rng(1).integers(0, 3, (2, 4, 5)), True)
    for values in (labels, np.zeros_like(labels), np.ones_like(labels)):
        _, probs = sample(labels.shape, True, classes=2)
        given = {"labels": np.asfortranarray(values) if fortran else values, "pred_probs": probs}
        body = npz(**(dict(reversed(given.items())) if reverse else given))
        answer = client.score(body, accept=NPZ)
        assert answer.status_code == 200, answer.text
        expected = np.take_along_axis(probs, values[:, None].astype(int), 1)[:, 0]
        np.testing.assert_array_equal(arrays_of(answer)["pixel_scores"], expected, strict=True)


def test_maps_and_ignored_labels_of_volumes(client):
    labels, probs = sample((2, 3, 4, 5), True)
    raw = np.array([11, 7, 24])[labels]
    raw[0, 1] = 255
    parameters = {"label_map": '{"11": 0, "7": 1, "24": 2}', "ignore_label": "255"}
    answer = client.score(npz(labels=raw, pred_probs=probs), accept=NPZ, **parameters)
    assert answer.status_code == 200, answer.text
    expected = np.take_along_axis(probs, labels[:, None], 1)[:, 0]
    expected[0, 1] = 1
    np.testing.assert_array_equal(arrays_of(answer)["pixel_scores"], expected, strict=True)
    raw[1, 2, 3, 4] = 8
    problem = assert_problem(client.score(npz(labels=raw, pred_probs=probs), **parameters), 422, "label-out-of-range")
    assert problem["detail"].startswith("labels[1, 2, 3, 4] is 8")


@pytest.mark.parametrize("has_images", [True, False])
def test_places_are_named_in_the_shape_of_the_arrays(client, has_images):
    shape = (2, 3, 4, 5) if has_images else (6, 4, 5)
    labels, probs = sample(shape, has_images)
    wrong = labels.copy()
    wrong[..., 1, 2, 3] = 9
    place = "0, 1, 2, 3" if has_images else "1, 2, 3"
    problem = assert_problem(client.score(npz(labels=wrong, pred_probs=probs)), 422, "label-out-of-range", "labels")
    assert problem["detail"].startswith(f"labels[{place}] is 9")
    wrong = probs.copy()
    wrong[(0, 2, 1, 2, 3) if has_images else (2, 1, 2, 3)] = 2.5
    problem = assert_problem(client.score(npz(labels=labels, pred_probs=wrong)), 422, "probability-out-of-range")
    place = "0, 2, 1, 2, 3" if has_images else "2, 1, 2, 3"
    assert problem["detail"].startswith(f"pred_probs[{place}] is 2.5")


@pytest.mark.parametrize(
    "labels, probs, words",
    [
        ((4, 5), (1, 3, 4, 5), "labels[np.newaxis]"),
        ((1, 4, 5), (4, 5), "pred_probs[np.newaxis]"),
        ((2, 1, 4, 5), (2, 3, 4, 5), "send labels[:, 0]"),
        ((1, 4, 5), (3, 4, 5), "send labels[0]"),
        ((2, 4, 5), (2, 3, 6, 4, 5), "have 3 and 5 dimensions"),
        ((2, 4, 5), (2, 4, 5, 3), "layout=NHWC"),
        ((4, 5), (4, 5, 3), "layout=NHWC"),
        ((2, 6, 4, 5), (2, 6, 4, 5, 3), "np.moveaxis(pred_probs, -1, 1)"),
        ((2, 4, 6), (2, 4, 5), "as many dimensions"),
        ((2, 6, 4, 5), (2, 3, 6, 4, 4), "(2, 3, 6, 4, 5)"),
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_shapes_that_do_not_go_together_are_named(client, labels, probs, words, reverse):
    given = {"labels": np.zeros(labels, np.uint8), "pred_probs": np.full(probs, 0.5, np.float32)}
    body = npz(**(dict(reversed(given.items())) if reverse else given))
    problem = assert_problem(client.score(body), 422, "shape-mismatch")
    assert words in problem["detail"] + " " + problem["expected"]


def test_more_dimensions_than_eight_are_refused(client):
    labels, probs = np.zeros((1,) * 8, np.uint8), np.full((1, 2) + (1,) * 7, 0.5, np.float32)
    problem = assert_problem(client.score(npz(labels=labels, pred_probs=probs)), 422, "shape-mismatch", "pred_probs")
    assert "8" in problem["detail"]
    answer = client.score(npz(labels=labels[0], pred_probs=probs[:, :, 0]), accept=NPZ)
    assert answer.status_code == 200, answer.text
    assert arrays_of(answer)["pixel_scores"].shape == (1,) * 7


def test_blocks_are_cut_from_images_of_two_dimensions_alone(client):
    labels, probs = sample((1, 2, 4, 4), True)
    answer = client.score(npz(labels=labels, pred_probs=probs), method="num_pixel_issues", downsample=2)
    assert_problem(answer, 422, "downsample-does-not-divide", "downsample")
    labels, probs = sample((4, 4), False)
    answer = client.score(npz(labels=labels, pred_probs=probs), accept=NPZ, method="num_pixel_issues", downsample=2)
    assert arrays_of(answer)["label_issues"].shape == (4, 4)


def test_a_job_gives_volumes_one_by_one_and_no_pictures_of_them(client):
    labels, probs = sample((2, 3, 4, 5), True)
    answer = client.score(npz(labels=labels, pred_probs=probs), accept=NPZ, method="num_pixel_issues")
    job = answer.headers["Location"]
    expected = arrays_of(answer)["pixel_scores"]
    for image in range(2):
        found = client.get(f"{job}/pixel_scores?image={image}", headers={"Accept": "application/x-npy"})
        np.testing.assert_array_equal(bodies.array_of(found), expected[image])
    for array in ("pixel_scores", "issues", "label_issues"):
        picture = client.get(f"{job}/{array}?image=0", headers={"Accept": "image/png"})
        assert_problem(picture, 422, "not-drawable", "Accept")
    document = client.get(job).json()
    assert document["shape"] == {"images": 2, "classes": 3, "height": None, "width": None, "space": [3, 4, 5]}
    assert client.get(f"{job}/ranking").json()["ranking"][0]["image"] in (0, 1)
    assert client.get(f"{job}/statistics").json()["num_pixels"] == labels.size
    mask = client.get(f"{job}/issues?threshold=0.5", headers={"Accept": "application/x-npy"})
    np.testing.assert_array_equal(bodies.array_of(mask), expected < 0.5)


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
def test_batches_of_volumes_are_counted_as_images(client, method):
    labels, probs = sample((3, 2, 4, 5), True, classes=4, seed=5)
    job = client.post("/jobs", params={"method": method}).json()["links"]["self"]
    for image in range(3):
        # The first has an axis of images, the others have not.
        pair = (labels[:1], probs[:1]) if image == 0 else (labels[image], probs[image])
        answer = client.score(npz(labels=pair[0], pred_probs=pair[1]), path=f"{job}/batches")
        assert answer.status_code == 201, answer.text
        assert answer.json()["first_image"] == image
        assert answer.json()["shape"]["space"] == [2, 4, 5]
    client.post(f"{job}/finish")
    assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
    whole = client.score(npz(labels=labels, pred_probs=probs), accept=NPZ, method=method)
    for name, array in arrays_of(whole).items():
        found = client.get(f"{job}/{name}", headers={"Accept": "application/x-npy"})
        np.testing.assert_array_equal(bodies.array_of(found), array, strict=True)


def test_a_single_batch_of_one_image_is_one_of_several_too(client):
    labels, probs = sample((4, 5), False)
    job = client.post("/jobs").json()["links"]["self"]
    assert client.score(npz(labels=labels, pred_probs=probs), path=f"{job}/batches").status_code == 201
    client.post(f"{job}/finish")
    assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
    found = client.get(f"{job}/pixel_scores", headers={"Accept": "application/x-npy"})
    assert bodies.array_of(found).shape == (1, 4, 5)


def test_logits_and_single_channels_of_volumes(client):
    labels, probs = sample((6, 4, 5), False, dtype=np.float64)
    answer = client.score(npz(labels=labels, logits=np.log(probs)), accept=NPZ)
    assert answer.status_code == 200, answer.text
    expected = np.take_along_axis(probs, labels[None], 0)[0]
    np.testing.assert_allclose(arrays_of(answer)["pixel_scores"], expected, rtol=1e-12)
    labels, probs = sample((6, 4, 5), False, classes=2, dtype=np.float64)
    for name, values in [("logits", np.log(probs[1:] / probs[:1])), ("pred_probs", probs[1:])]:
        answer = client.score(npz(**{"labels": labels, name: values}), accept=NPZ, classes=2)
        assert answer.status_code == 200, answer.text
        expected = np.take_along_axis(probs, labels[None], 0)[0]
        np.testing.assert_allclose(arrays_of(answer)["pixel_scores"], expected, rtol=1e-9)


def test_one_image_may_have_another_size_or_its_classes_last(client):
    labels, probs = sample((4, 6), False)
    last = np.ascontiguousarray(np.moveaxis(probs, 0, -1))
    expected = np.take_along_axis(probs, labels[None], 0)[0]
    answer = client.score(npz(labels=labels, pred_probs=last), accept=NPZ, layout="NHWC")
    assert answer.status_code == 200, answer.text
    np.testing.assert_array_equal(arrays_of(answer)["pixel_scores"], expected, strict=True)
    small = np.ascontiguousarray(probs[:, ::2, ::2])
    answer = client.score(npz(labels=labels, pred_probs=small), accept=NPZ, resize="nearest")
    assert answer.status_code == 200, answer.text
    grown = small.repeat(2, axis=1).repeat(2, axis=2)
    expected = np.take_along_axis(grown, labels[None], 0)[0]
    np.testing.assert_array_equal(arrays_of(answer)["pixel_scores"], expected, strict=True)
    labels, probs = sample((2, 3, 4, 5), True)
    problem = client.score(npz(labels=labels, pred_probs=probs), resize="nearest")
    assert_problem(problem, 422, "shape-mismatch", "pred_probs")


def test_issues_of_scores_of_any_shape(client):
    for shape in [(2, 3, 4, 5), (3, 4), (7,)]:
        scores = np.random.default_rng(0).random(shape)
        images = np.full(shape[0] if len(shape) == 4 else 1, 0.5)
        answer = client.score(npz(image_scores=images, pixel_scores=scores), accept=NPZ, path="/issues", threshold=0.3)
        assert answer.status_code == 200, answer.text
        np.testing.assert_array_equal(arrays_of(answer)["issues"], scores < 0.3, strict=True)


@pytest.mark.parametrize("name", ["probabilities", "softmax"])
def test_an_export_of_nnu_net_goes_in_as_it_lies(client, name):
    labels, probs = sample((6, 4, 5), False)
    export = npz(compressed=True, **{name: probs}).data
    form = multipart(labels=labels, **{name: export})
    answer = client.score(form, accept=NPZ)
    assert answer.status_code == 200, answer.text
    images, pixels = get_label_quality_scores(*flat(labels, probs, False), verbose=False)
    np.testing.assert_allclose(arrays_of(answer)["image_scores"], images, rtol=1e-5)
    expected = pixels.reshape(labels.shape).astype(np.float32)
    np.testing.assert_array_equal(arrays_of(answer)["pixel_scores"], expected, strict=True)


def test_json_is_an_answer_of_a_volume(client):
    labels, probs = sample((2, 3, 4), False)
    job = client.score(npz(labels=labels, pred_probs=probs)).headers["Location"]
    found = json.loads(client.get(f"{job}/pixel_scores", headers={"Accept": "application/json"}).text)
    np.testing.assert_array_equal(np.float32(found), np.take_along_axis(probs, labels[None], 0)[0])

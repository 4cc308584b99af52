"""Labels as PNG images: by form, batch, file and command, always with the answer to the same labels as an array."""

import json
import zlib

import numpy as np
import pytest

import bodies
import masks
import reference
from bodies import arrays_of, npz
from client import Client, assert_problem, curl
from server import run

NPZ = "application/x-npz"
COLOURS = [(0, 0, 0), (255, 0, 0), (0, 128, 64), (1, 2, 3)]
COLOR_TEXTS = ",".join("#" + bytes(colour).hex() for colour in COLOURS)


def sample(images=3, classes=4, height=9, width=13, seed=1):
    return reference.sample(images, classes, height, width, seed)


def assert_same_answer(client, body, labels, pred_probs, **parameters):
    """Holds the answer to a form of masks against the answer to the same labels as npz."""
    given = client.score(body, accept=NPZ, **parameters)
    assert given.status_code == 200, given.text
    parameters.pop("colors", None)
    expected = client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, **parameters)
    assert expected.status_code == 200, expected.text
    given, expected = arrays_of(given), arrays_of(expected)
    assert given.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(given[name], array, strict=True)


WRITERS = {
    "1 bit by Pillow": (masks.bilevel, 2),
    "8 bits by Pillow": (masks.grey, 200),
    "16 bits by Pillow": (masks.grey, 300),
    **{
        f"palette of {bits} bits by Pillow": (lambda mask, bits=bits: masks.palette(mask, bits), min(1 << bits, 200))
        for bits in (1, 2, 4, 8)
    },
    **{
        f"{depth} bits{', Adam7' * interlaced}": (
            lambda mask, depth=depth, interlaced=interlaced: masks.by_hand(mask, depth, interlaced),
            min(1 << depth, 300),
        )
        for depth in (1, 2, 4, 8, 16)
        for interlaced in (False, True)
    },
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("seed", range(6))
def test_masks_are_the_labels_that_they_show(client, writer, seed):
    write, classes = WRITERS[writer]
    random = np.random.default_rng(seed)
    images, height, width = (int(extent) for extent in random.integers(1, [5, 24, 40]))
    labels, pred_probs = sample(images, classes, height, width, seed)
    # The sample's labels have a byte each.
    labels = random.integers(0, classes, labels.shape)
    labels[0, 0, 0] = classes - 1
    body = masks.form(
        [write(mask) for mask in labels],
        pred_probs,
        media_type=random.choice(["image/png", "application/octet-stream"]),
        probabilities_first=bool(random.integers(2)),
    )
    method = ["softmin", "num_pixel_issues"][seed % 2]
    assert_same_answer(client, body, labels, pred_probs, method=method, threshold=0.3)


def test_depths_may_differ_from_mask_to_mask(client):
    labels, pred_probs = sample(4, 300)
    labels = labels.astype(int)
    labels[2, 3, 4] = 299
    files = [masks.palette(labels[0]), masks.grey(labels[1]), masks.grey(labels[2]), masks.by_hand(labels[3], 16, True)]
    assert_same_answer(client, masks.form(files, pred_probs), labels, pred_probs)


@pytest.mark.parametrize("probabilities_first", [False, True])
def test_masks_go_with_logits(client, probabilities_first):
    labels, pred_probs = sample()
    logits = np.log(pred_probs)
    body = masks.form(
        [masks.palette(mask) for mask in labels], logits, probabilities_first=probabilities_first, array="logits"
    )
    given = client.score(body, accept=NPZ)
    assert given.status_code == 200, given.text
    expected = client.score(npz(labels=labels, logits=logits), accept=NPZ)
    for name, array in arrays_of(expected).items():
        np.testing.assert_array_equal(arrays_of(given)[name], array, strict=True)


def test_ignored_pixels_stay_ignored(client):
    labels, pred_probs = sample()
    labels[:, 2:4] = 255
    files = [masks.palette(mask) for mask in labels]
    assert_same_answer(client, masks.form(files, pred_probs), labels, pred_probs, ignore_label=255)
    problem = assert_problem(client.score(masks.form(files, pred_probs)), 422, "label-out-of-range")
    assert "labels[0, 2, 0] is 255" in problem["detail"]


@pytest.mark.parametrize("alpha", [False, True], ids=["RGB", "RGBA"])
@pytest.mark.parametrize(
    "colors",
    [
        COLOR_TEXTS,
        json.dumps(COLOURS),
        json.dumps(COLOR_TEXTS.upper().split(",")),
        json.dumps({text: index for index, text in enumerate(COLOR_TEXTS.split(","))}),
    ],
    ids=["texts", "triples", "list of texts", "object"],
)
def test_colours_stand_for_classes(client, colors, alpha):
    labels, pred_probs = sample(2)
    files = [masks.coloured(mask, COLOURS, alpha) for mask in labels]
    assert_same_answer(client, masks.form(files, pred_probs), labels, pred_probs, colors=colors)
    ahead = masks.form(files, pred_probs, [("colors", colors)])
    assert_same_answer(client, ahead, labels, pred_probs)
    # A palette's colours mean nothing, even then.
    files[1] = masks.palette(labels[1])
    assert_same_answer(client, masks.form(files, pred_probs), labels, pred_probs, colors=colors)


def test_a_colour_may_stand_for_the_ignored_label(client):
    labels, pred_probs = sample(2)
    labels[:, 0] = 3
    files = [masks.coloured(mask, COLOURS) for mask in labels]
    labels[labels == 3] = 255
    colors = json.dumps(dict(zip(COLOR_TEXTS.split(","), [0, 1, 2, 255])))
    assert_same_answer(client, masks.form(files, pred_probs), labels, pred_probs, colors=colors, ignore_label=255)


def test_a_job_says_which_colours_were_taken(client):
    labels, pred_probs = sample(1)
    answer = client.score(masks.form([masks.coloured(labels[0], COLOURS)], pred_probs), colors=COLOR_TEXTS)
    assert client.get(answer.json()["links"]["self"]).json()["parameters"]["colors"] == COLOR_TEXTS


def test_batches_come_as_masks(client):
    labels, pred_probs = sample(5)
    job = client.post("/jobs?method=num_pixel_issues").json()["links"]["self"]
    for images in (slice(0, 2), slice(2, 5)):
        body = masks.form([masks.palette(mask) for mask in labels[images]], pred_probs[images])
        assert client.score(body, path=f"{job}/batches").status_code == 201
    client.post(f"{job}/finish")
    assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
    expected = client.scored(npz(labels=labels, pred_probs=pred_probs), method="num_pixel_issues")
    assert bodies.array_of(client.get(f"{job}/image_scores")).tolist() == expected["image_scores"]


def test_a_batch_of_colours_takes_those_of_its_job(client):
    labels, pred_probs = sample(2)
    job = client.post("/jobs", params={"colors": COLOR_TEXTS}).json()["links"]["self"]
    body = masks.form([masks.coloured(mask, COLOURS) for mask in labels], pred_probs)
    assert client.score(body, path=f"{job}/batches").status_code == 201


def test_gzipped_forms_and_curl(client, tmp_path):
    labels, pred_probs = sample(2)
    body = masks.form([masks.grey(mask) for mask in labels], pred_probs)
    assert_same_answer(client, bodies.gzipped(body), labels, pred_probs)
    options = []
    for index, mask in enumerate(labels):
        (tmp_path / f"mask{index}.png").write_bytes(masks.palette(mask))
        options += ["-F", f"labels=@{tmp_path}/mask{index}.png"]
    np.save(tmp_path / "probs.npy", pred_probs)
    answer = curl(client.server, "/score", *options, "-F", f"pred_probs=@{tmp_path}/probs.npy")
    expected = client.scored(npz(labels=labels, pred_probs=pred_probs))
    assert json.loads(answer[2])["image_scores"] == expected["image_scores"]


# Files


@pytest.fixture
def mask_file(tmp_path):
    labels, pred_probs = sample(1)
    (tmp_path / "mask.png").write_bytes(masks.palette(labels[0]))
    np.save(tmp_path / "probs.npy", pred_probs)
    return labels, pred_probs


def test_a_file_is_the_labels_of_one_image(start_server, tmp_path, mask_file):
    labels, pred_probs = mask_file
    with Client(start_server("--data-dir", tmp_path)) as client:
        expected = client.scored(npz(labels=labels, pred_probs=pred_probs))["image_scores"]
        body = bodies.json_body(labels={"file": "mask.png"}, pred_probs={"file": "probs.npy"})
        assert client.scored(body)["image_scores"] == expected
        body = bodies.json_body(labels={"file": "mask.png"}, pred_probs=pred_probs)
        assert client.scored(body)["image_scores"] == pytest.approx(expected)
        (tmp_path / "short.png").write_bytes((tmp_path / "mask.png").read_bytes()[:-3])
        body = bodies.json_body(labels={"file": "short.png"}, pred_probs={"file": "probs.npy"})
        problem = assert_problem(client.score(body), 400, "malformed-body")
        assert problem["parameter"] == "labels"


def test_the_command_takes_a_mask(client, tmp_path, mask_file):
    labels, pred_probs = mask_file
    done = run("score", tmp_path / "mask.png", tmp_path / "probs.npy", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(
        np.load(tmp_path / "out/pixel_scores.npy"), reference.pixel_scores(labels, pred_probs)
    )
    (tmp_path / "colours.png").write_bytes(masks.coloured(labels[0], COLOURS))
    done = run("score", tmp_path / "colours.png", tmp_path / "probs.npy")
    assert done.returncode == 1 and "colours.png: The PNG image has pixels of colour" in done.stderr
    done = run("score", tmp_path / "colours.png", tmp_path / "probs.npy", "--colors", COLOR_TEXTS)
    assert done.returncode == 0, done.stderr


# What is refused


def refused(client, files, status, slug, pred_probs=None, **parameters):
    pred_probs = sample()[1] if pred_probs is None else pred_probs
    problem = assert_problem(client.score(masks.form(files, pred_probs), **parameters), status, slug)
    assert problem.get("parameter") == "labels"
    return problem["detail"]


def test_images_of_two_sizes_are_told_apart(client):
    labels, _ = sample()
    files = [masks.grey(labels[0]), masks.grey(labels[1]), masks.grey(labels[2][:5])]
    detail = refused(client, files, 422, "shape-mismatch")
    assert detail.startswith("The image has 5 rows of 13 pixels, and those before it have 9 rows of 13.")
    assert detail.endswith("This is image 2 of labels, mask2.png.")


def test_pixels_that_are_no_classes_are_refused(client):
    labels, _ = sample()
    detail = refused(client, [masks.coloured(labels[0], COLOURS)], 422, "unsupported-element-type")
    assert "Send the mask as palette indices or grey values, or name the classes of colours by colors" in detail
    grey_alpha = masks.by_hand(np.dstack([labels[0], labels[0]]), colour=4)
    detail = refused(client, [grey_alpha], 422, "unsupported-element-type", colors=COLOR_TEXTS)
    assert "Save the mask without alpha." in detail
    deep = masks.by_hand(np.dstack([labels[0]] * 3), 16, colour=2)
    assert "16 bits" not in refused(client, [deep], 422, "unsupported-element-type", colors=COLOR_TEXTS)
    clear = np.dstack([np.zeros((9, 13, 3), int), np.full((9, 13), 255)])
    clear[4, 5, 3] = 254
    detail = refused(client, [masks.by_hand(clear, colour=6)], 422, "unsupported-element-type", colors=COLOR_TEXTS)
    assert "row 4 and column 5" in detail


def test_an_unknown_colour_is_named_with_its_pixels(client):
    labels, _ = sample()
    labels[1][labels[1] == 3] = 0
    labels[1, 2, 5:8] = 3
    files = [masks.coloured(mask, COLOURS) for mask in labels[1:2]]
    detail = refused(client, files, 422, "label-out-of-range", colors="#000000,#ff0000,#008040")
    assert detail.startswith(
        "#010203 is no colour that colors names; 3 pixels of the PNG image have it, the first in row 2"
    )


@pytest.mark.parametrize(
    "colors", ["", "red", "#12", "#000000,#000000", "[[0,0]]", "[[0,0,256]]", "[1]", '{"#000000":-1}', "{", "[", "{}"]
)
def test_colours_that_cannot_be_read(client, colors):
    problem = assert_problem(client.post("/jobs", params={"colors": colors}), 400, "invalid-parameter")
    assert problem["parameter"] == "colors"


def test_a_mask_may_end_nowhere_before_its_end(client):
    labels, pred_probs = sample()
    file = masks.by_hand(labels[0], 4, interlaced=True)
    for count in range(0, len(file), 3):
        answer = client.score(masks.form([file[:count]], pred_probs[:1]))
        assert_problem(answer, 400, "malformed-body")
    assert "bytes behind the end" in refused(client, [file + b"\0"], 400, "malformed-body")


def test_damaged_masks_are_refused(client):
    file = bytearray(masks.grey(sample()[0][0]))
    file[-14] ^= 1
    assert "CRC" in refused(client, [bytes(file)], 400, "malformed-body")
    rows = masks.chunk(b"IDAT", b"no zlib")
    bad = masks.SIGNATURE + masks.head(13, 9) + rows + masks.chunk(b"IEND")
    refused(client, [bad], 400, "malformed-body")
    for width, height in [(0, 1), (1, 0), (1 << 31, 1)]:
        bad = masks.SIGNATURE + masks.head(width, height) + rows + masks.chunk(b"IEND")
        refused(client, [bad], 400, "malformed-body")
    refused(client, [b"GIF89a"], 400, "malformed-body")
    refused(client, [b""], 400, "malformed-body")


def test_a_mask_that_is_too_large_is_refused_by_its_head(client):
    rows = masks.chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
    for interlaced in (False, True):
        head = masks.head((1 << 31) - 1, (1 << 31) - 1, 1, interlaced=interlaced)
        bomb = masks.SIGNATURE + head + rows + masks.chunk(b"IEND")
        refused(client, [bomb], 413, "too-many-pixels")


def test_a_mask_that_unpacks_to_more_than_its_pixels_is_refused(client):
    labels, pred_probs = sample(1)
    rows = b"".join(b"\0" + row.tobytes() for row in labels[0])
    pixels = zlib.compress(rows + bytes(1 << 18), 9)
    file = masks.SIGNATURE + masks.head(13, 9) + masks.chunk(b"IDAT", pixels) + masks.chunk(b"IEND")
    assert "Extra compressed data" in refused(client, [file], 400, "malformed-body", pred_probs)


def test_masks_and_arrays_do_not_mix(client):
    labels, pred_probs = sample(2)
    file = masks.grey(labels[0])
    body = masks.form([file, bodies.npy(labels)], pred_probs, media_type="application/octet-stream")
    assert_problem(client.score(body), 400, "repeated-array")
    body = masks.form([bodies.npy(labels), file], pred_probs, media_type="application/octet-stream")
    assert_problem(client.score(body), 400, "repeated-array")
    split = masks.form([file], pred_probs).data.removesuffix(f"--{bodies.BOUNDARY}--\r\n".encode())
    body = bodies.Body(split + masks.form([file]).data, masks.form([file]).fields)
    problem = assert_problem(client.score(body), 400, "repeated-array")
    assert "follow one another" in problem["detail"]


def test_other_arrays_do_not_come_as_images(client):
    labels, _ = sample(1)
    data = bodies.multipart(labels=labels, pred_probs=masks.grey(labels[0]))
    assert "np.save" in assert_problem(client.score(data), 400, "malformed-body")["detail"]

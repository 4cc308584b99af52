"""The pictures that labels are of, as people who review see them."""

import io
import signal

import numpy as np
import PIL.Image
import pytest

from bodies import npz
from client import Client, assert_problem
from region_cases import sample
from state import state_directory

ARRAYS = sample("blobs", (20, 30), 3, images=3)
JOINT = {"method": "num_pixel_issues", "classes": 3}
MARK = b"\x89PNG\r\n\x1a\n"


def picture(form, seed=0):
    """A picture in a form of Pillow's."""
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, form)
    return file.getvalue()


PICTURES = {"a": picture("PNG", 1), "deep/b": picture("JPEG", 2), "c": picture("WEBP", 3)}
TYPES = {"a": "image/png", "deep/b": "image/jpeg", "c": "image/webp"}
SUFFIXES = {"a": ".png", "deep/b": ".JPG", "c": ".webp"}
NAMES = sorted(PICTURES)


@pytest.fixture
def data(tmp_path):
    """A folder beneath which masks, predictions and pictures lie."""
    folder = tmp_path / "data"
    for index, name in enumerate(NAMES):
        for kind, suffix, content in [
            ("masks", ".npy", None),
            ("probs", ".npy", None),
            ("images", SUFFIXES[name], PICTURES[name]),
        ]:
            path = folder / kind / f"{name}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                path.write_bytes(content)
            elif kind == "masks":
                np.save(path, ARRAYS["labels"][index])
            else:
                chosen = np.eye(3, dtype=np.float32)[ARRAYS["predicted"][index]].transpose(2, 0, 1)
                np.save(path, 0.9 * chosen + np.float32(0.1 / 3))
    return folder


@pytest.fixture
def client(data, start_server):
    with Client(start_server("--data-dir", str(data))) as client:
        yield client


def of_folders(client, images="images", **fields):
    body = {"labels": {"folder": "masks"}, "pred_probs": {"folder": "probs"}, "method": "margin", "images": images}
    return client.post("/score", json=body, **fields)


def test_pictures_come_by_the_names_of_images_as_they_are(client):
    answer = of_folders(client)
    assert answer.status_code == 200, answer.text
    job = answer.headers["Location"]
    document = client.get(job).json()
    assert document["links"]["images"] == f"{job}/images" and document["parameters"]["images"] == "images"
    for index, name in enumerate(NAMES):
        found = client.get(f"{job}/images/{index}")
        assert found.status_code == 200 and found.content == PICTURES[name]
        assert found.headers["Content-Type"] == TYPES[name]
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in found.headers["Content-Security-Policy"]


def test_pictures_of_images_without_names_come_in_the_order_of_theirs(client, data):
    (data / "images" / "b.png").write_bytes(PICTURES["a"])
    (data / "images" / "notes.txt").write_text("no picture")
    answer = client.score(npz(**ARRAYS), **JOINT, images="images")
    job = answer.headers["Location"]
    # Folders in the folder are passed over.
    for index, expected in enumerate(["a", "a", "c"]):
        assert client.get(f"{job}/images/{index}").content == PICTURES[expected]


def test_a_pattern_says_how_pictures_end(client, data):
    for name in NAMES:
        path = data / "left" / f"{name}_left.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PICTURES[name])
    job = of_folders(client, "left/*_left.png").headers["Location"]
    # What a file is says its first bytes, and not its name.
    for index, name in enumerate(NAMES):
        found = client.get(f"{job}/images/{index}")
        assert (found.content, found.headers["Content-Type"]) == (PICTURES[name], TYPES[name])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + bytes(20),
        b"<!doctype html>" + MARK,
        MARK[:7],
        b"RIFF\0\0\0\0WAVE",
    ],
    ids=["empty", "svg", "gif", "html", "cut", "wave"],
)
def test_what_is_no_picture_is_refused(client, data, content):
    (data / "images" / "a.png").write_bytes(content)
    job = of_folders(client).headers["Location"]
    answer = client.get(f"{job}/images/0")
    assert_problem(answer, 422, "file-unusable", "images")
    assert client.get(f"{job}/images/1").status_code == 200


def test_a_picture_that_is_html_besides_is_a_picture(client, data):
    (data / "images" / "a.png").write_bytes(MARK + b"<script>alert(1)</script>")
    job = of_folders(client).headers["Location"]
    answer = client.get(f"{job}/images/0")
    assert answer.headers["Content-Type"] == "image/png" and answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_huge_picture_is_refused(client, data):
    with open(data / "images" / "a.png", "wb") as file:
        file.write(MARK)
        file.truncate(300 << 20)
    job = of_folders(client).headers["Location"]
    assert_problem(client.get(f"{job}/images/0"), 422, "file-unusable", "images")


def test_a_picture_has_no_parameters(client):
    job = of_folders(client).headers["Location"]
    assert_problem(client.get(f"{job}/images/0?size=3"), 400, "unknown-parameter", "size")


def test_pictures_that_are_not_there(client, data):
    (data / "images" / "a.png").unlink()
    job = of_folders(client).headers["Location"]
    for image in ["0", "3", "-1", "01", "x", "99999999999999999999"]:
        assert_problem(client.get(f"{job}/images/{image}"), 404, "no-images")
    other = client.score(npz(**ARRAYS), **JOINT).headers["Location"]
    assert_problem(client.get(f"{other}/images/0"), 404, "no-images")
    assert "images" not in client.get(other).json()["links"]


def test_folders_that_cannot_be_used_are_refused_before_anything_is_scored(client, data, start_server):
    (data / "out").symlink_to("/etc")
    for folder, slug in [("none", "folder-unusable"), ("out", "folder-unusable"), ("../data", "folder-unusable")]:
        assert_problem(of_folders(client, folder), 422, slug, "images")
    assert_problem(of_folders(client, "images/*/*.png"), 400, "invalid-parameter", "images")
    with Client(start_server()) as other:
        answer = other.post("/score", params={"images": "images"} | JOINT, **request_of(npz(**ARRAYS)))
        assert_problem(answer, 400, "files-not-taken", "images")


def request_of(body):
    return {"data": body.data, "headers": dict(body.fields)}


def test_a_link_does_not_lead_out_of_the_directory(client, data, tmp_path):
    (tmp_path / "secret.png").write_bytes(PICTURES["a"])
    (data / "images" / "a.png").unlink()
    (data / "images" / "a.png").symlink_to(tmp_path / "secret.png")
    job = of_folders(client).headers["Location"]
    assert_problem(client.get(f"{job}/images/0"), 422, "file-unusable", "images")


def test_batches_and_protocols_take_the_folder_too(client):
    opened = client.post("/jobs", params={"images": "images"} | JOINT)
    assert opened.status_code == 201, opened.text
    path = opened.headers["Location"]
    body = npz(**ARRAYS)
    assert client.post(f"{path}/batches", data=body.data, headers=dict(body.fields)).status_code == 201
    assert client.post(f"{path}/finish").status_code == 202
    assert client.get(f"{path}?wait=30").json()["status"] == "succeeded"
    assert client.get(f"{path}/images/0").content == PICTURES["a"]


def test_the_folder_is_known_after_a_restart(data):
    with state_directory() as state:
        client = state.start("--data-dir", str(data))
        job = of_folders(client, headers={"Prefer": "respond-async"}).headers["Location"]
        assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
        state.end(signal.SIGKILL)
        client = state.start("--data-dir", str(data))
        assert client.get(f"{job}/images/0").content == PICTURES["a"]

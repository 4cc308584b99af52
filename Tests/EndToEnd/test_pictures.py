"""The pictures that labels are of, as people who review see them."""

import io
import json
import re
import signal
import socket
import zipfile

import numpy as np
import PIL.Image
import pytest

from bodies import BOUNDARY, Body, chunked, json_body, multipart, npz
from client import Client, assert_problem
from region_cases import sample
from server import eventually
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


# Pictures that come with the request


PIXELS = np.random.default_rng(7).integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
IN_ORDER = [PICTURES[name] for name in NAMES]
SENT_TYPES = ["image/png", "image/webp", "image/jpeg"]


def image_part(content, filename=None, media_type=None):
    """A part `images` of a form."""
    head = 'Content-Disposition: form-data; name="images"'
    if filename is not None:
        escaped = filename.replace("\\", "\\\\").replace('"', '\\"')
        head += f'; filename="{escaped}"'
    if media_type is not None:
        head += f"\r\nContent-Type: {media_type}"
    return head.encode() + b"\r\n\r\n" + content


def form_of(parts, closed=True, **arrays):
    """A form of images and arrays."""
    form = multipart([(name, value) for name, value in JOINT.items()], **(arrays or ARRAYS))
    lines = b"".join(b"--" + BOUNDARY.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return Body(lines + (form.data if closed else form.data[:-40]), form.fields)


def filed(names=("a", "b", "c"), contents=IN_ORDER):
    return [image_part(content, f"{name}.png") for name, content in zip(names, contents)]


def pictures_of(client, job, count=3):
    return [client.get(f"{job}/images/{index}").content for index in range(count)]


def memory_in_use(client):
    return float(re.search(r"^segscore_memory_bytes (\S+)$", client.get("/metrics").text, re.MULTILINE)[1])


def test_a_form_brings_the_pictures_of_its_images(client):
    answer = client.score(form_of([image_part(content) for content in IN_ORDER]))
    assert answer.status_code == 200, answer.text
    job = answer.headers["Location"]
    document = client.get(job).json()
    assert document["links"]["images"] == f"{job}/images" and "images" not in document["parameters"]
    for index, (content, name) in enumerate(zip(IN_ORDER, NAMES)):
        found = client.get(f"{job}/images/{index}")
        assert (found.content, found.headers["Content-Type"]) == (content, TYPES[name])
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in found.headers["Content-Security-Policy"]
    assert_problem(client.get(f"{job}/images/3"), 404, "no-images")
    # Files without names give none to images.
    assert_problem(client.get(f"{job}/names"), 404, "no-names")


def test_pictures_come_before_behind_and_between_arrays(client):
    parts = filed()
    form = form_of([])
    marker = b"--" + BOUNDARY.encode()
    pieces = form.data.split(marker)[1:-1]
    mixed = [pieces[0], *(b"\r\n" + part + b"\r\n" for part in parts[:2]), *pieces[1:], b"\r\n" + parts[2] + b"\r\n"]
    data = b"".join(marker + piece for piece in mixed) + marker + b"--\r\n"
    for size in (1, 13, len(data)):
        job = client.score(chunked(Body(data, form.fields), size)).headers["Location"]
        assert pictures_of(client, job) == IN_ORDER


@pytest.mark.parametrize(
    "files, names",
    [
        (["a.png", "b.JPG", "c"], ["a", "b", "c"]),
        (["../../x.png", "C:\\photos\\y.jpg", "/etc/passwd"], ["x", "y", "passwd"]),
        (["a.b.png", ".hidden", '"quoted".png'], ["a.b", ".hidden", '"quoted"']),
        (["<b>a</b>.png", "a\u200fb.png", "<img src=x onerror=alert(1)>.png"], None),
        (["a.png", "a.jpg", "b.png"], None),
        (["a.png", None, "b.png"], None),
        (["a.png", "", "b.png"], None),
        (["a.png", "..", "b.png"], ["a", ".", "b"]),
        (["a.png", "x\tb.png", "c.png"], None),
        (["a.png", "x" * 1100 + ".png", "c.png"], None),
    ],
)
def test_images_are_called_as_their_files_are_where_all_can_be(client, files, names):
    parts = [image_part(content, name) for content, name in zip(IN_ORDER, files)]
    answer = client.score(form_of(parts))
    assert answer.status_code == 200, answer.text
    job = answer.headers["Location"]
    assert pictures_of(client, job) == IN_ORDER
    if names is None:
        found = client.get(f"{job}/names")
        assert found.status_code == 404 or "<" in files[0]
        if "<" in files[0]:
            assert found.json() == ["b>", "a\u200fb", "<img src=x onerror=alert(1)>"]
    elif names == ["a", ".", "b"]:
        assert_problem(client.get(f"{job}/names"), 404, "no-names")
    else:
        assert client.get(f"{job}/names").json() == names


def test_names_that_are_given_come_first(client):
    job = client.score(form_of(filed()), names="x,y,z").headers["Location"]
    assert client.get(f"{job}/names").json() == ["x", "y", "z"]


@pytest.mark.parametrize(
    "content, beginning",
    [
        (b"", "0 bytes"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "3c 73 76 67"),
        (b"GIF89a" + bytes(20), "47 49 46"),
        (b"<!doctype html>" + MARK, "3c 21"),
        (MARK[:7], "89 50"),
        (b"RIFF\0\0\0\0WAVE" + bytes(9), "52 49 46 46"),
        (b"\x93NUMPY" + bytes(90), "93 4e"),
    ],
    ids=["empty", "svg", "gif", "html", "cut", "wave", "npy"],
)
def test_a_part_that_is_no_picture_is_refused(client, content, beginning):
    parts = [image_part(PICTURES["a"], "a.png"), image_part(content, "b.png", "image/png"), image_part(MARK, "c.png")]
    problem = assert_problem(client.score(form_of(parts)), 400, "invalid-parameter", "images")
    assert "art 2 of images" in problem["detail"] and problem["actual"].startswith(beginning)
    # A type that says so makes a part a picture, without a name of a file too.
    parts[1] = image_part(content, media_type="image/png")
    assert_problem(client.score(form_of(parts)), 400, "invalid-parameter", "images")


def test_what_a_part_says_of_itself_counts_for_nothing(client):
    parts = [image_part(content, "x.html", "text/html") for content in IN_ORDER]
    job = client.score(form_of(parts)).headers["Location"]
    for index, name in enumerate(NAMES):
        assert client.get(f"{job}/images/{index}").headers["Content-Type"] == TYPES[name]


def test_a_sent_picture_that_is_html_besides_is_a_picture(client):
    contents = [MARK + b"<script>alert(1)</script>", *IN_ORDER[1:]]
    job = client.score(form_of(filed(contents=contents))).headers["Location"]
    answer = client.get(f"{job}/images/0")
    assert answer.content == contents[0] and answer.headers["Content-Type"] == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_there_is_a_picture_for_each_image_or_none(client):
    for count in (1, 2, 4):
        parts = [image_part(PICTURES["a"], f"{index}.png") for index in range(count)]
        problem = assert_problem(client.score(form_of(parts)), 400, "invalid-parameter", "images")
        assert "3 files" in problem["expected"] and f"{count} files" in problem["actual"]


def test_a_text_part_is_the_folder_still(client):
    form = multipart([("images", "images"), *JOINT.items()], **ARRAYS)
    job = client.score(form).headers["Location"]
    assert client.get(job).json()["parameters"]["images"] == "images"
    assert client.get(f"{job}/images/0").content == PICTURES["a"]
    both = form_of([*filed(), image_part(b"images")])
    assert_problem(client.score(both), 400, "repeated-parameter", "images")
    assert_problem(client.score(form_of(filed()), images="images"), 400, "repeated-parameter", "images")


def test_pixels_come_in_an_archive(client):
    for pixels in (PIXELS, PIXELS[..., :1], PIXELS[..., 0]):
        answer = client.score(npz(**ARRAYS, images=pixels), **JOINT)
        assert answer.status_code == 200, answer.text
        job = answer.headers["Location"]
        assert client.get(job).json()["links"]["images"]
        for index in range(3):
            found = client.get(f"{job}/images/{index}")
            assert found.headers["Content-Type"] == "image/png"
            shown = np.asarray(PIL.Image.open(io.BytesIO(found.content)))
            assert np.array_equal(shown, pixels[index].squeeze())
    assert client.score(npz(compressed=True, images=PIXELS, **ARRAYS), **JOINT).status_code == 200


@pytest.mark.parametrize(
    "pixels, status, slug",
    [
        (PIXELS[:2], 422, "shape-mismatch"),
        (PIXELS[:, :19], 422, "shape-mismatch"),
        (PIXELS.transpose(0, 2, 1, 3), 422, "shape-mismatch"),
        (PIXELS[..., :2], 422, "shape-mismatch"),
        (PIXELS[0, ..., 0], 422, "shape-mismatch"),
        (PIXELS[:0], 422, "shape-mismatch"),
        (PIXELS.astype(np.float32), 422, "unsupported-element-type"),
        (PIXELS > 9, 422, "unsupported-element-type"),
        (np.asfortranarray(PIXELS), 422, "unsupported-order"),
    ],
)
def test_pixels_that_are_not_those_of_the_labels_are_refused(client, pixels, status, slug):
    for arrays in ({"images": pixels} | ARRAYS, ARRAYS | {"images": pixels}):
        assert_problem(client.score(npz(**arrays), **JOINT), status, slug, "images")


def test_batches_bring_pictures(client):
    path = client.post("/jobs", params=JOINT).headers["Location"]
    bodies = [npz(**ARRAYS), multipart(**ARRAYS), npz(**ARRAYS, images=PIXELS)]
    form = form_of(filed())
    head, _, _ = form.data.partition(b"--" + BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="method"')
    bodies[1] = Body(head + f"--{BOUNDARY}--\r\n".encode(), form.fields)
    for body in bodies:
        added = client.post(f"{path}/batches", data=body.data, headers=dict(body.fields))
        assert added.status_code == 201, added.text
    wrong = npz(**ARRAYS, images=PIXELS[:2])
    refused = client.post(f"{path}/batches", data=wrong.data, headers=dict(wrong.fields))
    assert_problem(refused, 422, "shape-mismatch", "images")
    assert client.post(f"{path}/finish").status_code == 202
    assert client.get(f"{path}?wait=30").json()["status"] == "succeeded"
    for index in range(3):
        assert_problem(client.get(f"{path}/images/{index}"), 404, "no-images")
        assert client.get(f"{path}/images/{index + 3}").content == IN_ORDER[index]
        shown = np.asarray(PIL.Image.open(io.BytesIO(client.get(f"{path}/images/{index + 6}").content)))
        assert np.array_equal(shown, PIXELS[index])


def test_what_takes_no_pictures_says_so(client):
    form = form_of(filed(), **{name: ARRAYS[name] for name in ARRAYS})
    assert_problem(client.score(form, path="/reduce"), 400, "unexpected-array", "images")


def test_an_export_holds_the_pictures_of_a_form(client):
    job = client.score(form_of(filed(("x", "y", "z")))).headers["Location"]
    export = zipfile.ZipFile(io.BytesIO(client.get(f"{job}/export?format=labelme").content))
    assert [export.read(name) for name in ("x.png", "y.webp", "z.jpg")] == IN_ORDER
    job = client.score(npz(**ARRAYS, images=PIXELS), **JOINT).headers["Location"]
    export = zipfile.ZipFile(io.BytesIO(client.get(f"{job}/export?format=labelme").content))
    for index in range(3):
        shown = np.asarray(PIL.Image.open(io.BytesIO(export.read(f"{index:06}.png"))))
        assert np.array_equal(shown, PIXELS[index])


def test_pictures_go_with_their_jobs(start_server):
    contents = [MARK + bytes([index]) * (3 << 20) for index in range(3)]
    with Client(start_server("--result-memory", "32MiB")) as client:
        before = memory_in_use(client)
        for _ in range(2):
            job = client.score(form_of(filed(contents=contents))).headers["Location"]
            assert memory_in_use(client) >= before + (9 << 20)
            assert pictures_of(client, job) == contents
            assert client.delete(job).status_code in (200, 204)
            eventually(lambda: memory_in_use(client) < before + (1 << 20), "the memory of pictures is free")
        # Uploads that end early, and requests that are refused, leave nothing either.
        for body, status in [
            (form_of(filed(contents=contents), closed=False), 400),
            (form_of(filed(contents=contents)[:2]), 400),
            (form_of([*filed(contents=contents), image_part(b"GIF89a", "x.gif")]), 400),
            (form_of(filed(contents=[*contents[:2], MARK + bytes(40 << 20)])), 413),
            (npz(**ARRAYS, images=np.zeros((3, 4000, 4000), np.uint8)), 413),
        ]:
            answer = client.score(body)
            assert answer.status_code == status, answer.text
            if status == 413:
                problem = assert_problem(answer, 413, "job-too-large", "images")
                assert problem["limit"] == 32 << 20
            eventually(lambda: memory_in_use(client) < before + (1 << 20), "the memory of pictures is free")


def test_a_picture_has_a_largest_size(start_server):
    def pieces():
        form = form_of([])
        yield b"--" + BOUNDARY.encode() + b"\r\n" + image_part(MARK, "a.png")
        for _ in range(257):
            yield bytes(1 << 20)
        yield b"\r\n" + form.data

    with Client(start_server("--result-memory", "1GiB", "--max-body-bytes", "1GiB")) as client:
        answer = client.score(Body(pieces(), form_of([]).fields))
        assert_problem(answer, 413, "body-too-large", "images")


@pytest.mark.parametrize("prefer", [{}, {"Prefer": "respond-async"}], ids=["waits", "async"])
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_pictures_outlive_the_process_and_go_with_the_job(prefer, stop):
    with state_directory() as state:
        client = state.start()
        jobs = []
        for body in (form_of(filed()), npz(**ARRAYS, images=PIXELS)):
            job = client.score(body, headers=prefer, **(JOINT if body.data[:2] == b"PK" else {})).headers["Location"]
            assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
            jobs.append((job, pictures_of(client, job)))
        assert jobs[0][1] == IN_ORDER
        assert sum(name.endswith(".pictures") for name in state.files()) == 2
        client = state.restart(stop)
        for job, found in jobs:
            assert pictures_of(client, job) == found
            assert client.get(job).json()["links"]["images"]
        assert client.get(f"{jobs[0][0]}/names").json() == ["a", "b", "c"]
        client.delete(jobs[0][0])
        state.has_files_only_of(jobs[1][0])
        client.delete(jobs[1][0])
        state.has_files_only_of()


def test_pictures_of_batches_outlive_the_process():
    with state_directory() as state:
        client = state.start()
        path = client.post("/jobs", params=JOINT).headers["Location"]
        body = npz(**ARRAYS, images=PIXELS)
        assert client.post(f"{path}/batches", data=body.data, headers=dict(body.fields)).status_code == 201
        client = state.restart(signal.SIGKILL)
        assert client.post(f"{path}/finish").status_code == 202
        assert client.get(f"{path}?wait=30").json()["status"] == "succeeded"
        shown = np.asarray(PIL.Image.open(io.BytesIO(client.get(f"{path}/images/1").content)))
        assert np.array_equal(shown, PIXELS[1])
        # A batch whose job goes takes its pictures along.
        other = client.post("/jobs", params=JOINT).headers["Location"]
        assert client.post(f"{other}/batches", data=body.data, headers=dict(body.fields)).status_code == 201
        assert client.post(f"{other}/cancel").status_code in (200, 202)
        state.has_files_only_of(path)


def test_a_damaged_picture_is_not_shown():
    with state_directory() as state:
        client = state.start()
        job = client.score(form_of(filed()), headers={"Prefer": "respond-async"}).headers["Location"]
        assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
        [name] = [name for name in state.files() if name.endswith(".pictures")]
        with open(state.path / "arrays" / name, "r+b") as file:
            file.seek(20)
            file.write(b"<script>")
        assert_problem(client.get(f"{job}/images/0"), 500, "state-lost")
        assert client.get(f"{job}/images/1").content == IN_ORDER[1]
        # Files are proved at the start.
        client = state.restart(signal.SIGKILL)
        assert client.get(job).json()["status"] == "failed"


# Pictures in files that a request lists


def test_a_list_of_files_has_one_for_each_image(client, data):
    (data / "images" / "q.PNG").write_bytes(PICTURES["a"])
    paths = ["images/c.webp", "images/deep/b.JPG", "images/q.PNG"]
    listed = [PICTURES["c"], PICTURES["deep/b"], PICTURES["a"]]
    answers = [
        client.score(npz(**ARRAYS), images=", ".join(paths), **JOINT),
        client.score(npz(**ARRAYS), images=json.dumps(paths), **JOINT),
        client.score(json_body(images=paths, **ARRAYS, **JOINT)),
        client.score(multipart([("images", json.dumps(paths)), *JOINT.items()], **ARRAYS)),
        client.score(multipart([("images", ",".join(paths)), *JOINT.items()], **ARRAYS)),
        of_folders(client, paths),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        job = answer.headers["Location"]
        assert client.get(job).json()["parameters"]["images"] == paths
        assert pictures_of(client, job) == listed
    export = zipfile.ZipFile(io.BytesIO(client.get(f"{job}/export?format=labelme").content))
    assert [export.read(name) for name in ("a.webp", "c.JPG", "deep/b.PNG")] == listed
    opened = client.post("/jobs", json={"images": paths} | JOINT)
    assert opened.json()["parameters"]["images"] == paths


def test_lists_of_files_that_cannot_be_used_are_refused(client, data):
    (data / "out.png").symlink_to("/etc/hostname")
    there = "images/c.webp"
    for paths, status, slug in [
        ([there, there], 400, "invalid-parameter"),
        ([there] * 4, 400, "invalid-parameter"),
        ([], 400, "invalid-parameter"),
        ([there, "", there], 400, "invalid-parameter"),
        ([there, there, "images/none.png"], 422, "file-unusable"),
        ([there, there, "../data/images/c.webp"], 422, "file-unusable"),
        ([there, there, "out.png"], 422, "file-unusable"),
    ]:
        assert_problem(client.score(npz(**ARRAYS), images=json.dumps(paths), **JOINT), status, slug, "images")
        assert_problem(of_folders(client, paths), status, slug, "images")
    assert_problem(client.score(npz(**ARRAYS), images='["a.png"', **JOINT), 400, "invalid-parameter", "images")


def test_a_listed_file_that_is_no_picture_or_gone_is_not_shown(client, data):
    (data / "images" / "x.png").write_bytes(b"<svg/>")
    paths = ["images/a.png", "images/x.png", "images/c.webp"]
    job = client.score(npz(**ARRAYS), images=json.dumps(paths), **JOINT).headers["Location"]
    assert_problem(client.get(f"{job}/images/1"), 422, "file-unusable", "images")
    (data / "images" / "a.png").unlink()
    assert_problem(client.get(f"{job}/images/0"), 422, "file-unusable", "images")
    assert client.get(f"{job}/images/2").content == PICTURES["c"]


def test_the_listed_files_are_known_after_a_restart(data):
    with state_directory() as state:
        client = state.start("--data-dir", str(data))
        paths = ["images/c.webp", "images/a.png", "images/a.png"]
        answer = client.score(npz(**ARRAYS), images=json.dumps(paths), headers={"Prefer": "respond-async"}, **JOINT)
        job = answer.headers["Location"]
        assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
        state.end(signal.SIGKILL)
        client = state.start("--data-dir", str(data))
        assert client.get(f"{job}/images/1").content == PICTURES["a"]


def begin(connection, form, count):
    """Sends the head of a request, and the first bytes of its body."""
    head = f"POST /score HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(form.data)}\r\n"
    head += f"Content-Type: {form.fields['Content-Type']}\r\n\r\n"
    connection.sendall(head.encode() + form.data[:count])


def test_an_upload_that_is_left_frees_its_pictures(client):
    before = memory_in_use(client)
    form = form_of(filed(contents=[MARK + bytes(8 << 20)] * 3))
    with socket.create_connection(client.server.address) as connection:
        begin(connection, form, 20 << 20)
        eventually(lambda: memory_in_use(client) > before + (15 << 20), "pictures arrive")
    eventually(lambda: memory_in_use(client) < before + (1 << 20), "the memory of pictures is free")


def test_a_job_that_is_canceled_while_it_arrives_frees_its_pictures(client):
    before = memory_in_use(client)
    form = form_of(filed(contents=[MARK + bytes(8 << 20)] * 3))
    with socket.create_connection(client.server.address) as connection:
        begin(connection, form, 12 << 20)
        eventually(lambda: memory_in_use(client) > before + (10 << 20), "pictures arrive")
        [job] = [job["id"] for job in client.get("/jobs").json()["jobs"] if job["status"] == "receiving"]
        assert client.post(f"/jobs/{job}/cancel").status_code in (200, 202)
        connection.sendall(form.data[12 << 20 : 16 << 20])
        # The rest of the body is still to come.
        eventually(lambda: memory_in_use(client) < before + (1 << 20), "the memory of pictures is free")

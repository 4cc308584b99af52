"""Folders of masks and of predictions, a file for each image: `segscore score MASKS/ PROBABILITIES/`, and over HTTP."""

import io
import json
import shutil

import numpy as np
import pytest
import safetensors.numpy
from cleanlab.segmentation.filter import find_label_issues
from cleanlab.segmentation.rank import get_label_quality_scores

import masks
from bodies import arrays_of, npz
from client import Client, assert_problem
from server import PATIENCE, run

IGNORED = 255
CLASSES = 5
SIZES = [(24, 16), (20, 32), (24, 16), (8, 8), (36, 12), (20, 32)]
# In the order of their bytes, which is neither the order in which they are written nor the natural one.
NAMES = ["Zagreb", "aachen/10", "aachen/9", "b-1", "bä", "c.d"]
METHODS = pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"threshold": 0.3, "temperature": 0.5},
        {"method": "num_pixel_issues"},
        {"method": "num_pixel_issues", "downsample": 4, "threshold": 0.2},
    ],
    ids=["softmin", "threshold", "num_pixel_issues", "blocks"],
)


def made(sizes=SIZES, classes=CLASSES, seed=11, dtype=np.float32):
    """Images of several sizes: labels with some pixels ignored, and probabilities."""
    random = np.random.default_rng(seed)
    images = []
    for height, width in sizes:
        labels = random.integers(0, classes, (height, width)).astype(np.uint8)
        weights = random.random((classes, height, width)) ** 4 + 1e-3
        np.put_along_axis(weights, labels[None].astype(int), 2 * random.random((1, height, width)), axis=0)
        labels[random.random(labels.shape) < 0.05] = IGNORED
        images.append((labels, (weights / weights.sum(axis=0)).astype(dtype)))
    return images


IMAGES = made()


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(data, bytes):
        path.write_bytes(data)
    elif path.suffix == ".npy":
        np.save(path, data)
    elif path.suffix == ".safetensors":
        safetensors.numpy.save_file(data, path)
    else:
        np.savez_compressed(path, **data)


def write(root, images=IMAGES):
    """The images as people have them, each in files of other kinds than those of its neighbours."""
    kinds = [
        ("{}.png", masks.palette, "{}.npy", lambda values: values),
        ("{}.png", masks.grey, "{}.npz", lambda values: {"probabilities": values}),
        ("{}.npy", lambda labels: labels.astype(np.int64)[None], "{}.npy", lambda values: values[None]),
        ("{}.npz", lambda labels: {"seg": labels}, "{}.safetensors", lambda values: {"x": values}),
        ("{}.PNG", masks.palette, "{}.npy", np.asfortranarray),
        ("{}.npy", lambda labels: labels, "{}.npz", lambda values: {"arr_0": values[None]}),
    ]
    order = np.random.default_rng(5).permutation(len(images))
    for index in order:
        mask, of_mask, output, of_output = kinds[index]
        labels, values = images[index]
        put(root / "masks" / mask.format(NAMES[index]), of_mask(labels))
        put(root / "probs" / output.format(NAMES[index]), of_output(np.ascontiguousarray(values)))
    (root / "masks/.DS_Store").write_bytes(b"\0")
    (root / "masks/classes.txt").write_text("road\n")
    return root


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    return write(tmp_path_factory.mktemp("shared") / "data/run7").parent.parent


@pytest.fixture(scope="module")
def client(volume, start_server):
    server = start_server("--data-dir", volume / "data", "--data-dir", f"more={volume / 'data/run7'}")
    with Client(server) as client:
        yield client


def flags(parameters):
    return [part for name, value in parameters.items() for part in (f"--{name.replace('_', '-')}", value)]


def command(root, out=None, **parameters):
    written = () if out is None else ("--out", out)
    words = flags({"ignore_label": IGNORED} | parameters)
    return run("score", root / "masks", root / "probs", *written, *words, timeout=4 * PATIENCE)


def post(
    client, labels="run7/masks", predictions="run7/probs", accept="application/json", name="pred_probs", **members
):
    folders = {"labels": {"folder": labels}, name: {"folder": predictions}}
    body = folders | {"ignore_label": IGNORED} | members
    return client.post("/score", json=body, headers={"Accept": accept})


def read(client, path):
    return client.get(path, headers={"Accept": "application/json"}).json()


def in_batches(client, images=IMAGES, **parameters):
    """The job of the same images, each of which comes as a batch."""
    opened = client.post("/jobs", params={"ignore_label": IGNORED} | parameters)
    for labels, values in images:
        body = npz(labels=labels[None], pred_probs=values[None])
        answer = client.post(f"/jobs/{opened.json()['id']}/batches", data=body.data, headers=dict(body.fields))
        assert answer.status_code == 201, answer.text
    path = opened.headers["Location"]
    assert client.post(f"{path}/finish").status_code == 202
    assert client.get(f"{path}?wait=30").json()["status"] == "succeeded"
    return path


def arrays_in(folder):
    return {path.relative_to(folder).with_suffix("").as_posix(): np.load(path) for path in folder.rglob("*.npy")}


def expected_of(client, path, parameters):
    """The arrays of a job, by the names that those of folders have."""
    arrays = {"image_scores": np.array(read(client, f"{path}/image_scores"))}
    wanted = ["pixel_scores"] + ["issues"] * ("threshold" in parameters) + ["label_issues"] * ("method" in parameters)
    for array in wanted:
        for image, name in enumerate(NAMES):
            got = client.get(f"{path}/{array}?image={image}", headers={"Accept": "application/x-npz"})
            (arrays[f"{array}/{name}"],) = arrays_of(got).values()
    return arrays


def assert_same(found, expected):
    assert sorted(found) == sorted(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


# The same scores


@METHODS
def test_folders_are_scored_as_batches_are(client, volume, tmp_path, parameters):
    path = in_batches(client, **parameters)
    expected = expected_of(client, path, parameters)
    done = command(volume / "data/run7", tmp_path / "out", **parameters)
    assert done.returncode == 0, done.stderr
    assert_same(arrays_in(tmp_path / "out"), expected)
    answer = post(client, accept="application/x-npz", **parameters)
    assert answer.status_code == 200, answer.text
    assert_same(arrays_of(answer), expected)
    found = ["image_scores", "pixel_scores", "issues"] + ["label_issues", "statistics"] * ("method" in parameters)
    for resource in found:
        assert read(client, f"{path}/{resource}") == read(client, f"{answer.headers['Location']}/{resource}")


@METHODS
def test_the_regions_of_folders_are_those_of_the_service(client, volume, tmp_path, parameters):
    parameters = {"read": "all"} | parameters
    listed = post(client, **parameters)
    regions = client.get(f"{listed.headers['Location']}/regions", headers={"Accept": "text/csv"})
    assert {line.split(",")[2] for line in regions.text.splitlines()[1:]} == set(NAMES)
    done = command(volume / "data/run7", **parameters, regions=tmp_path / "regions.csv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "regions.csv").read_bytes() == regions.content


def test_regions_that_cannot_be_written_leave_no_arrays(volume, tmp_path):
    (tmp_path / "regions.csv").mkdir()
    done = command(volume / "data/run7", tmp_path / "out", regions=tmp_path / "regions.csv")
    assert done.returncode == 1 and "regions.csv" in done.stderr
    assert arrays_in(tmp_path / "out") == {}


@METHODS
def test_images_of_one_size_are_scored_as_one_array_is(client, tmp_path, parameters):
    images = made([(24, 16)] * 6, seed=3)
    write(tmp_path, images)
    stacked = npz(labels=np.stack([each[0] for each in images]), pred_probs=np.stack([each[1] for each in images]))
    answer = client.score(stacked, accept="application/x-npz", ignore_label=IGNORED, **parameters)
    done = command(tmp_path, tmp_path / "out", **parameters)
    assert done.returncode == 0, done.stderr
    found = arrays_in(tmp_path / "out")
    for name, array in arrays_of(answer).items():
        ours = found[name] if name == "image_scores" else np.stack([found[f"{name}/{each}"] for each in NAMES])
        np.testing.assert_array_equal(ours, array)


def test_cleanlab_scores_folders_alike(tmp_path):
    images = made([(24, 16), (32, 20), (24, 16), (32, 20), (16, 16), (24, 16)], dtype=np.float64)
    images = [(np.where(labels == IGNORED, 0, labels).astype(np.uint8), values) for labels, values in images]
    write(tmp_path, images)
    done = command(tmp_path, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    found = arrays_in(tmp_path / "out")
    for index, (labels, values) in enumerate(images):
        scores, pixels = get_label_quality_scores(labels[None].astype(int), values[None], verbose=False)
        np.testing.assert_allclose(found["image_scores"][index], scores[0], rtol=1e-12)
        np.testing.assert_array_equal(found[f"pixel_scores/{NAMES[index]}"], pixels[0])
    # cleanlab takes images of one size, and so they are put side by side: issues depend on pixels alone.
    wide = [np.concatenate([each[part].reshape(-1, each[0].size) for each in images], axis=1) for part in (0, 1)]
    issues = find_label_issues(wide[0][None].astype(int), wide[1][None, :, None], verbose=False)
    done = command(tmp_path, tmp_path / "issues", method="num_pixel_issues")
    assert done.returncode == 0, done.stderr
    found = arrays_in(tmp_path / "issues")
    ours = np.concatenate([found[f"label_issues/{name}"].reshape(-1) for name in NAMES])
    assert issues.any()
    np.testing.assert_array_equal(ours, issues.reshape(-1))


@pytest.mark.parametrize("name", ["logits", "pred_probs"])
def test_logits_and_one_hot_labels_may_lie_in_folders(client, volume, name):
    folder = volume / "data" / f"logits-{name}"
    for each, (labels, values) in zip(NAMES, IMAGES):
        one_hot = np.arange(CLASSES)[:, None, None] == np.where(labels == IGNORED, 0, labels)
        put(folder / f"masks/{each}.npy", one_hot)
        logits = np.log(values)
        # The member's name says what it is where the folder's does not.
        put(folder / f"out/{each}.npz", {"logits": logits} if name == "pred_probs" else {"x": logits})
    answer = post(client, f"{folder.name}/masks", f"{folder.name}/out", name=name)
    assert answer.status_code == 200, answer.text
    for (labels, values), score in zip(IMAGES, answer.json()["image_scores"]):
        plain = npz(labels=np.where(labels == IGNORED, 0, labels)[None], pred_probs=values[None])
        np.testing.assert_allclose(client.scored(plain)["image_scores"], [score], rtol=1e-5)


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
def test_volumes_and_exports_of_nnu_net_may_lie_in_folders(client, volume, method):
    folder = volume / "data" / f"volumes-{method}"
    random = np.random.default_rng(0)
    pairs = []
    for index, depth in enumerate((CLASSES, 3, 1)):
        labels = random.integers(0, CLASSES, (depth, 5, 6))
        values = random.random((CLASSES, depth, 5, 6)).astype(np.float32)
        pairs.append((labels, values / values.sum(0)))
        put(folder / f"masks/{index}.npy", labels[None] if depth == 1 else labels)
        put(folder / f"probs/{index}.npz", {"probabilities": pairs[-1][1]})
    answer = post(client, f"{folder.name}/masks", f"{folder.name}/probs", method=method)
    assert answer.status_code == 200, answer.text
    job = answer.json()["links"]["self"]
    for index, (labels, _) in enumerate(pairs):
        found = client.get(f"{job}/pixel_scores?image={index}", headers={"Accept": "application/x-npy"})
        assert np.load(io.BytesIO(found.content)).shape == labels.shape
    if method == "softmin":
        for (labels, values), score in zip(pairs, answer.json()["image_scores"]):
            plain = npz(labels=labels[None], pred_probs=values[None])
            np.testing.assert_allclose(client.scored(plain)["image_scores"], [score], rtol=1e-6)


@pytest.mark.parametrize("read, is_known", [("labelled", False), ("all", True)])
def test_read_goes_for_every_file(client, volume, read, is_known):
    folder = volume / f"data/read-{read}"
    for name, (labels, values) in zip(NAMES, IMAGES):
        put(folder / f"masks/{name}.npy", labels)
        put(folder / f"probs/{name}.npy", values)
    answer = post(client, f"{folder.name}/masks", f"{folder.name}/probs", read=read)
    assert ("summary" in answer.json()["links"]) == is_known


# Names


def test_names_are_in_the_list_and_beside_what_is_written(volume, tmp_path):
    done = command(volume / "data/run7", tmp_path / "out", threshold=0.3)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[-1] == "name"
    rows = [line.split() for line in lines[1:7]]
    assert sorted(row[3] for row in rows) == sorted(NAMES) and [float(row[1]) for row in rows] == sorted(
        float(row[1]) for row in rows
    )
    assert all(NAMES[int(row[0])] == row[3] for row in rows)
    assert lines[7:] == [
        f"wrote {tmp_path}/out/{each}" for each in ("image_scores.npy", "image_names.json", "pixel_scores/", "issues/")
    ]
    assert json.loads((tmp_path / "out/image_names.json").read_text()) == NAMES
    scores = np.load(tmp_path / "out/image_scores.npy")
    assert {row[3]: f"{scores[int(row[0])]:.6f}" for row in rows} == {row[3]: row[1] for row in rows}


def test_names_are_in_answers_rankings_and_archives(client):
    answer = post(client, include=["image_scores", "pixel_scores"])
    document = answer.json()
    assert document["names"] == NAMES
    assert document["shape"] == {"images": 6, "classes": CLASSES, "height": None, "width": None}
    assert document["ignored"] == ["run7/masks/classes.txt"]
    assert [np.shape(image) for image in document["pixel_scores"]] == SIZES
    links = document["links"]
    assert client.get(links["names"]).json() == NAMES
    ranking = client.get(links["ranking"]).json()["ranking"]
    assert all(row["name"] == NAMES[row["image"]] for row in ranking) and len(ranking) == 6
    archive = arrays_of(client.get(links["pixel_scores"], headers={"Accept": "application/x-npz"}))
    assert list(archive) == [f"pixel_scores/{name}" for name in NAMES]


def test_a_job_without_names_has_none(client):
    labels, values = IMAGES[0]
    job = client.score(npz(labels=labels[None], pred_probs=values[None]), ignore_label=IGNORED)
    assert "names" not in job.json() and "names" not in job.json()["links"]
    assert_problem(client.get(job.headers["Location"] + "/names"), 404, "no-names")


def test_a_job_that_nobody_waits_for_has_names_too(client):
    folders = {"labels": {"folder": "run7/masks/"}, "pred_probs": {"folder": "more/probs"}, "ignore_label": IGNORED}
    accepted = client.post("/score", json=folders, headers={"Prefer": "respond-async"})
    assert accepted.status_code == 202, accepted.text
    job = client.get(accepted.headers["Location"] + "?wait=30").json()
    assert job["status"] == "succeeded" and job["progress"]["images_total"] == 6
    assert client.get(job["links"]["names"]).json() == NAMES


def test_npy_holds_images_of_one_size(client, volume):
    accept = "application/x-npy"
    assert_problem(post(client, accept=accept, include="pixel_scores"), 406, "not-acceptable")
    assert post(client, accept=accept, include="image_scores").status_code == 200
    write(volume / "data/even", made([(8, 12)] * 6))
    answer = post(client, "even/masks", "even/probs", accept, include="pixel_scores")
    assert answer.status_code == 200, answer.text
    assert np.load(io.BytesIO(answer.content)).shape == (6, 8, 12)


def test_output_is_written_by_name_and_belongs_to_one_run(client, volume):
    out = volume / "data/out"
    answer = post(client, output="out", threshold=0.2)
    assert answer.status_code == 200, answer.text
    assert_same(arrays_in(out), arrays_of(post(client, accept="application/x-npz", threshold=0.2)))
    assert json.loads((out / "image_names.json").read_text()) == NAMES
    (out / "pixel_scores/mine.npy").write_bytes(b"mine")
    fewer = volume / "data/fewer"
    for name, (labels, values) in list(zip(NAMES, IMAGES))[2:4]:
        put(fewer / f"masks/{name}.npy", labels)
        put(fewer / f"probs/{name}.npy", values)
    assert post(client, "fewer/masks", "fewer/probs", output="out").status_code == 200
    left = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    kept = [f"pixel_scores/{name}.npy" for name in NAMES[2:4]] + ["pixel_scores/mine.npy"]
    assert left == sorted(["image_names.json", "image_scores.npy", *kept])
    labels, values = IMAGES[0]
    body = npz(labels=labels[None], pred_probs=values[None])
    assert client.score(body, ignore_label=IGNORED, output="out").status_code == 200
    left = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert left == ["image_scores.npy", "pixel_scores.npy", "pixel_scores/mine.npy"]


def test_a_star_stands_for_the_name(client, volume, tmp_path):
    root = volume / "data/cityscapes"
    for name, (labels, values) in zip(NAMES, IMAGES):
        put(root / f"gtFine/{name}_gtFine_labelTrainIds.png", masks.grey(labels))
        put(root / f"gtFine/{name}_gtFine_color.png", b"not a mask")
        put(root / f"probs/{name}_leftImg8bit.npy", values)
    patterns = ("cityscapes/gtFine/*_gtFine_labelTrainIds.png", "cityscapes/probs/*_leftImg8bit.npy")
    answer = post(client, *patterns)
    assert answer.status_code == 200, answer.text
    assert answer.json()["names"] == NAMES and "ignored" not in answer.json()
    assert answer.json()["image_scores"] == post(client).json()["image_scores"]
    done = run("score", *(volume / "data" / each for each in patterns), "--ignore-label", IGNORED)
    assert done.returncode == 0, done.stderr
    assert [line.split()[3] for line in done.stdout.splitlines()[1:]]
    both = post(client, "cityscapes/gtFine", "cityscapes/probs")
    assert "the star is the name" in assert_problem(both, 422, "folder-unusable")["detail"]
    for wrong in ("cityscapes/*/a.png", "cityscapes/gtFine/*_*.png"):
        assert_problem(post(client, wrong, patterns[1]), 400, "invalid-parameter", "labels")


def test_predictions_of_other_sizes_are_resized_image_by_image(client, volume):
    folder = volume / "data/quarters"
    for name, (labels, values) in zip(NAMES, IMAGES):
        put(folder / f"masks/{name}.png", masks.palette(labels))
        put(folder / f"probs/{name}.npy", np.ascontiguousarray(np.moveaxis(values[:, ::4, ::4], 0, -1)))
    parameters = {"resize": "bilinear", "layout": "NHWC"}
    answer = post(client, "quarters/masks", "quarters/probs", **parameters)
    assert answer.status_code == 200, answer.text
    images = [(labels, np.moveaxis(values[:, ::4, ::4], 0, -1)) for labels, values in IMAGES]
    path = in_batches(client, images, **parameters)
    assert answer.json()["image_scores"] == read(client, f"{path}/image_scores")


def test_an_image_that_blocks_do_not_fit_is_named(client, volume):
    small(volume / "data/blocks")
    refused(
        client, volume, "blocks", ["masks/a.png"], "downsample-does-not-divide", method="num_pixel_issues", downsample=7
    )


# What does not go together


def refused(client, volume, folder, words, slug="folder-unusable", parameter=None, **parameters):
    """Has the command and the server refuse a folder, in one sentence."""
    done = command(volume / "data" / folder, **parameters)
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    problem = assert_problem(post(client, f"{folder}/masks", f"{folder}/probs", **parameters), 422, slug, parameter)
    for word in words:
        assert word in done.stderr and word in problem["detail"], (done.stderr, problem)


def small(folder, labels=("a", "b"), predictions=("a", "b")):
    for name in labels:
        put(folder / f"masks/{name}.png", masks.grey(IMAGES[0][0]))
    for name in predictions:
        put(folder / f"probs/{name}.npy", IMAGES[0][1])
    return folder


def test_what_has_no_partner_is_named(client, volume):
    letters = [f"image{number}" for number in range(9)]
    small(volume / "data/single", letters, letters[5:] + ["other"])
    words = ["Of 9 images in ", "5 are not in ", "image0, image1, image2, …", "Of 5 images", "1 is not in ", ": other."]
    refused(client, volume, "single", words)


def test_no_work_is_done_for_what_has_no_partner(client, volume):
    small(volume / "data/first", ["a", "b"], ["b"])
    put(volume / "data/first/probs/b.npy", b"no array")
    refused(client, volume, "first", ["1 is not in", ": a."], parameter="pred_probs")


def test_two_files_of_one_name_are_both_named(client, volume):
    folder = small(volume / "data/twice")
    put(folder / "masks/a.npy", IMAGES[0][0])
    refused(client, volume, "twice", ["two files of the name a: a.npy and a.png"], parameter="labels")


def test_a_folder_without_images_is_refused(client, volume):
    folder = small(volume / "data/empty", [], ["a"])
    (folder / "masks").mkdir(exist_ok=True)
    refused(client, volume, "empty", ["has no .png, .npy, .npz or .safetensors file."], parameter="labels")
    (folder / "masks/a.jpg").write_bytes(b"\xff\xd8")
    refused(client, volume, "empty", ["1 other files, such as a.jpg"], parameter="labels")


def test_a_folder_that_is_not_there_is_named(client, volume):
    answer = post(client, "run7/none")
    assert "run7/none cannot be read: No such file" in assert_problem(answer, 422, "folder-unusable")["detail"]
    answer = post(client, "run7/masks/classes.txt")
    assert "Not a directory" in assert_problem(answer, 422, "folder-unusable")["detail"]


def test_images_of_other_classes_or_types_are_named(client, volume):
    for folder, values, words in [
        ("classes", made([(24, 16)], classes=3)[0][1], ["c.npy has 3 classes", "a.npy 5 classes"]),
        ("types", IMAGES[0][1].astype(np.float64), ["c.npy has 5 classes, float64", "float32"]),
    ]:
        put(small(volume / f"data/{folder}", "abc", "abcd"[:3]) / "probs/c.npy", values)
        put(volume / f"data/{folder}/masks/c.png", masks.grey(np.zeros((24, 16))))
        refused(client, volume, folder, words, parameter="pred_probs")


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
@pytest.mark.parametrize(
    "path, data, slug, parameter, word",
    [
        ("masks/b.png", masks.grey(np.full((24, 16), 9)), "label-out-of-range", "labels", "is 9"),
        ("masks/b.png", masks.grey(IMAGES[0][0])[:60], "malformed-body", "labels", ""),
        ("masks/b.png", b"", "malformed-body", "labels", ""),
        ("probs/b.npy", b"\x93NUMPY no array", "malformed-body", "pred_probs", ""),
        (
            "probs/b.npy",
            np.full((CLASSES, 24, 16), np.nan, np.float32),
            "probability-out-of-range",
            "pred_probs",
            "nan",
        ),
        ("probs/b.npy", np.zeros((2, CLASSES, 24, 16), np.float32), "shape-mismatch", "pred_probs", "holds 2"),
        ("probs/b.npy", np.zeros((CLASSES, 8, 8), np.float32), "shape-mismatch", "resize", "masks/b.png"),
    ],
    ids=["label", "cut", "nothing", "header", "nan", "several", "shape"],
)
def test_a_problem_with_a_file_names_it(client, volume, method, path, data, slug, parameter, word, request):
    name = "wrong-" + request.node.callspec.id
    put(small(volume / "data" / name, "abc", "abc") / path, data)
    done = command(volume / "data" / name, volume / name, method=method)
    assert done.returncode == 1 and f"{name}/{path}" in done.stderr, done.stderr
    assert not [each for each in (volume / name).rglob("*") if each.is_file()]
    answer = post(client, f"{name}/masks", f"{name}/probs", method=method)
    status = 400 if slug == "malformed-body" else 422
    problem = assert_problem(answer, status, slug, parameter)
    assert f"{name}/{path}" in problem["detail"] and word in problem["detail"]


def test_a_file_that_cannot_be_opened_is_named(client, volume):
    path = small(volume / "data/locked") / "probs/b.npy"
    path.unlink()
    path.symlink_to("nowhere")
    refused(client, volume, "locked", ["probs/b.npy", "No such file"], "file-unusable", "pred_probs")


def test_a_file_that_is_none_is_named(client, volume):
    folder = small(volume / "data/pipes")
    (folder / "probs/b.npy").unlink()
    (folder / "probs/b.npy").symlink_to("/dev/null")
    done = command(folder)
    assert done.returncode == 1 and "probs/b.npy" in done.stderr
    answer = post(client, "pipes/masks", "pipes/probs")
    assert "pipes/probs/b.npy" in assert_problem(answer, 422, "file-unusable", "pred_probs")["detail"]


def test_links_do_not_lead_out_of_the_directory(client, volume):
    outside = volume / "outside"
    small(outside)
    folder = small(volume / "data/links")
    shutil.rmtree(folder / "masks")
    (folder / "masks").symlink_to(outside / "masks")
    answer = post(client, "links/masks", "links/probs")
    assert "leads out" in assert_problem(answer, 422, "folder-unusable", "labels")["detail"]
    # The command's user may read whatever lies there.
    assert command(folder).returncode == 0
    (folder / "masks").unlink()
    (folder / "masks").mkdir()
    for name in "ab":
        (folder / f"masks/{name}.png").symlink_to(outside / f"masks/{name}.png")
    answer = post(client, "links/masks", "links/probs")
    assert "leads out" in assert_problem(answer, 422, "file-unusable", "labels")["detail"]
    assert command(folder).returncode == 0
    for path in ("../outside/masks", "/etc", "links/../../outside/masks"):
        assert_problem(post(client, path, "links/probs"), 422, "folder-unusable", "labels")


def test_links_within_the_directory_are_followed_to_files(client, volume):
    folder = small(volume / "data/inner", ["a"], ["a"])
    (folder / "masks/b.png").symlink_to("a.png")
    (folder / "masks/loop").symlink_to(".")
    (folder / "probs/b.npy").symlink_to("../probs/a.npy")
    answer = post(client, "inner/masks", "inner/probs")
    assert answer.status_code == 200, answer.text
    assert answer.json()["names"] == ["a", "b"]


def test_a_folder_goes_with_a_folder(client, volume):
    for members in [
        {"labels": {"folder": "run7/masks"}, "pred_probs": {"file": "run7/probs/b-1.safetensors"}},
        {"labels": {"file": "run7/masks/b-1.npz"}, "pred_probs": {"folder": "run7/probs"}},
        {"labels": {"folder": "run7/masks"}, "pred_probs": [[[[1.0]]]]},
    ]:
        assert_problem(client.post("/score", json=members), 400, "invalid-parameter")
    answer = client.post("/score", json={"labels": {"folder": "run7/masks"}, "pred_probs": {"folder": 7}})
    assert_problem(answer, 400, "invalid-parameter", "pred_probs")
    both = {name: {"folder": "run7/probs"} for name in ("pred_probs", "logits")}
    assert_problem(client.post("/score", json={"labels": {"folder": "run7/masks"}} | both), 400, "repeated-array")
    root = volume / "data/run7"
    for arguments in [(root / "masks",), (root / "masks", root / "probs/b-1.npz"), (root / "masks/Zagreb.png", root)]:
        done = run("score", *arguments)
        assert done.returncode == 1 and "A folder of labels" in done.stderr, done.stderr


def test_a_batch_and_issues_take_no_folder(client):
    job = client.post("/jobs").headers["Location"]
    folders = {"labels": {"folder": "run7/masks"}, "pred_probs": {"folder": "run7/probs"}}
    problem = assert_problem(client.post(f"{job}/batches", json=folders), 400, "invalid-parameter", "labels")
    assert "POST /score" in problem["detail"]
    assert_problem(client.post("/issues", json={"image_scores": {"folder": "run7"}}), 400, "invalid-parameter")


def test_a_server_without_directories_takes_no_folders(start_server):
    with Client(start_server()) as client:
        assert_problem(post(client), 400, "files-not-taken", "labels")


def test_a_folder_that_is_more_than_is_kept_is_refused(volume, start_server):
    server = start_server("--data-dir", volume / "data", "--result-memory", "8KiB")
    with Client(server) as client:
        assert_problem(post(client), 413, "job-too-large")


def test_thousands_of_tiny_files(client, volume):
    folder = volume / "data/many"
    count = 2000
    random = np.random.default_rng(2)
    labels = random.integers(0, 2, (count, 2, 3)).astype(np.uint8)
    values = random.random((count, 2, 2, 3)).astype(np.float32)
    for index in range(count):
        put(folder / f"masks/{index % 7}/{index:04}.png", masks.grey(labels[index]))
        put(folder / f"probs/{index % 7}/{index:04}.npy", values[index])
    names = sorted(f"{index % 7}/{index:04}" for index in range(count))
    order = [int(name[2:]) for name in names]
    expected = client.scored(npz(labels=labels[order], pred_probs=values[order]))["image_scores"]
    answer = post(client, "many/masks", "many/probs")
    assert answer.json()["names"] == names and answer.json()["image_scores"] == expected
    done = command(folder, folder / "out")
    assert done.returncode == 0, done.stderr
    assert np.load(folder / "out/image_scores.npy").tolist() == expected
    assert "… and 1980 more" in done.stdout


# A state directory


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
def test_names_outlive_the_process(volume, start_server, tmp_path, method):
    flags = ("--data-dir", volume / "data", "--state-dir", tmp_path / "state")
    folders = {"labels": {"folder": "run7/masks"}, "pred_probs": {"folder": "run7/probs"}, "ignore_label": IGNORED}
    server = start_server(*flags)
    with Client(server) as client:
        accepted = client.post("/score", json=folders | {"method": method}, headers={"Prefer": "respond-async"})
        path = accepted.headers["Location"]
        assert client.get(f"{path}?wait=30").json()["status"] == "succeeded"
        before = {each: read(client, f"{path}/{each}") for each in ("names", "ranking", "image_scores")}
    server.stop()
    with Client(start_server(*flags)) as client:
        assert before["names"] == NAMES
        assert {each: read(client, f"{path}/{each}") for each in before} == before
        archive = client.get(f"{path}/pixel_scores", headers={"Accept": "application/x-npz"})
        assert list(arrays_of(archive)) == [f"pixel_scores/{name}" for name in NAMES]

"""Masks for annotation tools, read again by the tools' own readers.

Readers that need much beside them (Datumaro, Label Studio, CVAT, LabelMe) are tried where they are installed, which
`make exports` does.
"""

import importlib.util
import io
import re
import zipfile

import numpy as np
import PIL.Image
import pytest

import exports
from bodies import array_of, npz
from client import Client, assert_problem
from region_cases import regions, sample

NAMES = ["road", "sky & sea", "a:b", "#c", '"d"', "Straße", "tree"]
# The last image is one region.
STYLES = {(40, 64): "blobs", (17, 23): "noise", (1, 30): "comb", (33, 1): "dense", (9, 14): "full"}
IMAGES = [f"{index:06}" for index in range(len(STYLES))]
SHAPES = dict(zip(IMAGES, STYLES))
READERS = {
    "coco": (exports.read_coco, "pycocotools"),
    "coco by datumaro": (exports.read_coco_by_datumaro, "datumaro"),
    "datumaro": (exports.read_datumaro, "datumaro"),
    "cvat": (exports.read_cvat, "datumaro"),
    "cvat by sdk": (exports.read_cvat_by_sdk, "cvat_sdk"),
    "cvat-mask": (exports.read_cvat_mask, "datumaro"),
    "cvat-mask by pillow": (exports.read_cvat_mask_by_pillow, "PIL"),
    "label-studio": (exports.read_label_studio, "label_studio_sdk"),
    "labelme": (exports.read_labelme, "labelme"),
    "geojson": (lambda archive: exports.read_geojson(archive, SHAPES), "shapely"),
    "fiftyone": (exports.read_fiftyone, "PIL"),
}
EACH = pytest.mark.parametrize(
    "reader",
    [
        pytest.param(name, marks=pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"no {module}"))
        for name, (_, module) in READERS.items()
    ],
)


def names_of(classes):
    """What the classes are called: words that formats have to write with care, and numbers."""
    return NAMES + [str(index) for index in range(len(NAMES), classes)]


def write_image(folder, image, classes):
    """The mask, the probabilities and the picture of an image."""
    space = SHAPES[image]
    if STYLES[space] == "full":
        labels, predicted = np.full(space, classes - 1, np.uint8), np.zeros(space, np.uint8)
    else:
        arrays = sample(STYLES[space], space, classes, seed=9, images=1)
        labels, predicted = arrays["labels"][0], arrays["predicted"][0]
        # Many classes are in the image, and not the few that neighbours of a sample share.
        labels, predicted = labels * (classes // 3) % classes, predicted * (classes // 3) % classes
    np.save(folder / "masks" / f"{image}.npy", labels.astype(np.uint8))
    chosen = np.eye(classes, dtype=np.float32)[predicted].transpose(2, 0, 1)
    np.save(folder / "probs" / f"{image}.npy", 0.9 * chosen + np.float32(0.1 / classes))
    PIL.Image.new("RGB", space[::-1], (1, 2, 3)).save(folder / "images" / f"{image}.jpg")


@pytest.fixture(scope="module")
def client(start_server, tmp_path_factory):
    """A server that reads the images' folders."""
    folder = tmp_path_factory.mktemp("data")
    with Client(start_server("--data-dir", str(folder))) as client:
        client.folder = folder
        yield client


@pytest.fixture(scope="module", params=[7, 255])
def classes(request):
    return request.param


@pytest.fixture(scope="module")
def job(client, classes):
    """A job of images of several sizes, some regions of which are decided about."""
    folder = client.folder / str(classes)
    for name in ("masks", "probs", "images"):
        (folder / name).mkdir(parents=True)
    for image in IMAGES:
        write_image(folder, image, classes)
    folders = {"labels": {"folder": f"{classes}/masks"}, "pred_probs": {"folder": f"{classes}/probs"}}
    answer = client.post("/score", json=folders | {"images": f"{classes}/images", "method": "margin"})
    assert answer.status_code == 200, answer.text
    path = answer.headers["Location"]
    for index, region in enumerate(regions(client, path, of="disagreements")[::3]):
        verdict = ["wrong", "fine", "unsure"][index % 3]
        body = {"verdict": verdict}
        if index % 2 and verdict == "wrong":
            body["label"] = next(
                label for label in range(classes) if label not in (region["given"], region["suggested"])
            )
        answer = client.put(f"{path}/decisions/{region['id']}", params={"of": "disagreements"}, json=body)
        assert answer.status_code == 200, answer.text
    return path


def exported(client, job, **parameters):
    answer = client.get(f"{job}/export", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/zip"
    return answer.content


@EACH
@pytest.mark.parametrize("content", ["given", "mended"])
def test_every_pixel_comes_back(client, job, classes, reader, content):
    names = names_of(classes)
    archive = exported(client, job, format=reader.partition(" ")[0], content=content, class_names=",".join(names))
    read = READERS[reader][0](archive)
    for index, name in enumerate(IMAGES):
        wanted = array_of(client.get(f"{job}/{'labels' if content == 'given' else 'mended'}?image={index}"))
        # CVAT's list of labels cannot hold every name.
        known = (
            names if {mask[0] for mask in read[name]} <= set(names) else [re.sub("^#|:", "_", each) for each in names]
        )
        assert np.array_equal(exports.paint(read[name], known, SHAPES[name]), wanted), name


def test_regions_that_were_decided_about_come_alone(client, job):
    archive = exported(client, job, format="coco", content="regions", of="disagreements")
    read = exports.read_coco(archive)
    decisions = client.get(f"{job}/decisions?limit=10000").json()["decisions"]
    found = {
        attributes["region"]: (name, mask.sum(), attributes)
        for masks in read.values()
        for name, mask, attributes in masks
    }
    assert found.keys() == {decision["region"] for decision in decisions}
    listed = {region["id"]: region for region in regions(client, job, of="disagreements")}
    for decision in decisions:
        region = listed[decision["region"]]
        label = {"wrong": decision["label"], "fine": region["given"], "unsure": region["suggested"]}[
            decision["verdict"]
        ]
        name, area, attributes = found[decision["region"]]
        assert (int(name), area, attributes["verdict"]) == (label, region["area"], decision["verdict"])


def test_regions_of_issues_are_those_of_their_threshold(client, job):
    below = {"of": "issues", "threshold": 0.5}
    region = regions(client, job, **below)[0]["id"]
    answer = client.put(f"{job}/decisions/{region}", params=below, json={"verdict": "unsure"})
    assert answer.status_code == 200, answer.text
    found = exports.read_coco(exported(client, job, format="coco", content="regions", **below))
    assert [attributes["region"] for masks in found.values() for _, _, attributes in masks] == [region]
    assert client.delete(f"{job}/decisions/{region}", params=below).status_code == 204


def test_the_same_job_makes_the_same_bytes(client, job):
    assert exported(client, job, format="coco") == exported(
        client, job, format="coco", content="mended", polygons="false"
    )
    assert exported(client, job, format="coco") != exported(client, job, format="coco", polygons="true")


def test_pictures_go_with_the_masks(client, job, classes):
    with zipfile.ZipFile(io.BytesIO(exported(client, job, format="coco"))) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        assert [name.rpartition("/")[2] for name in names] == [f"{image}.jpg" for image in IMAGES]
        for name, image in zip(names, IMAGES):
            assert archive.read(name) == (client.folder / str(classes) / "images" / f"{image}.jpg").read_bytes()


def test_what_cannot_be_exported_is_said(client, job):
    assert_problem(client.get(f"{job}/export"), 400, "invalid-parameter", "format")
    assert_problem(client.get(f"{job}/export?format=voc"), 400, "invalid-parameter", "format")
    assert_problem(client.get(f"{job}/export?format=coco&content=all"), 400, "invalid-parameter", "content")
    assert_problem(client.get(f"{job}/export?format=coco&class_names=a,b"), 400, "invalid-parameter", "class_names")
    assert_problem(
        client.get(f"{job}/export?format=coco", headers={"Accept": "image/png"}), 406, "not-acceptable", "Accept"
    )
    volume = {name: array.reshape(2, *array.shape[-2:])[None] for name, array in sample("blobs", (20, 30), 3).items()}
    solid = client.score(npz(**volume), method="margin", classes=3).headers["Location"]
    assert_problem(client.get(f"{solid}/export?format=coco"), 422, "not-drawable")
    arrays = sample("blobs", (20, 30), 3)
    plain = client.score(npz(labels=arrays["labels"], own=arrays["own"]), classes=3).headers["Location"]
    assert client.get(f"{plain}/export?format=coco&content=given").status_code == 200
    assert_problem(client.get(f"{plain}/export?format=coco&content=regions"), 404, "no-predicted-classes")

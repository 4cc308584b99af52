"""The zips that are written for annotation tools."""

import json
import os
import zipfile

import numpy as np
import pytest

import proxy
import segscore
from test_regions import sample

FORMATS = ["coco", "cvat-mask", "cvat", "label-studio", "datumaro", "labelme", "geojson", "fiftyone"]


@pytest.fixture(scope="session")
def arrays():
    return sample(3, 24, 18)


@pytest.fixture
def mended(job):
    """A job of which some regions were decided about."""
    job.decide_many({"region": region, "verdict": "wrong"} for region in job.regions(limit=5))
    return job


def coco_of(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("annotations/instances_default.json"))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_a_zip(mended, tmp_path, form):
    path = mended.export(tmp_path / "not/there" / "masks.zip", form)
    assert path == tmp_path / "not/there/masks.zip" and list(path.parent.iterdir()) == [path]
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None and archive.namelist()


@pytest.mark.parametrize("polygons", [False, True])
def test_coco_holds_every_pixel(mended, tmp_path, polygons):
    masks = pytest.importorskip("pycocotools.mask")
    document = coco_of(mended.export(str(tmp_path / "masks.zip"), polygons=polygons, class_names=["a", "b", "c", "d"]))
    names = {row["id"]: row["name"] for row in document["categories"]}
    assert sorted(names.values()) == ["a", "b", "c", "d"]
    painted = np.full((3, 24, 18), 255)
    for row in document["annotations"]:
        runs = row["segmentation"]
        assert isinstance(runs, list) == polygons
        if polygons:
            runs = masks.merge(masks.frPyObjects(runs, 24, 18))
        painted[row["image_id"] - 1][masks.decode(runs).astype(bool)] = "abcd".index(names[row["category_id"]])
    np.testing.assert_array_equal(painted, mended.mended())


def test_the_content_is_chosen(mended, tmp_path):
    def area(content, **more):
        rows = coco_of(mended.export(tmp_path / "masks.zip", "coco", content, **more))["annotations"]
        return [sum(row["area"] for row in rows if row["category_id"] == label + 1) for label in range(4)]

    assert area("given") == np.bincount(mended.labels().ravel(), minlength=4).tolist()
    assert area("mended") == np.bincount(mended.mended().ravel(), minlength=4).tolist()
    changed = mended.labels() != mended.mended()
    assert area("regions") == np.bincount(mended.mended()[changed], minlength=4).tolist()
    assert area("regions", of="disagreements") == [0] * 4


def test_what_makes_no_sense_writes_nothing(mended, tmp_path):
    path = tmp_path / "masks.zip"
    path.write_bytes(b"old")
    for arguments, parameter in [
        ({"format": "voc"}, "format"),
        ({"content": "all"}, "content"),
        ({"class_names": ["a"]}, "class_names"),
    ]:
        with pytest.raises(segscore.InvalidInputError) as caught:
            mended.export(path, **arguments)
        assert caught.value.parameter == parameter
    for names in ["abcd", [1, 2, 3, 4]]:
        with pytest.raises(TypeError, match="a list of strings"):
            mended.export(path, class_names=names)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_whole_or_not_at_all(mended, tmp_path, monkeypatch):
    path = tmp_path / "masks.zip"
    path.write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        mended.export(path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_an_archive_that_breaks_off_is_asked_for_again(server, mended, tmp_path):
    whole = mended.export(tmp_path / "whole.zip").read_bytes()
    with proxy.Proxy(server.port) as between, segscore.Client(between.url, retries=2) as client:
        job = client.job(mended.id)
        between.will(proxy.cut_the_answer(900), "/export", times=2)
        assert job.export(tmp_path / "masks.zip").read_bytes() == whole
        assert between.count("/export") == 3
        between.will(proxy.cut_the_answer(900), "/export", times=3)
        with pytest.raises(segscore.UnreachableError):
            job.export(tmp_path / "other.zip")
        assert {each.name for each in tmp_path.iterdir()} == {"whole.zip", "masks.zip"}


def test_an_open_job_is_not_waited_for(client, arrays, tmp_path):
    with client.dataset() as dataset:
        dataset.add(*arrays)
        with pytest.raises(segscore.SegscoreError) as caught:
            dataset.job.export(tmp_path / "masks.zip")
        assert caught.value.type == "urn:segscore:job-not-finished" and list(tmp_path.iterdir()) == []

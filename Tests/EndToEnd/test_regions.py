"""The regions of jobs, with connected-components-3d, SciPy, pycocotools and shapely as judges."""

import csv
import io
import itertools
import signal

import numpy as np
import PIL.Image
import pycocotools.mask
import pytest
import shapely
import shapely.geometry

import reference
from bodies import array_of, npz
from client import Client, assert_problem
from region_cases import JOINT, expected, job_of, regions, sample
from state import state_directory
from test_batches import add, finish, open_job
from test_reduced import reduced

NPY = "application/x-npy"
STYLES = ["noise", "dense", "stripes", "columns", "spiral", "checkerboard", "comb", "full", "empty", "blobs"]
SPACES = [(1, 1), (1, 40), (33, 1), (17, 23), (40, 64)]
CASES = list(itertools.product(STYLES, SPACES, [3, 5, 300]))
FIELDS = ["id", "image", "given", "suggested", "bbox", "area", "thickness", "touches_border"]


def assert_same(found, wanted):
    assert [{name: region[name] for name in FIELDS} for region in found] == [
        {name: region[name] for name in FIELDS} for region in wanted
    ]
    for name in ("mean_own", "mean_largest", "mass"):
        np.testing.assert_allclose(
            [region[name] for region in found], [region[name] for region in wanted], rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize("style, space, classes", CASES, ids=str)
def test_regions_are_those_of_the_oracles(client, style, space, classes):
    for seed, ignore_label in [(0, None), (1, classes - 1)]:
        arrays = sample(style, space, classes, seed)
        parameters = {} if ignore_label is None else {"ignore_label": ignore_label}
        job = job_of(client, arrays, classes, **JOINT, **parameters)
        assert_same(
            regions(client, job, of="disagreements", order="id", limit=10_000),
            expected(arrays, ignore_label=ignore_label),
        )
        mask = array_of(client.get(f"{job}/label_issues"))
        assert_same(regions(client, job, order="id", limit=10_000), expected(arrays, mask, ignore_label))
        for threshold in (0.1, 0.3):
            below = array_of(client.get(f"{job}/issues?threshold={threshold}"))
            assert_same(
                regions(client, job, threshold=threshold, order="id", limit=10_000),
                expected(arrays, below, ignore_label),
            )


@pytest.mark.parametrize("style", STYLES)
def test_a_region_is_shown_in_every_form(client, style):
    arrays = sample(style, (40, 64), 5)
    job = job_of(client, arrays, 5, **JOINT)
    for region in expected(arrays)[:60]:
        path = f"{job}/regions/{region['id']}?of=disagreements"
        found = client.get(path).json()
        assert_same([found], [region])
        left, top, width, height = region["bbox"]
        whole = np.zeros((40, 64), bool)
        whole[top : top + height, left : left + width] = region["mask"]
        assert np.array_equal(array_of(client.get(path, headers={"Accept": NPY})), region["mask"])
        picture = PIL.Image.open(io.BytesIO(client.get(path, headers={"Accept": "image/png"}).content))
        assert np.array_equal(np.array(picture), region["mask"] * np.uint8(255))

        assert found["rle"]["size"] == [40, 64]
        assert np.array_equal(pycocotools.mask.decode(found["rle"]), whole)
        encoded = pycocotools.mask.encode(np.asfortranarray(whole.astype(np.uint8)))
        assert found["rle"]["counts"].encode() == encoded["counts"]

        feature = client.get(path, headers={"Accept": "application/geo+json"})
        assert feature.headers["Content-Type"] == "application/geo+json"
        shape = shapely.geometry.shape(feature.json()["geometry"])
        assert shape.is_valid and shape.area == region["area"]
        assert shape.bounds == (left, top, left + width, top + height)
        y, x = np.indices((40, 64)) + 0.5
        assert np.array_equal(shapely.contains_xy(shape, x, y), whole)
        assert feature.json()["properties"]["id"] == feature.json()["id"] == region["id"]
        for polygon in getattr(shape, "geoms", [shape]):
            assert polygon.exterior.is_ccw and not any(hole.is_ccw for hole in polygon.interiors)


def test_order_filters_and_pages(client):
    arrays = sample("noise", (40, 64), 5)
    job = job_of(client, arrays, 5, **JOINT)
    everything = expected(arrays)
    for order in ("mass", "area", "thickness"):
        found = regions(client, job, of="disagreements", order=order, limit=7)
        # Sums may differ in the last bits, by which equal masses of the oracle's would be ordered.
        keys = {region["id"]: region[order] for region in found}
        places = {region["id"]: place for place, region in enumerate(everything)}
        assert [region["id"] for region in found] == sorted(keys, key=lambda each: (-keys[each], places[each]))
    by_default = client.get(f"{job}/regions?of=disagreements").json()
    assert by_default["of"] == "disagreements" and by_default["threshold"] is None
    assert by_default["regions"] == regions(client, job, of="disagreements", order="mass", limit=50)[:100]
    for filters in [
        {"image": 1},
        {"given": 2},
        {"suggested": 1},
        {"min_area": 3},
        {"min_thickness": 2},
        {"image": 0, "given": 1, "suggested": 2, "min_area": 2},
    ]:
        wanted = [
            region
            for region in everything
            if all(
                region[name.removeprefix("min_")] >= value if name.startswith("min_") else region[name] == value
                for name, value in filters.items()
            )
        ]
        assert_same(regions(client, job, of="disagreements", order="id", limit=9, **filters), wanted)
        cells = client.get(f"{job}/regions/matrix", params={"of": "disagreements"} | filters).json()["cells"]
        counted = {}
        for region in wanted:
            cell = counted.setdefault((region["given"], region["suggested"]), [0, 0, 0.0])
            cell[0], cell[1], cell[2] = cell[0] + 1, cell[1] + region["area"], cell[2] + region["mass"]
        assert {(cell["given"], cell["suggested"]): [cell["regions"], cell["pixels"]] for cell in cells} == {
            pair: cell[:2] for pair, cell in counted.items()
        }
        assert [cell["mass"] for cell in cells] == sorted((cell["mass"] for cell in cells), reverse=True)
        np.testing.assert_allclose(sum(cell["mass"] for cell in cells), sum(cell[2] for cell in counted.values()))


def test_csv_has_a_line_a_region(client):
    arrays = sample("noise", (40, 64), 5)
    job = job_of(client, arrays, 5, **JOINT)
    for filters in ({}, {"min_area": 4}, {"min_area": 4000}, {"limit": 5}, {"limit": 5, "cursor": 5}):
        answer = client.get(f"{job}/regions", params={"of": "disagreements"} | filters, headers={"Accept": "text/csv"})
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
        documents = client.get(f"{job}/regions", params={"of": "disagreements", "limit": 10_000} | filters).json()[
            "regions"
        ]
        assert len(rows) == len(documents)
        for row, region in zip(rows, documents):
            assert [row["id"], int(row["image"]), int(row["area"])] == [region["id"], region["image"], region["area"]]
            assert [int(row[name]) for name in ("x", "y", "width", "height")] == region["bbox"]
            assert (
                float(row["mass"]) == region["mass"] and row["touches_border"] == str(region["touches_border"]).lower()
            )


def test_what_regions_are_of(client):
    arrays = sample("blobs", (40, 64), 5)
    for parameters, source, threshold in [
        (JOINT, "label_issues", None),
        ({"method": "margin"}, "label_issues", None),
        ({}, "disagreements", None),
        ({"threshold": 0.3}, "issues", 0.3),
        (JOINT | {"threshold": 0.3}, "label_issues", None),
    ]:
        document = client.scored(npz(**arrays), classes=5, **parameters)
        assert document["links"]["regions"] == document["links"]["self"] + "/regions"
        page = client.get(document["links"]["regions"]).json()
        assert (page["of"], page["threshold"]) == (source, threshold)
        cells = client.get(document["links"]["regions"] + "/matrix?threshold=0.2").json()
        assert (cells["of"], cells["threshold"]) == ("issues", 0.2)
        below = client.get(document["links"]["regions"] + "?threshold=0.2&limit=1").json()["regions"][0]
        one = client.get(document["links"]["regions"] + f"/{below['id']}?threshold=0.2").json()
        assert {name: one[name] for name in below} == below
        page = client.get(document["links"]["regions"] + "?of=issues").json()
        assert (page["of"], page["threshold"]) == ("issues", parameters.get("threshold", 0.1))


def test_batches_sizes_and_restarts_have_the_same_regions():
    parts = [sample("blobs", (40, 64), 5, 1), sample("noise", (17, 23), 5, 2), sample("dense", (40, 64), 5, 3)]
    with state_directory() as state:
        client = state.start()
        job = open_job(client, **JOINT, classes=5)
        for arrays in parts:
            add(client, job, npz(**arrays))
        finish(client, job)
        found = regions(client, job, order="id", limit=1000)
        mask = [array_of(client.get(f"{job}/label_issues?image={image}")) for image in range(6)]
        wanted = []
        for number, arrays in enumerate(parts):
            for region in expected(arrays, np.stack(mask[2 * number : 2 * number + 2])):
                image, place = region["id"].split("-", 1)
                image = int(image) + 2 * number
                wanted.append(region | {"image": image, "id": f"{image}-{place}"})
        assert_same(found, wanted)
        client = state.restart(signal.SIGKILL)
        assert regions(client, job, order="id", limit=1000) == found


def test_every_way_in_gives_the_same(client):
    labels, pred_probs = reference.sample(images=3, height=30, width=41, classes=4)
    whole = client.scored(npz(labels=labels, pred_probs=pred_probs), **JOINT)["links"]["self"]
    found = regions(client, whole, limit=1000)
    assert len(found) > 20
    arrays = {"labels": labels} | reduced(labels, pred_probs)
    assert_same(
        sorted(found, key=lambda region: region["id"]),
        sorted(expected(arrays, array_of(client.get(f"{whole}/label_issues"))), key=lambda region: region["id"]),
    )
    for job in [
        client.scored(npz(labels=labels, pred_probs=np.asfortranarray(pred_probs)), **JOINT)["links"]["self"],
        client.scored(npz(pred_probs=pred_probs, labels=labels), **JOINT)["links"]["self"],
        job_of(client, arrays, 4, **JOINT),
    ]:
        assert regions(client, job, limit=1000) == found
    job = open_job(client, **JOINT)
    for image in range(3):
        add(client, job, npz(labels=labels[image : image + 1], pred_probs=pred_probs[image : image + 1]))
    finish(client, job)
    assert regions(client, job, limit=1000) == found


def test_blocks_have_regions_of_their_pixels(client):
    labels, pred_probs = reference.sample(images=2, height=32, width=40, classes=4)
    for form in (pred_probs, np.asfortranarray(pred_probs)):
        job = client.scored(npz(labels=labels, pred_probs=form), **JOINT, downsample=4)["links"]["self"]
        mask = array_of(client.get(f"{job}/label_issues"))
        arrays = {"labels": labels} | reduced(labels, pred_probs)
        assert mask.any()
        assert_same(regions(client, job, order="id", limit=1000), expected(arrays, mask))


def test_regions_of_volumes_are_those_of_slices(client):
    arrays = sample("blobs", (12, 20), 4, images=6)
    volume = {name: array.reshape(2, 3, 12, 20) for name, array in arrays.items()}
    job = job_of(client, volume, 4, **JOINT)
    found = regions(client, job, of="disagreements", order="id", limit=1000)
    wanted = []
    for region in expected(arrays):
        number, place = region["id"].split("-", 1)
        image, slice_ = divmod(int(number), 3)
        wanted.append(region | {"image": image, "id": f"{image}-{slice_}-{place}"})
        assert [each["slice"] for each in found if each["id"] == wanted[-1]["id"]] == [[slice_]]
    assert_same(found, wanted)
    path = f"{job}/regions/{wanted[5]['id']}?of=disagreements"
    assert np.array_equal(array_of(client.get(path, headers={"Accept": NPY})), wanted[5]["mask"])
    assert client.get(path).json()["rle"]["size"] == [12, 20]


def test_what_there_is_not_is_told(client, start_server):
    arrays = sample("blobs", (17, 23), 5)
    own = {name: arrays[name] for name in ("labels", "own")}
    job = job_of(client, own, 5)
    for path in ("regions", "regions/matrix", "regions/0-0-0"):
        problem = assert_problem(client.get(f"{job}/{path}"), 404, "no-predicted-classes")
        assert "read=all" in problem["expected"]
    job = job_of(client, own | {"predicted": arrays["predicted"]}, 5)
    for path in ("regions", "regions/matrix", "regions/0-0-0"):
        assert "largest" in assert_problem(client.get(f"{job}/{path}"), 404, "no-largest-probabilities")["detail"]
    assert "regions" not in client.get(job).json()["links"]

    job = job_of(client, arrays, 5)
    assert_problem(client.get(f"{job}/regions?of=label_issues"), 404, "no-label-issues")
    for region in ("0-99-0", "0-0", "0-0-0-0", "7-0-0", "x", "0-00-0", "-1-0-0", "0-0-99", "99999999999999999999-0-0"):
        assert_problem(client.get(f"{job}/regions/{region}"), 404, "region-not-found")
    for query, parameter in [
        ("of=pixels", "of"),
        ("order=colour", "order"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=-1", "cursor"),
        ("image=2", "image"),
        ("given=5", "given"),
        ("suggested=5", "suggested"),
        ("min_area=0", "min_area"),
        ("min_thickness=x", "min_thickness"),
        ("threshold=2", "threshold"),
        ("of=disagreements&threshold=0.2", "threshold"),
    ]:
        assert_problem(client.get(f"{job}/regions?{query}"), 400, "invalid-parameter", parameter)
    assert_problem(client.get(f"{job}/regions?page=1"), 400, "unknown-parameter", "page")
    for path, accept in [
        ("regions", NPY),
        ("regions/matrix", NPY),
        (f"regions/{expected(arrays)[0]['id']}", "text/csv"),
    ]:
        assert_problem(client.get(f"{job}/{path}", headers={"Accept": accept}), 406, "not-acceptable", "Accept")
        assert_problem(client.get(f"{job}/{path}?of=pixels"), 400, "invalid-parameter", "of")
    # Behind the last page there is nothing.
    assert client.get(f"{job}/regions?cursor=9999999").json()["regions"] == []
    with Client(start_server("--memory-budget", "64MiB")) as small:
        assert small.get(f"/jobs/{'0' * 32}/regions").status_code == 404

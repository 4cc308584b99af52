"""The regions of a job, with SciPy as the judge."""

import dataclasses
import json
import math
import pickle
import sys
import urllib.request

import numpy as np
import pytest
import scipy.ndimage

import conftest
import segscore
from segscore import Region, RegionCell

NUMBERS = ["mean_own", "mean_largest", "mass"]  # Those that are rounded.
PLAIN = [field.name for field in dataclasses.fields(Region) if field.name not in NUMBERS]
ORDERS = {
    "mass": lambda region: -region.mass,
    "area": lambda region: -region.area,
    "thickness": lambda region: -region.thickness,
    "id": lambda region: 0,
}


@pytest.fixture(scope="session")
def arrays():
    return sample(7, 24, 18)


@pytest.fixture
def small_pages(monkeypatch):
    """Has every few regions be a page."""
    monkeypatch.setattr("segscore.regions.FIRST_PAGE", 3)
    monkeypatch.setattr("segscore.regions.PAGE", 7)


@pytest.fixture
def asked(monkeypatch):
    """The queries of the questions that were answered by JSON."""
    queries, ask = [], segscore._transport.Transport.ask

    def recorded(self, method, path, **options):
        queries.append(options.get("query"))
        return ask(self, method, path, **options)

    monkeypatch.setattr(segscore._transport.Transport, "ask", recorded)
    return queries


def sample(images, height, width, seed=0):
    """Labels that are wrong here and there by pixels, and by a patch that is several pixels deep."""
    labels, pred_probs = conftest.sample(images, 4, height, width, seed=seed)
    patch = labels[:, height // 4 : -height // 4, : width // 2]
    patch[...] = (patch + 1) % 4
    return labels, pred_probs


def expected(labels, pred_probs, wanted=None, ignore_label=None):
    """The regions of the wanted pixels, found pair by pair, in the order of first pixels; and their masks."""
    own = np.take_along_axis(pred_probs, labels[:, None].astype(int), axis=1)[:, 0].astype(float)
    predicted, largest = pred_probs.argmax(axis=1), pred_probs.max(axis=1).astype(float)
    margins = np.log(np.maximum(largest, 1e-3) / np.maximum(own, 1e-3)) ** 2
    contradicts = labels != predicted
    if ignore_label is not None:
        contradicts &= labels != ignore_label
    wanted = contradicts if wanted is None else contradicts & wanted
    height, width = labels.shape[-2:]
    found = []
    for place in np.ndindex(labels.shape[:-2]):
        counts = scipy.ndimage.binary_erosion(contradicts[place], np.ones((3, 3)), border_value=1)
        for given, suggested in np.ndindex(4, 4):
            pair = wanted[place] & (labels[place] == given) & (predicted[place] == suggested)
            components, _ = scipy.ndimage.label(pair, np.ones((3, 3)))
            for number, box in enumerate(scipy.ndimage.find_objects(components), 1):
                inside = components == number
                first = tuple(np.argwhere(inside)[0].tolist())
                (top, bottom), (left, right) = ((extent.start, extent.stop) for extent in box)
                region = Region(
                    id="-".join(map(str, place + first)),
                    image=place[0],
                    name=None,
                    slice=place[1:],
                    given=given,
                    suggested=suggested,
                    bbox=(left, top, right - left, bottom - top),
                    area=int(inside.sum()),
                    thickness=int(scipy.ndimage.distance_transform_cdt(np.pad(inside, 1), "chessboard").max()),
                    mean_own=own[place][inside].mean(),
                    mean_largest=largest[place][inside].mean(),
                    mass=margins[place][inside & counts].sum(),
                    touches_border=top == 0 or left == 0 or bottom == height or right == width,
                )
                found.append((place + first, region, inside[box]))
    found.sort(key=lambda each: each[0])
    return [region for _, region, _ in found], [mask for _, _, mask in found]


def assert_same(found, wanted):
    found = list(found)
    assert [[getattr(region, name) for name in PLAIN] for region in found] == [
        [getattr(region, name) for name in PLAIN] for region in wanted
    ]
    for name in NUMBERS:
        # Sums of float64 in another order, of logarithms of float32.
        np.testing.assert_allclose(
            [getattr(region, name) for region in found], [getattr(region, name) for region in wanted], rtol=1e-6
        )


# What is found


@pytest.mark.parametrize(
    "options, of, threshold, wanted",
    [
        ({}, "label_issues", None, lambda job: job.label_issues()),
        ({"of": "issues"}, "issues", 0.25, lambda job: job.issues()),
        ({"threshold": 0.2}, "issues", 0.2, lambda job: job.issues(threshold=0.2)),
        ({"of": "disagreements"}, "disagreements", None, lambda job: None),
    ],
)
def test_regions_are_those_of_scipy(job, arrays, small_pages, options, of, threshold, wanted):
    regions = job.regions(**options, order="id")
    oracle, masks = expected(*arrays, wanted(job))
    assert (regions.of, regions.threshold, len(regions)) == (of, threshold, len(oracle))
    assert len(oracle) > 30 and (of != "disagreements" or max(region.thickness for region in oracle) > 1)
    assert_same(regions, oracle)
    for region, mask in list(zip(regions, masks))[::5]:
        np.testing.assert_array_equal(region.mask(), mask, strict=True)
    assert of in repr(regions) and str(len(oracle)) in repr(regions)


def test_ignored_labels_are_in_no_region(client, arrays):
    job = client.submit(*arrays, ignore_label=2)
    assert job.regions().of == "disagreements"
    assert_same(job.regions(order="id"), expected(*arrays, ignore_label=2)[0])


def test_regions_of_volumes_lie_in_slices(client):
    volumes, probs = (array.reshape(2, 3, *array.shape[1:]) for array in sample(6, 16, 12))
    probs = np.moveaxis(probs, 2, 1)
    oracle, masks = expected(volumes, probs)
    regions = client.submit(volumes, probs).regions(order="id")
    assert_same(regions, oracle)
    assert {region.slice for region in regions} == {(0,), (1,), (2,)}
    for region, mask in list(zip(regions, masks))[::7]:
        np.testing.assert_array_equal(region.mask(), mask, strict=True)
        np.testing.assert_array_equal(raster(region), mask)


# Pages, order and limits


def test_pages_are_read_while_one_iterates(job, small_pages, asked):
    regions = job.regions()
    assert len(regions) > 17 and len(asked) == 1
    first = iter(regions)
    for _ in range(3):
        next(first)
    assert len(asked) == 1
    next(first)
    assert len(asked) == 2
    whole = list(regions)
    assert list(regions) == whole and len({region.id for region in whole}) == len(whole) == len(regions)
    # The first page is kept, the others are read each time.
    assert len(asked) == 2 + 2 * math.ceil((len(regions) - 3) / 7)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 10, 11, 500, 10_000, 20_000])
def test_a_limit_is_a_beginning(job, small_pages, asked, limit):
    whole = list(job.regions())
    asked.clear()
    regions = job.regions(limit=limit)
    assert list(regions) == whole[:limit] and len(regions) == min(limit, len(whole))
    assert len(asked) == 1 + math.ceil(max(len(regions) - 3, 0) / 7)


def test_as_many_regions_as_the_server_gives_are_a_page(client, asked):
    """Labels that are wrong at every other pixel of every other row, so that each is a region."""
    labels = np.zeros((2, 150, 300), np.uint8)
    pred_probs = np.stack([np.full(labels.shape, 0.9), np.full(labels.shape, 0.1)], axis=1).astype(np.float32)
    labels[:, ::2, ::2] = 1
    regions = client.submit(labels, pred_probs).regions()
    asked.clear()
    assert len(list(regions)) == len(regions) == labels.sum() == 22_500
    assert [query["limit"] for query in asked] == [10_000, 10_000, 2_000]


@pytest.mark.parametrize("order", ORDERS)
def test_the_greatest_come_first(job, small_pages, order):
    by_id = list(job.regions(order="id"))
    found = list(job.regions(order=order))
    assert found == sorted(by_id, key=ORDERS[order])
    if order == "mass":
        assert found == list(job.regions())


@pytest.mark.parametrize("limit", [0, -1])
def test_no_limit_is_below_1(job, limit):
    with pytest.raises(ValueError, match=f"limit must be at least 1, and is {limit}"):
        job.regions(limit=limit)


# Filters and the matrix


@pytest.mark.parametrize(
    "options, includes",
    [
        ({"image": 3}, lambda region: region.image == 3),
        ({"given": np.int64(1)}, lambda region: region.given == 1),
        ({"suggested": 0}, lambda region: region.suggested == 0),
        ({"given": 2, "suggested": 3}, lambda region: (region.given, region.suggested) == (2, 3)),
        ({"min_area": 4}, lambda region: region.area >= 4),
        ({"min_thickness": 2}, lambda region: region.thickness >= 2),
        ({"min_area": 100_000}, lambda region: False),
        ({"given": 1, "suggested": 1}, lambda region: False),
    ],
)
def test_filters_choose(job, small_pages, options, includes):
    for of in ("label_issues", "issues", "disagreements"):
        chosen = [region for region in job.regions(of=of) if includes(region)]
        regions = job.regions(of=of, **options)
        assert list(regions) == chosen and len(regions) == len(chosen)
        pairs = {(region.given, region.suggested) for region in chosen}
        matrix = job.region_matrix(of=of, **options)
        assert {(cell.given, cell.suggested) for cell in matrix} == pairs and len(matrix) == len(pairs)
        for cell in matrix:
            members = [each for each in chosen if (each.given, each.suggested) == (cell.given, cell.suggested)]
            assert (cell.regions, cell.pixels) == (len(members), sum(each.area for each in members))
            assert cell.mass == pytest.approx(sum(each.mass for each in members))
        assert matrix == sorted(matrix, key=lambda cell: (-cell.mass, cell.given, cell.suggested))


def test_the_matrix_is_of_the_same_pixels(job):
    for options in ({"threshold": 0.4}, {"of": "issues"}, {}):
        matrix = job.region_matrix(**options)
        assert sum(cell.regions for cell in matrix) == len(job.regions(**options)) > 0
        assert all(isinstance(cell, RegionCell) for cell in matrix)


def test_where_all_agree_there_are_no_regions(client):
    labels = np.zeros((2, 5, 4), np.uint8)
    pred_probs = np.stack([np.full(labels.shape, 0.9), np.full(labels.shape, 0.1)], axis=1)
    job = client.submit(labels, pred_probs)
    regions = job.regions()
    assert len(regions) == 0 and list(regions) == [] and not regions and job.region_matrix() == []
    table = regions.to_dataframe()
    assert len(table) == 0 and table["mass"].dtype == float and table["touches_border"].dtype == bool


# One region


def raster(region):
    """The pixels of the box that are within an odd number of the outline's rings."""
    x, y, width, height = region.bbox
    geometry = region.outline()["geometry"]
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    mask = np.zeros((height, width), bool)
    for ring in (ring for polygon in polygons for ring in polygon):
        assert ring[0] == ring[-1]
        for (start, top), (end, bottom) in zip(ring, ring[1:]):
            assert (start == end) != (top == bottom), "edges of pixels are upright or level"
            if start == end:
                mask[min(top, bottom) - y : max(top, bottom) - y, start - x :] ^= True
    return mask


def test_an_outline_is_around_the_mask(job):
    kinds = set()
    for region in job.regions(of="disagreements", limit=200):
        mask = region.mask()
        assert mask.dtype == bool and mask.shape == region.bbox[:1:-1] and mask.sum() == region.area
        np.testing.assert_array_equal(raster(region), mask)
        feature = region.outline()
        assert (feature["type"], feature["id"]) == ("Feature", region.id)
        assert feature["properties"]["mass"] == region.mass and "name" not in feature["properties"]
        kinds.add(feature["geometry"]["type"])
    assert kinds == {"Polygon", "MultiPolygon"}


def test_pixels_are_those_of_the_regions_that_were_asked_for(job):
    """The same id names a smaller region where fewer pixels are issues."""
    large = {region.id: region for region in job.regions(of="disagreements")}
    shared = [(region, large[region.id]) for region in job.regions(threshold=0.1) if region.id in large]
    different = [pair for pair in shared if pair[0].area < pair[1].area]
    assert different
    for pair in different:
        for region in pair:
            assert region.mask().sum() == region.area


def test_a_region_of_a_job_that_is_gone(job):
    region = next(iter(job.regions()))
    job.delete()
    with pytest.raises(segscore.SegscoreError) as caught:
        region.mask()
    assert caught.value.type == "urn:segscore:unknown-job"


def test_regions_are_values(job):
    region = next(iter(job.regions()))
    copy = pickle.loads(pickle.dumps(region))
    assert copy == region and hash(copy) == hash(region)
    np.testing.assert_array_equal(copy.mask(), region.mask())
    assert json.loads(json.dumps(dataclasses.asdict(region)))["id"] == region.id
    assert "transport" not in repr(region).lower()
    with pytest.raises(dataclasses.FrozenInstanceError):
        region.area = 0
    regions = job.regions(limit=5)
    assert list(pickle.loads(pickle.dumps(regions))) == list(regions)


# Tables


def test_a_table_has_a_row_for_each_region(job, small_pages):
    regions = job.regions(limit=20)
    table = regions.to_dataframe()
    names = [field.name for field in dataclasses.fields(Region)]
    place = names.index("bbox")
    assert len(table) == 20
    assert list(table) == names[:place] + ["x", "y", "width", "height"] + names[place + 1 :]
    assert table["label"].isna().all()
    for region, row in zip(regions, table.itertuples()):
        assert (row.x, row.y, row.width, row.height) == region.bbox
        assert all(getattr(row, name) == getattr(region, name) for name in names if name not in ("bbox", "label"))
    assert table["area"].dtype == np.int64 and table["mass"].dtype == float and table["touches_border"].dtype == bool


def test_pandas_is_named_if_it_is_missing(job, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_dataframe .*pip install pandas"):
        job.regions().to_dataframe()


# Names


@pytest.fixture
def folders(tmp_path):
    """The paths of two folders with images of several sizes, and what these are called."""
    for folder in ("masks", "probs"):
        (tmp_path / folder).mkdir()
    for name, size in zip("abc", [(12, 9), (8, 8), (6, 20)]):
        [labels], [pred_probs] = sample(1, *size)
        np.save(tmp_path / f"masks/{name}.npy", labels)
        np.save(tmp_path / f"probs/{name}.npy", pred_probs)
    return tmp_path / "masks", tmp_path / "probs"


def assert_named(regions):
    assert {region.name for region in regions} == set("abc")
    for region in regions:
        assert region.name == "abc"[region.image] == region.outline()["properties"]["name"]
        assert region.mask().sum() == region.area
    assert regions.to_dataframe()["name"].tolist() == [region.name for region in regions]


def test_regions_of_folders_have_names(client, folders):
    assert_named(client.submit(*folders).regions())


def test_the_server_tells_names_too(start_server, folders):
    url = f"http://127.0.0.1:{start_server('--data-dir', folders[0].parent).port}"
    # By softmin, the server would read the probabilities of the labels alone.
    body = b'{"labels": {"folder": "masks"}, "pred_probs": {"folder": "probs"}, "method": "margin"}'
    with urllib.request.urlopen(f"{url}/score", body) as answer, segscore.Client(url) as client:
        assert_named(client.job(json.load(answer)["job"]).regions())


# Errors


def test_scores_of_the_labelled_classes_alone_have_no_regions(client):
    _, pred_probs = sample(1, 8, 8)
    job = client.submit(np.zeros((1, 8, 8), int), pred_probs, only_labelled=True)
    for ask in (job.regions, job.region_matrix):
        with pytest.raises(segscore.SegscoreError, match="the most probable ones are not known") as caught:
            ask()
        assert (caught.value.status, caught.value.type) == (404, "urn:segscore:no-predicted-classes")


def test_predicted_classes_alone_have_no_regions(client, arrays):
    labels, pred_probs = arrays
    reduced = client.reduce(labels, pred_probs)
    job = client.submit(labels, own=reduced.own, predicted=reduced.predicted, classes=4)
    with pytest.raises(segscore.SegscoreError, match="largest probabilities are not known") as caught:
        job.regions()
    assert caught.value.type == "urn:segscore:no-largest-probabilities"
    whole = client.submit(labels, **reduced._asdict(), classes=4)
    assert list(whole.regions()) == list(client.submit(labels, pred_probs).regions())


def test_a_job_without_label_issues_has_no_regions_of_them(client, arrays):
    job = client.submit(*arrays, threshold=0.3)
    assert job.regions().of == "issues" and job.regions().threshold == 0.3
    with pytest.raises(segscore.SegscoreError) as caught:
        job.regions(of="label_issues")
    assert caught.value.type == "urn:segscore:no-label-issues"


@pytest.mark.parametrize(
    "options",
    [
        {"of": "pixels"},
        {"threshold": 2},
        {"threshold": 0.1, "of": "label_issues"},
        {"image": 7},
        {"given": 4},
        {"suggested": -1},
        {"min_area": 0},
        {"min_thickness": 0},
    ],
)
def test_what_makes_no_sense_is_told_at_once(job, options):
    for ask in (job.regions, job.region_matrix):
        with pytest.raises(segscore.InvalidInputError) as caught:
            ask(**options)
        assert caught.value.parameter in options
    with pytest.raises(ValueError, match="order"):
        job.regions(order="size")


def test_an_open_job_is_not_waited_for(client, arrays):
    with client.dataset() as dataset:
        dataset.add(*arrays)
        for ask in (dataset.job.regions, dataset.job.region_matrix):
            with pytest.raises(segscore.SegscoreError) as caught:
                ask()
            assert caught.value.type == "urn:segscore:job-not-finished"
    assert len(dataset.job.regions()) > 0

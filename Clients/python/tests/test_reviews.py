"""What reviewers decide about the regions of a job, and the labels that come of it."""

import dataclasses
import datetime
import json
import os
import pickle
import stat
import sys
import types
import urllib.request

import numpy as np
import PIL.Image
import pytest

import segscore
from segscore import Decision, DecisionCell, review
from segscore import decisions as sent
from test_html import Page
from test_regions import sample


@pytest.fixture(scope="session")
def arrays():
    return sample(5, 24, 18)


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser was asked to open."""
    addresses = []
    monkeypatch.setattr("webbrowser.open", addresses.append)
    return addresses


def mend(labels, region, label):
    """Gives the pixels of a region a label."""
    x, y, width, height = region.bbox
    labels[(region.image, *region.slice)][y : y + height, x : x + width][region.mask()] = label


# Classes of pixels


def test_classes_are_those_of_the_arrays(job, arrays):
    labels, pred_probs = arrays
    np.testing.assert_array_equal(job.labels(), labels, strict=True)
    np.testing.assert_array_equal(job.predicted(), pred_probs.argmax(axis=1).astype(np.uint8), strict=True)
    np.testing.assert_array_equal(job.mended(), labels, strict=True)
    for image in (0, 4):
        for array in (job.labels, job.predicted, job.mended):
            np.testing.assert_array_equal(array(image), array()[image], strict=True)


def test_pixels_that_take_no_part_have_the_greatest_value(client, arrays):
    labels, pred_probs = arrays
    labels = labels.astype(int)
    labels[:, :3], labels[:, 3] = -1, 7
    job = client.submit(labels, pred_probs, ignore_label=[-1, 7])
    np.testing.assert_array_equal(job.labels(), np.where((labels < 0) | (labels > 3), 255, labels))
    np.testing.assert_array_equal(job.mended(), job.labels())


def test_images_of_several_sizes_are_lists(client):
    data = [sample(1, *size) for size in [(12, 9), (8, 8), (6, 20)]]
    job = client.submit([labels[0] for labels, _ in data], [probs[0] for _, probs in data])
    for array, expected in [
        (job.labels, [labels[0] for labels, _ in data]),
        (job.mended, [labels[0] for labels, _ in data]),
        (job.predicted, [probs[0].argmax(axis=0) for _, probs in data]),
    ]:
        found = array()
        assert isinstance(found, list) and len(found) == 3
        for one, other in zip(found, expected):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(array(2), expected[2])


def test_a_single_image_and_volumes_keep_their_shape(client, arrays):
    labels, pred_probs = arrays
    assert client.submit(labels[0], pred_probs[0]).labels().shape == (24, 18)
    job = client.submit(labels[None], np.moveaxis(pred_probs, 1, 0)[None])
    region = max(job.regions(), key=lambda region: region.slice)
    job.decide(region, "wrong")
    expected = labels[None].copy()
    mend(expected, region, region.suggested)
    np.testing.assert_array_equal(job.mended(), expected)
    assert not np.array_equal(job.mended(), job.labels())


def test_many_classes_have_wide_types(client):
    random = np.random.default_rng(0)
    labels, pred_probs = random.integers(0, 300, (2, 4, 5)), random.random((2, 300, 4, 5)).astype(np.float32)
    pred_probs /= pred_probs.sum(axis=1, keepdims=True)
    labels[0, 0, 0] = -1
    with client.dataset(ignore_label=-1) as dataset:
        dataset.add(labels[:1], pred_probs[:1])
        dataset.add((labels[1:] % 256).astype(np.uint8), pred_probs[1:])
    job = dataset.job.wait(20)
    found = job.labels()
    assert found.dtype == np.uint16 and found[0, 0, 0] == 65535
    assert found[0, 0, 1] == labels[0, 0, 1]
    np.testing.assert_array_equal(found[1], labels[1] % 256)
    np.testing.assert_array_equal(job.predicted(), pred_probs.argmax(axis=1))
    np.testing.assert_array_equal(job.mended(), found)


def test_images_whose_labels_lie_in_several_types_are_one_array(client, arrays):
    labels, pred_probs = arrays
    wide = labels[2:].astype(int)
    wide[0, 0, 0] = 300
    with client.dataset(ignore_label=300) as dataset:
        dataset.add(labels[:2], pred_probs[:2])
        dataset.add(wide, pred_probs[2:])
    job = dataset.job.wait(20)
    expected = np.concatenate([labels[:2].astype(np.uint16), wide.astype(np.uint16)])
    np.testing.assert_array_equal(job.labels(), expected, strict=True)
    np.testing.assert_array_equal(job.labels(0), labels[0], strict=True)
    region = next(region for region in job.regions() if region.image == 2)
    job.decide(region, "wrong")
    mend(expected, region, region.suggested)
    np.testing.assert_array_equal(job.mended(), expected, strict=True)
    np.testing.assert_array_equal(job.predicted(), pred_probs.argmax(axis=1).astype(np.uint16), strict=True)


def test_what_softmin_needs_does_not_tell_the_most_probable_class(client):
    _, pred_probs = sample(1, 8, 8)
    job = client.submit(np.zeros((1, 8, 8), int), pred_probs, only_labelled=True)
    assert job.labels().sum() == 0
    with pytest.raises(segscore.SegscoreError) as caught:
        job.predicted()
    assert caught.value.status == 404


def test_an_open_job_is_not_waited_for(client, arrays, tmp_path):
    with client.dataset() as dataset:
        dataset.add(*arrays)
        job = dataset.job
        asks = [job.labels, job.mended, job.keep, job.release, job.decision_summary, lambda: list(job.decisions())]
        asks += [lambda: job.decide("0-0-0", "fine"), lambda: job.save_mended(tmp_path), lambda: job.review(open=False)]
        for ask in asks:
            with pytest.raises(segscore.SegscoreError) as caught:
                ask()
            assert caught.value.type == "urn:segscore:job-not-finished"


# Decisions


def test_a_region_that_is_wrong_is_mended(job, arrays):
    expected = arrays[0].copy()
    regions = list(job.regions(limit=4))
    job.decide(regions[0], "wrong")
    mend(expected, regions[0], regions[0].suggested)
    other = next(label for label in range(4) if label not in (regions[1].given, regions[1].suggested))
    job.decide(regions[1].id, "wrong", np.int64(other))
    mend(expected, regions[1], other)
    job.decide(regions[2], "fine")
    job.decide(regions[3], "unsure")
    np.testing.assert_array_equal(job.mended(), expected)
    assert np.count_nonzero(expected != arrays[0]) == regions[0].area + regions[1].area
    job.withdraw(regions[1])
    mend(expected, regions[1], regions[1].given)
    np.testing.assert_array_equal(job.mended(), expected)


def test_a_decision_says_what_was_decided(job):
    region = next(iter(job.regions()))
    before = datetime.datetime.now(datetime.timezone.utc)
    decision = job.decide(region, "wrong", note="é\n", reviewer="Ada")
    assert decision == Decision(
        region=region.id,
        of="label_issues",
        threshold=None,
        image=region.image,
        name=None,
        given=region.given,
        suggested=region.suggested,
        verdict="wrong",
        label=region.suggested,
        note="é\n",
        reviewer="Ada",
        decided_at=decision.decided_at,
    )
    assert abs(decision.decided_at - before) < datetime.timedelta(seconds=20)
    fine = job.decide(region.id, "fine")
    assert (fine.label, fine.note, fine.reviewer) == (None, None, None)
    assert list(job.decisions()) == [decision, fine]
    assert pickle.loads(pickle.dumps(decision)) == decision
    with pytest.raises(dataclasses.FrozenInstanceError):
        decision.verdict = "fine"


def test_a_region_says_of_which_pixels_it_is(job):
    [region] = job.regions(threshold=0.4, limit=1)
    decision = job.decide(region, "fine")
    assert (decision.of, decision.threshold) == ("issues", 0.4)
    [other] = job.regions(of="disagreements", limit=1)
    assert job.decide(other.id, "unsure", of="disagreements").of == "disagreements"
    assert [each.of for each in job.decisions()] == ["issues", "disagreements"]
    assert job.decision_summary().decided == 0
    assert job.decision_summary(threshold=0.4).decided == job.decision_summary(of="disagreements").decided == 1
    job.withdraw(region)
    job.withdraw(other.id, of="disagreements")
    assert len(job.decisions()) == 0


def test_reviewers_decide_for_themselves(job):
    region = next(iter(job.regions()))
    job.decide(region, "wrong", reviewer="Ada")
    job.decide(region, "fine", reviewer="Bob")
    job.decide(region, "unsure", reviewer="Ada")
    assert [(each.reviewer, each.verdict) for each in job.decisions()] == [("Bob", "fine"), ("Ada", "unsure")]
    [read] = job.regions(limit=1)
    assert read.verdict == "unsure"
    with pytest.raises(segscore.SegscoreError) as caught:
        job.withdraw(region)
    assert caught.value.type == "urn:segscore:decision-not-found"
    job.withdraw(region, "Ada")
    assert [each.reviewer for each in job.decisions()] == ["Bob"]
    job.decide(region, "wrong", reviewer="Ada")
    summary = job.decision_summary()
    assert (summary.decided, summary.disputed) == (1, 1)
    assert summary.cells == [DecisionCell(region.given, region.suggested, wrong=1, fine=0, unsure=0, disputed=1)]


def test_regions_tell_what_was_decided(job, monkeypatch):
    monkeypatch.setattr("segscore.regions.FIRST_PAGE", 3)
    monkeypatch.setattr("segscore.regions.PAGE", 7)
    regions = list(job.regions())
    assert all((region.verdict, region.label) == (None, None) for region in regions)
    chosen = regions[::3]
    assert job.decide_many({"region": region, "verdict": "wrong"} for region in chosen) == len(chosen)
    decided = job.regions(decided=True)
    assert [region.id for region in decided] == [region.id for region in chosen]
    assert all((region.verdict, region.label) == ("wrong", region.suggested) for region in decided)
    rest = job.regions(decided=False)
    assert len(rest) == len(regions) - len(chosen) and all(region.verdict is None for region in rest)
    for flag, count in ((True, len(chosen)), (False, len(rest)), (None, len(regions))):
        assert sum(cell.regions for cell in job.region_matrix(decided=flag)) == count
    table = job.regions().to_dataframe()
    assert table["verdict"].notna().sum() == table["label"].notna().sum() == len(chosen)
    assert table["label"].dtype == "Int64"


def test_one_may_decide_while_one_iterates(job, monkeypatch):
    monkeypatch.setattr("segscore.regions.FIRST_PAGE", 3)
    monkeypatch.setattr("segscore.regions.PAGE", 7)
    for region in job.regions(decided=False):
        job.decide(region, "fine")
    assert len(job.regions(decided=False)) == 0 and len(job.decisions()) == len(job.regions())


def test_many_decisions_go_by_few_requests(job, monkeypatch):
    bodies, ask = [], segscore._transport.Transport.ask

    def recorded(self, method, path, **options):
        if method == "POST":
            bodies.append((options["query"], json.loads(bytes(next(iter(options["body"]))[0]))))
        return ask(self, method, path, **options)

    monkeypatch.setattr(segscore._transport.Transport, "ask", recorded)
    monkeypatch.setattr(sent, "MOST_AT_ONCE", 4)
    regions = list(job.regions(limit=10))
    many = [{"region": region, "verdict": "fine"} for region in regions]
    assert job.decide_many(iter(many), reviewer="Ada") == 10
    assert [len(body["decisions"]) for _, body in bodies] == [4, 4, 2]
    assert {each.reviewer for each in job.decisions()} == {"Ada"}
    assert [each.region for each in job.decisions()] == [region.id for region in regions]
    bodies.clear()
    monkeypatch.setattr(sent, "MOST_BYTES", 1000)
    noted = [{**each, "note": "n" * 400, "reviewer": "Bob"} for each in many]
    assert job.decide_many(noted, reviewer="Ada") == 10
    assert [len(body["decisions"]) for _, body in bodies] == [2] * 5
    bodies.clear()
    [other] = job.regions(of="disagreements", limit=1)
    assert job.decide_many([many[0], {"region": other, "verdict": "fine"}, many[1]]) == 3
    assert [query["of"] for query, _ in bodies] == ["label_issues", "disagreements", "label_issues"]
    assert job.decide_many([]) == 0


def test_decisions_are_taken_to_another_job_of_the_same_data(job, client, arrays):
    for region in job.regions(limit=5):
        job.decide(region, "wrong", reviewer="Ada", note="seen")
    for region in job.regions(threshold=0.4, limit=2):
        job.decide(region, "fine")
    other = client.submit(*arrays, method="num_pixel_issues")
    assert other.decide_many(job.decisions()) == 7
    strip = [dataclasses.replace(each, decided_at=None) for each in other.decisions()]
    assert strip == [dataclasses.replace(each, decided_at=None) for each in job.decisions()]
    np.testing.assert_array_equal(other.mended(), job.mended())


def test_decisions_are_read_by_pages_and_anew(job, monkeypatch):
    monkeypatch.setattr(sent, "PAGE", 3)
    decisions = job.decisions()
    assert len(decisions) == 0 and list(decisions) == [] and not decisions
    regions = list(job.regions(limit=8))
    job.decide_many({"region": region, "verdict": "unsure"} for region in regions)
    assert len(decisions) == 8
    assert [each.region for each in decisions] == [region.id for region in regions]
    assert job.id in repr(decisions)


def test_a_table_has_a_row_for_each_decision(job):
    names = [field.name for field in dataclasses.fields(Decision)]
    empty = job.decisions().to_dataframe()
    assert list(empty) == names and len(empty) == 0
    first, second = job.regions(limit=2)
    decisions = [job.decide(first, "wrong", reviewer="Ada"), job.decide(second, "fine", note="good")]
    table = job.decisions().to_dataframe()
    assert list(table) == names and len(table) == 2
    assert [str(dtype) for dtype in table.dtypes] == [str(dtype) for dtype in empty.dtypes]
    assert table["label"].isna().tolist() == [False, True] and table["label"][0] == first.suggested
    assert table["decided_at"].tolist() == [each.decided_at for each in decisions]
    assert table["region"].tolist() == [first.id, second.id] and table["threshold"].isna().all()


def test_pandas_is_named_if_it_is_missing(job, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_dataframe .*pip install pandas"):
        job.decisions().to_dataframe()


@pytest.mark.parametrize(
    "verdict, options, parameter",
    [
        ("right", {}, "verdict"),
        ("withdrawn", {}, "verdict"),
        ("fine", {"label": 1}, "label"),
        ("wrong", {"label": 4}, "label"),
        ("wrong", {"label": -1}, "label"),
        ("fine", {"note": "é" * 2049}, "note"),
        ("fine", {"reviewer": "n" * 129}, "reviewer"),
    ],
)
def test_what_makes_no_sense_is_refused(job, verdict, options, parameter):
    region = next(iter(job.regions()))
    for ask in (
        lambda: job.decide(region, verdict, **options),
        lambda: job.decide_many(
            [{"region": region, "verdict": "fine"}, {"region": region, "verdict": verdict, **options}]
        ),
    ):
        with pytest.raises(segscore.InvalidInputError) as caught:
            ask()
        assert caught.value.parameter == parameter
    assert len(job.decisions()) == 0


def test_regions_that_are_not_there_are_refused(job, client, arrays):
    region = next(iter(job.regions()))
    for id in ("0-0", "a/../b", "9-9-9", "?", "0-999-0"):
        with pytest.raises(segscore.SegscoreError) as caught:
            job.decide(id, "fine")
        assert caught.value.type == "urn:segscore:region-not-found", id
    for id in ("", "..", "summary"):
        with pytest.raises(ValueError, match="is no id of a region"):
            job.decide(id, "fine")
    with pytest.raises(ValueError, match="of another job"):
        client.submit(*arrays, method="num_pixel_issues").decide(region, "fine")
    with pytest.raises(TypeError, match="not int"):
        job.decide(3, "fine")
    with pytest.raises(TypeError):
        job.decide(region, "wrong", 1.5)
    with pytest.raises(ValueError, match="lacks region or verdict"):
        job.decide_many([{"region": region}])
    with pytest.raises(ValueError, match="has lable"):
        job.decide_many([{"region": region, "verdict": "wrong", "lable": 3}])
    assert len(job.decisions()) == 0


# Results that are kept


def test_results_are_kept_until_they_are_released(start_server, arrays):
    url = f"http://127.0.0.1:{start_server('--result-ttl', 3600).port}"
    with segscore.Client(url) as client:
        job = client.submit(*arrays).wait(20)
        assert job.document()["expires_at"] is not None
        job.keep()
        assert job.document()["expires_at"] is None
        job.keep()
        job.release()
        assert job.document()["expires_at"] is not None


# Files


def folders_of(root, names):
    """Folders of masks and probabilities, and the labels by name."""
    labels_of = {}
    for place, name in enumerate(names):
        [labels], [pred_probs] = sample(1, 8 + place, 12, seed=place)
        for folder, array in (("masks", labels), ("probs", pred_probs)):
            path = root / folder / f"{name}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, array)
        labels_of[name] = labels
    return root / "masks", root / "probs", labels_of


def test_mended_labels_are_written_under_numbers(job, tmp_path):
    job.decide_many({"region": region, "verdict": "wrong"} for region in job.regions(min_thickness=2))
    folder = tmp_path / "not/there"
    paths = job.save_mended(folder)
    assert paths == [folder / f"{image:06}.png" for image in range(5)] and sorted(folder.iterdir()) == paths
    mended = job.mended()
    assert not np.array_equal(mended, job.labels())
    for path, expected in zip(paths, mended):
        picture = PIL.Image.open(path)
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), expected)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(paths[0].stat().st_mode) == 0o666 & ~umask


def test_mended_labels_can_be_scored_again(job, client, arrays, tmp_path):
    job.decide_many({"region": region, "verdict": "wrong"} for region in job.regions())
    again = client.submit([str(path) for path in job.save_mended(tmp_path)], arrays[1])
    np.testing.assert_array_equal(again.labels(), job.mended())


@pytest.mark.parametrize("whose", ["the client's", "the server's"])
def test_mended_labels_are_written_under_names(client, start_server, tmp_path, whose):
    masks, probs, labels_of = folders_of(tmp_path / "data", ["a", "b.c", "inner/a"])
    if whose == "the client's":
        job = client.submit(masks, probs)
    else:
        url = f"http://127.0.0.1:{start_server('--data-dir', tmp_path / 'data').port}"
        body = b'{"labels": {"folder": "masks"}, "pred_probs": {"folder": "probs"}, "method": "margin"}'
        with urllib.request.urlopen(f"{url}/score", body) as answer:
            job = segscore.Client(url).job(json.load(answer)["job"])
    region = next(iter(job.regions()))
    decision = job.decide(region, "wrong")
    assert decision.name == region.name == next(iter(job.decisions())).name
    x, y, width, height = region.bbox
    labels_of[region.name][y : y + height, x : x + width][region.mask()] = region.suggested
    paths = job.save_mended(tmp_path / "out")
    assert paths == [tmp_path / "out" / f"{name}.png" for name in labels_of]
    for path, name in zip(paths, labels_of):
        np.testing.assert_array_equal(np.asarray(PIL.Image.open(path)), labels_of[name])


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/out", "a//b", "", ".", "..", "a/.", "a\0b"])
def test_nothing_is_written_outside_of_the_folder(job, tmp_path, name):
    job.names = ["0", "1", "2", "3", name]
    with pytest.raises(ValueError, match="does not name a file within"):
        job.save_mended(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_links_do_not_lead_out_of_the_folder(job, tmp_path):
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir(), outside.mkdir()
    (folder / "link").symlink_to(outside)
    job.names = ["0", "1", "2", "3", "link/deep/4"]
    with pytest.raises(ValueError, match="leads out of"):
        job.save_mended(folder)
    assert list(folder.iterdir()) == [folder / "link"] and list(outside.iterdir()) == []
    # A link in the place of a file is replaced, and not followed.
    (outside / "kept").write_text("kept")
    (folder / "0.png").symlink_to(outside / "kept")
    job.names = ["0", "1", "2", "3", "4"]
    job.save_mended(folder)
    assert not (folder / "0.png").is_symlink() and (outside / "kept").read_text() == "kept"
    # The folder itself may be a link.
    (tmp_path / "alias").symlink_to(folder)
    assert len(job.save_mended(tmp_path / "alias")) == 5


def test_a_file_is_replaced_whole_or_not_at_all(job, tmp_path, monkeypatch):
    paths = job.save_mended(tmp_path)
    paths[0].write_bytes(b"old")
    paths[1].write_bytes(b"old")
    calls, fsync = [], os.fsync

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        job.save_mended(tmp_path)
    assert PIL.Image.open(paths[0]).size == (18, 24) and paths[1].read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == paths


def test_volumes_are_no_pictures(client, arrays, tmp_path):
    labels, pred_probs = arrays
    job = client.submit(labels[None], np.moveaxis(pred_probs, 1, 0)[None])
    with pytest.raises(segscore.SegscoreError) as caught:
        job.save_mended(tmp_path)
    assert caught.value.type == "urn:segscore:not-drawable" and list(tmp_path.iterdir()) == []


# The page


def test_a_review_keeps_the_job_and_opens_its_page(job, server, opened):
    found = job.review()
    address = f"{server.url}/#/jobs/{job.id}"
    assert opened == [address] and repr(found) == str(found) == found.url == address and found.job is job
    assert job.document()["expires_at"] is None
    assert repr(job.review(open=False)) == address and len(opened) == 1


def test_a_notebook_opens_no_browser_and_shows_pictures(job, arrays, opened, monkeypatch):
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    found = job.review()
    assert opened == []
    del shell.kernel
    job.review()
    assert opened == [found.url]  # A shell in a terminal.
    page = Page(found._repr_html_())
    worst = job.ranking(8)
    assert page.links == [found.url] and "5 images" in page.words
    assert list(page.pictures) == [f"{kind} of {each.image}" for each in worst for kind in ("labels", "issues")]
    issues = job.label_issues()
    for each in worst:
        assert f"{each.score:.4f}" in page.words and f"{each.num_pixel_issues:,} issues" in page.words
        colours = page.pictures[f"labels of {each.image}"].reshape(-1, 3)
        pairs = set(zip(arrays[0][each.image].reshape(-1).tolist(), map(tuple, colours.tolist())))
        assert len(pairs) == len({label for label, _ in pairs}) == len({colour for _, colour in pairs})
        np.testing.assert_array_equal(page.pictures[f"issues of {each.image}"][..., 0] > 100, issues[each.image])


@pytest.mark.parametrize("options", [{}, {"threshold": 0.3}, {"method": "margin"}])
def test_at_most_eight_images_of_any_kind_are_shown(client, options):
    labels, pred_probs = sample(9, 200, 300)
    labels[0, :50] = 255
    options = {**options, "ignore_label": 255}
    page = Page(client.submit(labels, pred_probs, **options).review(open=False)._repr_html_())
    assert len(page.pictures) == 16 and "9 images, the worst 8" in page.words
    assert all(picture.shape == (67, 100, 3) for picture in page.pictures.values())
    for data in (
        (labels[0], pred_probs[0]),
        (labels[None, :3], np.moveaxis(pred_probs[:3], 1, 0)[None]),
        (labels[:1, :1], pred_probs[:1, :, :1]),
    ):
        page = Page(client.submit(*data, **options).review(open=False)._repr_html_())
        assert len(page.pictures) == 2 and "1 image" in page.words
        assert all(max(picture.shape) <= 128 for picture in page.pictures.values())


def test_a_server_on_a_unix_socket_has_no_page(server, arrays, opened):
    with segscore.Client(server.socket_url) as client:
        job = client.submit(*arrays).wait(20)
        with pytest.raises(ValueError, match="segscore serve .*url="):
            job.review()
        assert opened == [] and job.document()["expires_at"] is not None
        found = job.review(url=f"{server.url}/")
        assert opened == [found.url] == [f"{server.url}/#/jobs/{job.id}"]
        for url in ("file:///etc/passwd", "--version", "unix:/s"):
            with pytest.raises(ValueError):
                job.review(url=url)


def test_an_own_server_says_what_to_do(opened):
    with pytest.raises(ValueError, match="this process's own server.*segscore serve.*SEGSCORE_URL"):
        review.address_of("unix:/tmp/s", True, "j")

"""What is different between labels, and between the jobs that scored them."""

import sys

import numpy as np
import pytest
import scipy.ndimage

import segscore
from segscore import annotations
from segscore.annotations import changes
from test_html import Page
from test_regions import sample


@pytest.fixture(scope="session")
def arrays():
    return sample(5, 24, 18)


def count_regions(before, after):
    """By scipy, a pair of labels at a time."""
    count = 0
    for old, new in {(int(old), int(new)) for old, new in zip(before.ravel(), after.ravel()) if old != new}:
        count += scipy.ndimage.label((before == old) & (after == new), np.ones((3, 3)))[1]
    return count


@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.7, 1])
@pytest.mark.parametrize("shape", [(30, 40), (1, 50), (50, 1), (2, 2)])
def test_pixels_and_regions_are_counted(shape, share):
    random = np.random.default_rng(7)
    before = random.integers(0, 3, (4, *shape))
    after = np.where(random.random(before.shape) < share, random.integers(0, 3, before.shape), before)
    found = changes(before, after)
    for image in found.images:
        one, other = before[image.image], after[image.image]
        assert image.pixels == np.count_nonzero(one != other)
        assert image.regions == count_regions(one, other)
    assert found.pixels == np.count_nonzero(before != after)
    for row, old in enumerate(found.labels):
        for column, new in enumerate(found.labels):
            expected = 0 if old == new else np.count_nonzero((before == old) & (after == new))
            assert found.matrix[row, column] == expected
    assert found.matrix.sum() == found.pixels


def test_large_regions_of_many_shapes_are_counted():
    rows, columns = np.indices((90, 70))
    before = np.zeros((90, 70), np.uint8)
    for after in [rows % 3, columns // 5 % 2, (rows // 7 + columns // 7) % 4, (np.hypot(rows - 45, columns) // 4) % 3]:
        [image] = changes(before, after.astype(np.uint16)).images
        assert image.regions == count_regions(before, after.astype(np.uint16))


def test_lists_and_single_images_are_compared():
    before = [np.zeros((2, 3), int), np.ones((4, 1), np.uint16)]
    after = [np.zeros((2, 3), np.uint8), np.array([[1], [300], [1], [300]])]
    found = changes(before, after)
    assert [(image.pixels, image.regions, image.name) for image in found.images] == [(0, 0, "0"), (2, 2, "1")]
    assert found.labels.tolist() == [1, 300] and found.matrix.tolist() == [[0, 2], [0, 0]]
    assert repr(found) == "<segscore.Changes: 2 pixels in 2 regions, 1 of 2 images>"
    [image] = changes(before[1], after[1]).images
    assert image == segscore.ChangedImage(0, "0", 2, 2)
    nothing = changes(before, before)
    assert repr(nothing) == "<segscore.Changes: 0 pixels in 0 regions, 0 of 2 images>"
    assert nothing.matrix.shape == (0, 0) and nothing.changed == []
    assert "0 pixels" in Page(nothing._repr_html_()).words


def test_other_images_are_refused():
    before = np.zeros((2, 3, 4), int)
    with pytest.raises(ValueError, match=r"2 of \(3, 4\), and 1 of \(3, 4\)"):
        changes(before, before[:1])
    with pytest.raises(ValueError, match=r"2 of \(3, 4\), and 2 of \(4, 3\)"):
        changes(before, np.zeros((2, 4, 3), int))
    for labels in (np.zeros((2, 3, 4)), np.zeros(3, int), np.zeros((1, 2, 3, 4), int)):
        with pytest.raises(ValueError, match="labels are integers"):
            changes(labels, labels)


def test_a_job_is_compared_with_what_a_tool_made_of_it(job, tmp_path):
    job.decide_many({"region": region, "verdict": "wrong"} for region in job.regions(limit=5))
    found = annotations.read(job.export(tmp_path / "masks.zip"), job, class_names=["0", "1", "2", "3"])
    made = changes(job, found)
    assert made.pixels == np.count_nonzero(job.labels() != job.mended()) > 0
    # Regions of several pairs of classes stay apart, and those that touch are one.
    assert 1 <= made.regions <= 5
    assert [image.name for image in made.images] == found.names
    assert made.images[0].score_before is None and made.images[0].issues_after is None


def test_jobs_are_compared_with_their_scores_and_issues(client, job, arrays):
    job.decide_many({"region": region, "verdict": "wrong"} for region in job.regions())
    after = client.submit(job.mended(), arrays[1], method="num_pixel_issues", threshold=0.25)
    found = changes(job, after)
    assert found.pixels == np.count_nonzero(job.mended() != arrays[0])
    issues = [job.label_issues(), after.label_issues()]
    for image in found.images:
        assert image.score_before == job.image_scores()[image.image]
        assert image.score_after == after.image_scores()[image.image]
        assert image.issues_before == np.count_nonzero(issues[0][image.image])
        assert image.issues_after == np.count_nonzero(issues[1][image.image])
    assert sum(image.issues_after for image in found.images) < sum(image.issues_before for image in found.images)
    table = found.to_dataframe()
    assert table.pixels.tolist() == [image.pixels for image in found.images]
    assert table.score_after.tolist() == after.image_scores().tolist()
    assert table.issues_after.dtype == "Int64"
    assert changes(arrays[0], job.mended()).to_dataframe().issues_after.isna().all()


def test_a_table_of_classes_has_their_names(monkeypatch):
    before, after = np.array([[0, 1, 1, 255]]), np.array([[1, 0, 0, 0]])
    given = annotations.Annotations(after, ["a"], [], "coco", ["road", "car"])
    table = changes(before, given).matrix_dataframe()
    assert table.loc["car", "road"] == 2 and table.loc["road", "car"] == 1 and table.loc[255, "road"] == 1
    assert (table.index.name, table.columns.name) == ("before", "after")
    monkeypatch.setitem(sys.modules, "pandas", None)
    for method in ("to_dataframe", "matrix_dataframe"):
        with pytest.raises(ImportError, match=f"{method} returns a pandas.DataFrame: pip install pandas"):
            getattr(changes(before, given), method)()


def test_a_notebook_shows_the_images_that_were_changed_most(client, job, arrays):
    after = arrays[0].copy()
    after[1, :9], after[3, 0, 0] = (after[1, :9] + 1) % 4, (after[3, 0, 0] + 1) % 4
    job.names = ["a", "<b>", "c", "d", "e"]
    page = Page(changes(job, client.submit(after, arrays[1], method="margin"))._repr_html_())
    kinds = ["labels of {} before", "labels of {} after", "changes of {}"]
    assert list(page.pictures) == [kind.format(name) for name in ("<b>", "d") for kind in kinds]
    changed = (page.pictures["changes of <b>"] == (226, 0, 122)).all(axis=-1)
    assert np.array_equal(changed, after[1] != arrays[0][1])
    assert "163 pixels" in page.words and "2 of 5 images" in page.words and "score" in page.words
    assert "pixelsbeforeafter" in page.words

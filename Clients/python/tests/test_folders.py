"""Folders of labels and of predictions, with the answer to the same images as lists."""

import json
import urllib.request

import numpy as np
import pytest

import masks
import segscore
from conftest import sample

NAMES = ["Zagreb", "aachen/10", "aachen/9", "b"]
SIZES = [(6, 9), (8, 8), (6, 9), (5, 12)]


@pytest.fixture
def images():
    return [tuple(array[0] for array in sample(1, 4, h, w, seed=w)) for h, w in SIZES]


@pytest.fixture
def folders(images, tmp_path):
    """The paths of two folders, with files of several kinds."""
    for name, (labels, pred_probs), kind in zip(NAMES, images, range(4)):
        mask, output = (tmp_path / folder / name for folder in ("masks", "probs"))
        for path in (mask, output):
            path.parent.mkdir(parents=True, exist_ok=True)
        if kind % 2:
            np.save(f"{mask}.npy", labels[None])
            np.savez_compressed(f"{output}.npz", probabilities=pred_probs)
        else:
            mask.with_name(mask.name + ".png").write_bytes(masks.palette(labels))
            np.save(f"{output}.npy", pred_probs[None])
    (tmp_path / "masks/notes.txt").write_text("no mask")
    (tmp_path / "masks/.hidden.png").write_bytes(b"no mask")
    return tmp_path / "masks", tmp_path / "probs"


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
def test_folders_are_scored_as_lists_are(client, small_client, folders, images, method):
    labels, pred_probs = (list(each) for each in zip(*images))
    expected = client.score(labels, pred_probs, method=method)
    for some in (client, small_client):
        scores = some.score(*folders, method=method)
        assert scores.names == NAMES
        np.testing.assert_array_equal(scores.image_scores, expected.image_scores)
        for found, other in zip(scores.pixel_scores, expected.pixel_scores):
            np.testing.assert_array_equal(found, other)
    assert expected.names is None


def test_the_ranking_has_names(client, folders):
    job = client.submit(*map(str, folders))
    ranking = job.ranking()
    assert job.names == NAMES and [each.name for each in ranking] == [NAMES[each.image] for each in ranking]
    [labels], [pred_probs] = sample(1, 4, 6, 9)
    assert client.submit([labels], [pred_probs]).ranking()[0].name is None


def test_the_server_tells_names_in_rankings_too(start_server, folders):
    url = f"http://127.0.0.1:{start_server('--data-dir', folders[0].parent).port}"
    body = b'{"labels": {"folder": "masks"}, "pred_probs": {"folder": "probs"}}'
    with urllib.request.urlopen(f"{url}/score", body) as answer, segscore.Client(url) as client:
        ranking = client.job(json.load(answer)["job"]).ranking()
    assert sorted(each.name for each in ranking) == NAMES


def test_logits_come_in_folders_too(client, folders, images, tmp_path):
    for name, (_, pred_probs) in zip(NAMES, images):
        path = tmp_path / f"out/{name}_logits.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.log(pred_probs))
    scores = client.score(folders[0], logits=tmp_path / "out/*_logits.npy")
    assert scores.names == NAMES
    np.testing.assert_allclose(scores.image_scores, client.score(*folders).image_scores, rtol=1e-5)


def test_what_does_not_go_together_is_refused_before_anything_is_sent(client, folders):
    masks_, probs = folders
    with pytest.raises(ValueError, match="goes with a folder"):
        client.score(masks_, [np.ones((2, 3, 3))])
    with pytest.raises(ValueError, match="two files are of the name b"):
        (masks_ / "b.png").write_bytes(b"")
        client.score(masks_, probs)
    (masks_ / "b.png").unlink()
    with pytest.raises(ValueError, match="one star"):
        client.score(masks_ / "*_*.png", probs)
    (probs / "Zagreb.npy").unlink()
    with pytest.raises(ValueError, match=r"Of 4 images in \S+masks, 1 is not in \S+probs: Zagreb\.$"):
        client.score(masks_, probs)
    (masks_ / "empty").mkdir()
    with pytest.raises(ValueError, match="has no files of images"):
        client.score(masks_ / "empty", probs)

"""The engine in this process: the library beside the program finds what the server finds, and says what is wrong."""

import gc
import math
import pickle
import threading

import numpy as np
import pytest

from segscore import InvalidInputError, _engine
from server import BINARY


@pytest.fixture(autouse=True)
def beside_the_program(monkeypatch):
    monkeypatch.setenv("SEGSCORE_PROGRAM", str(BINARY))


def sample(dtype=np.float32, images=3, classes=5, seed=0):
    """Probabilities of few levels, so that many are equal, and labels of which some are ignored."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, (images, 12, 10))
    labels[:, 0] = 255
    probabilities = random.integers(0, 7, (images, classes, 12, 10)).astype(dtype)
    return labels, (probabilities / np.maximum(probabilities.sum(1, keepdims=True), 1)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_blocks_find_what_the_server_finds(client, dtype):
    labels, probabilities = sample(dtype, images=5)
    job = client.submit(labels, probabilities, method="num_pixel_issues", ignore_label=255, wait=True)
    found = job.statistics()
    query = {"ignore_label": "255"}
    blocks = [_engine.reduce(labels[i], probabilities[i], "pred_probs", query) for i in (slice(0, 2), slice(2, 5))]
    sums = [math.fsum(each) for each in zip(*(row for block in blocks for row in block["class_sums"]))]
    counts = sum(block["class_counts"].sum(0) for block in blocks)
    assert sums == [each["sum"] for each in found["classes"]]
    assert [math.fsum(each["sum_parts"]) for each in found["classes"]] == sums
    assert counts.tolist() == [each["count"] for each in found["classes"]]
    thresholds = np.array([each["confident_threshold"] for each in found["classes"]])
    cells = [(block["largest"], block["predicted"], block["labels"]) for block in blocks]
    assert sum(_engine.count_confident(*each, thresholds) for each in cells) == found["num_issues"]
    left, masks, scores = found["cut"]["ties"], [], []
    for block in blocks:
        equal = _engine.count_equal(block["own"], block["labels"], found["cut"]["score"])
        pixels = block["labels"], block["predicted"]
        marks = _engine.mark(block["own"], block["labels"], found["cut"]["score"], min(left, equal), *pixels)
        left -= min(left, equal)
        masks.append(marks.mask)
        scores.append(marks.image_scores)
        assert marks.counts.tolist() == marks.mask.sum(axis=(1, 2)).tolist()
    assert np.array_equal(np.concatenate(masks), job.label_issues())
    assert np.concatenate(scores).tolist() == list(job.image_scores())


def test_histograms_count_the_bits_of_scores():
    labels, probabilities = sample()
    block = _engine.reduce(labels, probabilities, "pred_probs", {"ignore_label": "255"})
    bits = block["own"][block["labels"] < 255].view(np.uint32)
    coarse = _engine.histogram(block["own"], block["labels"], 0, 15, 15)
    assert coarse.tolist() == np.bincount(bits >> 15, minlength=1 << 15).tolist()
    prefix = int(coarse.argmax())
    fine = _engine.histogram(block["own"], block["labels"], prefix, 0, 15)
    assert fine.tolist() == np.bincount(bits[bits >> 15 == prefix] & 0x7FFF, minlength=1 << 15).tolist()


def test_images_are_scored_as_the_server_scores_them(client):
    labels, probabilities = sample(seed=4)
    block = _engine.reduce(labels, probabilities, "pred_probs", {"ignore_label": "255"})
    softmin = client.score(labels, probabilities, ignore_label=255, temperature=0.3)
    assert _engine.softmin(block["own"], block["labels"], 0.3).tolist() == list(softmin.image_scores)
    margin = client.submit(labels, probabilities, method="margin", ignore_label=255, wait=True)
    pixels = block["own"], block["largest"], block["predicted"], block["labels"]
    assert _engine.margins(*pixels).tolist() == list(margin.image_scores())
    table = margin.regions().to_dataframe().sort_values(["image", "y", "x", "given"])
    regions = _engine.regions(*pixels, margin.label_issues(), 0)
    names = ["image", "given", "suggested", "x", "y", "width", "height", "area", "thickness", "touches_border"]
    rows = sorted(regions.whole_numbers.tolist(), key=lambda row: (row[0], row[4], row[3], row[1]))
    assert rows == table[names].astype(int).to_numpy().tolist()
    assert sorted(regions.numbers[:, 2]) == sorted(table["mass"])


@pytest.mark.parametrize("classes", [255, 256, 300])
def test_codes_are_as_wide_as_classes_need(classes):
    labels, probabilities = sample(classes=classes)
    labels[0, 1] = classes - 1
    block = _engine.reduce(labels, probabilities, "pred_probs", {"ignore_label": "255"} if classes == 255 else {})
    dtype = np.uint8 if classes <= 255 else np.uint16
    assert block["labels"].dtype == block["predicted"].dtype == dtype
    assert np.array_equal(block["labels"], labels)


@pytest.mark.parametrize("ignored", [0, 255, -1, 70000])
def test_pixels_that_take_no_part_are_all_ones(ignored):
    labels, probabilities = sample()
    labels[labels == 255] = ignored
    block = _engine.reduce(labels, probabilities, "pred_probs", {"ignore_label": str(ignored)})
    assert block["labels"].dtype == np.uint8
    assert np.array_equal(block["labels"] == 255, labels == ignored)
    assert (block["own"][block["labels"] == 255] == 1).all()


def test_blocks_of_pixels_come_beside_them(client):
    labels, probabilities = sample()
    block = _engine.reduce(labels, probabilities, "pred_probs", {"ignore_label": "255", "downsample": 2})
    assert {name: array.shape for name, array in block.items() if name.startswith("block")} == {
        f"block_{name}": (3, 6, 5) for name in ("own", "largest", "predicted", "labels")
    }
    assert block["block_own"].dtype == np.float64
    statistics = client.submit(
        labels, probabilities, method="num_pixel_issues", ignore_label=255, downsample=2, wait=True
    ).statistics()
    assert block["class_counts"].sum() == statistics["num_pixels"]


@pytest.mark.parametrize(
    "change",
    [
        lambda array: array.astype(">f4"),
        np.asfortranarray,
        lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
        lambda array: np.frombuffer(b"." + array.tobytes(), np.uint8)[1:].view(array.dtype).reshape(array.shape),
    ],
    ids=["big endian", "Fortran order", "strided", "not aligned"],
)
def test_arrays_may_lie_in_memory_in_any_way(change):
    labels, probabilities = sample()
    expected = _engine.reduce(labels, probabilities, "pred_probs", {"ignore_label": "255"})
    block = _engine.reduce(
        change(labels.astype(np.float32)), change(probabilities), "pred_probs", {"ignore_label": 255}
    )
    assert all(np.array_equal(expected[name], block[name]) for name in expected)
    count = _engine.count_equal(change(expected["own"]), expected["labels"], 0.25)
    assert count == _engine.count_equal(expected["own"], expected["labels"], 0.25) > 0


def test_logits_of_another_size_are_resized_as_by_the_server(client):
    labels, _ = sample()
    logits = np.random.default_rng(1).normal(size=(3, 5, 6, 5)).astype(np.float32)
    block = _engine.reduce(labels, logits, "logits", {"ignore_label": "255", "resize": "bilinear"})
    reduced = client.reduce(labels, logits=logits, ignore_label=255, resize="bilinear")
    assert all(np.array_equal(getattr(reduced, name), block[name]) for name in reduced._fields)


def test_wrong_arrays_are_told_of_as_by_the_server(client):
    labels, probabilities = sample()
    with pytest.raises(InvalidInputError) as by_server:
        client.reduce(labels, probabilities)
    with pytest.raises(InvalidInputError) as found:
        _engine.reduce(labels, probabilities, "pred_probs", {})
    assert str(found.value) == str(by_server.value)
    assert isinstance(pickle.loads(pickle.dumps(found.value)), InvalidInputError)
    with pytest.raises(InvalidInputError, match="the shape"):
        _engine.count_equal(np.zeros((1, 2, 2), np.float32), np.zeros((1, 2, 3), np.uint8), 0.5)


def test_arrays_outlive_what_made_them_and_go_with_their_last_view():
    labels, probabilities = sample()
    block = _engine.reduce(labels, probabilities, "pred_probs", {"ignore_label": "255"})
    own, expected = block["own"][1:], block["own"][1:].copy()
    del block
    gc.collect()
    # Other arrays would take the memory if it were free.
    others = [_engine.reduce(labels, probabilities[:, ::-1], "pred_probs", {"ignore_label": "255"}) for _ in range(9)]
    assert np.array_equal(own, expected)
    own[:] = 0  # They are the caller's.
    assert len(others) == 9


def test_memory_does_not_grow():
    labels = np.zeros((1, 512, 512), np.uint8)
    probabilities = np.full((1, 2, 512, 512), 0.5, np.float32)

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    for _ in range(20):
        _engine.reduce(labels, probabilities, "pred_probs", {})
    before = resident()
    for _ in range(100):
        _engine.reduce(labels, probabilities, "pred_probs", {})
    # One answer is 2.5 MB.
    assert resident() - before < 25 << 20


def test_several_threads_call_at_once():
    labels, probabilities = sample()
    expected = _engine.reduce(labels, probabilities, "pred_probs", {"ignore_label": "255"})
    wrong = []

    def work():
        for _ in range(50):
            block = _engine.reduce(labels, probabilities, "pred_probs", {"ignore_label": "255"})
            wrong.extend(name for name in expected if not np.array_equal(expected[name], block[name]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_without_a_library_it_says_where_there_is_one(monkeypatch, tmp_path):
    monkeypatch.setenv("SEGSCORE_PROGRAM", str(tmp_path / "segscore"))
    with pytest.raises(ImportError, match="SEGSCORE_PROGRAM"):
        _engine._Library().get()

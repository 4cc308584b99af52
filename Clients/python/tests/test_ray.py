"""`segscore.ray` finds what one machine finds, to the bit, whatever blocks rows are in and whatever workers die.

    pip install './Clients/python[ray]' -r Clients/python/tests/requirements.txt
    SEGSCORE=.build/release/segscore python -m pytest Clients/python/tests/test_ray.py

`SEGSCORE` names a program beside which the engine's library lies. Without Ray most of this is skipped.
"""

import contextlib
import logging
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import segscore
from conftest import sample
from server import BINARY, eventually

COLUMNS = ["id", "labels", "label_issues", "score", "num_pixel_issues"]


ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join(sys.path),  # What is called in workers may be of modules of the tests.
    "RAY_AUTH_MODE": "disabled",  # Else Ray would write a token to the home folder.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # So Ray listens on loopback alone.
    "RAY_USAGE_STATS_ENABLED": "0",
    "SEGSCORE_PROGRAM": str(BINARY),
}


@pytest.fixture(scope="module")
def sr():
    """The module, in a cluster of this machine with two workers, of which no process is left."""
    # Paths of sockets are no longer than about 100 bytes, which those of pytest's folders may be.
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ray-") as folder:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        ray = pytest.importorskip("ray")
        pytest.importorskip("ray.data")
        import segscore.ray

        others = descendants(os.getpid())
        ray.init(
            num_cpus=2, include_dashboard=False, object_store_memory=80 << 20, _temp_dir=folder, logging_level="error"
        )
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.target_max_block_size = 1 << 20  # Two tasks run at once only if the store has room for what both give.
        yield segscore.ray
        started = descendants(os.getpid()) - others
        ray.shutdown()
        try:
            eventually(lambda: not any(map(is_running, started)), "all processes of Ray end")
        finally:
            for pid in filter(is_running, started):
                os.kill(pid, signal.SIGKILL)


def descendants(pid):
    """The ids of all processes that a process has started, and these."""
    found = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found |= {child} | descendants(child)
    return found


def is_running(pid):
    """Whether a process is there that has not ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def dataset_of(labels, predictions, blocks=5, name="pred_probs"):
    """A data set with a row for each image, in as many blocks."""
    import ray.data

    rows = [{"id": number, "labels": y, name: p} for number, (y, p) in enumerate(zip(labels, predictions))]
    return ray.data.from_items(rows, override_num_blocks=blocks)


def assert_found(rows, scores):
    """Asserts that rows have the label issues and the scores that the server found, in order."""
    assert [row["id"] for row in rows] == list(range(len(scores.image_scores)))
    for row, issues, score in zip(rows, scores.label_issues, scores.image_scores):
        assert row["label_issues"].dtype == bool
        assert np.array_equal(row["label_issues"], issues)
        assert row["num_pixel_issues"] == issues.sum()
        assert np.float64(row["score"]).astype(scores.image_scores.dtype) == score


def ties(images, classes, height, width):
    """Labels and probabilities of which few differ: multiples of an eighth."""
    random = np.random.default_rng(images)
    pred_probs = random.multinomial(8, np.full(classes, 1 / classes), (images, height, width)) / 8
    labels = random.integers(0, classes, (images, height, width))
    return labels.astype(np.uint8), np.ascontiguousarray(np.moveaxis(pred_probs, -1, 1).astype(np.float32))


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (lambda: sample(23, 4, 24, 18), {}),
        (lambda: sample(9, 3, 7, 5, np.float64), {}),
        (lambda: ties(13, 4, 9, 8), {}),
        (lambda: ties(12, 3, 8, 8), {"downsample": 2}),
        (lambda: sample(8, 5, 12, 12), {"downsample": 4, "ignore_label": 2}),
        (lambda: sample(8, 5, 12, 12, np.float16), {"ignore_label": [0, 3]}),
        (lambda: sample(3, 300, 6, 5), {}),
        (lambda: sample(1, 4, 8, 8), {"label_map": {0: 0, 1: 1, 2: None, 3: 3}}),
    ],
    ids=["float32", "float64", "ties", "ties, downsample", "downsample", "ignored labels", "many classes", "one image"],
)
def test_partitions(client, sr, make, options):
    labels, predictions = make()
    expected = client.score(labels, predictions, method="num_pixel_issues", **options)
    assert expected.label_issues.any()
    random = np.random.default_rng(len(labels))
    dataset = dataset_of(labels, predictions)
    for blocks, batch_size in [(1, None), (int(random.integers(2, 7)), int(random.integers(1, 9)))]:
        found = sr.find_label_issues(dataset.repartition(blocks), batch_size=batch_size, **options)
        assert found.columns() == COLUMNS
        assert_found(found.take_all(), expected)


def test_ties_are_cut_by_the_order_of_rows(client, sr):
    """Every image is the same, so that whole images, the last ones, have no issues at the cut."""
    labels, pred_probs = (array.repeat(9, axis=0) for array in ties(1, 3, 6, 6))
    expected = client.score(labels, pred_probs, method="num_pixel_issues")
    reduction = sr.reduce(dataset_of(labels, pred_probs, blocks=4))
    assert_found(reduction.find_label_issues().take_all(), expected)
    cut = reduction.statistics()["cut"]
    assert cut["ties"] > 0
    assert len(set(map(int, expected.label_issues.sum(axis=(1, 2))))) > 1


def test_several_sizes(client, sr):
    shapes = [(8, 6), (8, 6), (6, 8), (10, 4), (10, 4), (2, 30), (8, 6)]
    images = [sample(1, 4, *shape, seed=number) for number, shape in enumerate(shapes)]
    labels, pred_probs = ([pair[place][0] for pair in images] for place in (0, 1))
    for options in ({}, {"downsample": 2}):
        expected = client.score(labels, pred_probs, method="num_pixel_issues", **options)
        for blocks in (1, 4):
            found = sr.find_label_issues(dataset_of(labels, pred_probs, blocks), batch_size=3, **options)
            assert_found(found.take_all(), expected)


def test_rows_are_in_order_whichever_task_ends_first(client, sr, tmp_path):
    import ray.data

    labels, pred_probs = ties(4, 3, 6, 6)
    marker = tmp_path / "marker"

    def model(batch):
        """Ends for the first image after it has ended for another."""
        [image] = batch["id"]
        if image == 0:
            eventually(marker.exists, "another task ends")
        else:
            marker.touch()
        return {"id": batch["id"], "labels": labels[batch["id"]], "pred_probs": pred_probs[batch["id"]]}

    reduction = sr.reduce_with(model, ray.data.range(4, override_num_blocks=4), batch_size=1)
    assert_found(reduction.find_label_issues().take_all(), client.score(labels, pred_probs, method="num_pixel_issues"))
    assert not ray.data.DataContext.get_current().execution_options.preserve_order


def test_empty_blocks(client, sr):
    labels, pred_probs = sample(7, 3, 6, 6)
    dataset = dataset_of(labels, pred_probs, blocks=7).filter(lambda row: row["id"] in (1, 3, 4))
    expected = client.score(labels[[1, 3, 4]], pred_probs[[1, 3, 4]], method="num_pixel_issues")
    found = sr.find_label_issues(dataset).map(lambda row: {**row, "id": (1, 3, 4).index(row["id"])})
    assert_found(found.take_all(), expected)


def test_nothing_is_found(client, sr):
    labels, pred_probs = sample(6, 4, 8, 8)
    labels = pred_probs.argmax(axis=1).astype(np.uint8)
    reduction = sr.reduce(dataset_of(labels, pred_probs))
    assert_found(reduction.find_label_issues().take_all(), client.score(labels, pred_probs, method="num_pixel_issues"))
    assert reduction.statistics()["cut"] is None


def test_logits_and_statistics(client, sr):
    labels, pred_probs = sample(6, 4, 8, 8)
    logits = (np.log(pred_probs) * 3).astype(np.float32)
    method = "num_pixel_issues"
    job = client.submit(labels, logits=logits, method=method).wait(20)
    reduction = sr.reduce(dataset_of(labels, logits, name="raw"), logits="raw")
    assert_found(
        reduction.find_label_issues().take_all(), client.score(labels, logits=logits, method="num_pixel_issues")
    )
    expected = job.statistics()
    found = reduction.statistics()
    assert all(found[name] == expected[name] for name in ("num_pixels", "num_issues", "cut", "downsample"))
    for ours, theirs in zip(found["classes"], expected["classes"]):
        assert ours == {name: theirs[name] for name in ours}


@pytest.mark.parametrize("method", ["softmin", "margin", "num_pixel_issues"])
def test_scores(client, sr, method):
    labels, pred_probs = sample(7, 4, 8, 8)
    expected = client.score(labels, pred_probs, method=method).image_scores
    dataset = dataset_of(labels, pred_probs, blocks=3)
    reduction = sr.reduce(dataset).materialize()
    for found in (
        sr.get_label_quality_scores(dataset, method=method),
        reduction.get_label_quality_scores(method=method),
    ):
        assert found.columns() == ["id", "labels", "score"]
        scores = {row["id"]: row["score"] for row in found.take_all()}
        assert np.array_equal(np.array([scores[image] for image in range(7)]).astype(expected.dtype), expected)


def test_a_model_whose_worker_dies(client, sr, tmp_path):
    labels, pred_probs = sample(11, 4, 8, 8)

    class Model:  # It goes to workers as it is, where this module is not.
        """Looks predictions up by the number of the image; the first call of all ends its process."""

        def __init__(self, marker):
            self.marker = marker

        def __call__(self, batch):
            with contextlib.suppress(FileExistsError):
                self.marker.touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
            return {"id": batch["id"], "labels": batch["labels"], "pred_probs": pred_probs[batch["id"]]}

    expected = client.score(labels, pred_probs, method="num_pixel_issues")
    images = dataset_of(labels, [np.zeros((8, 8, 3), np.uint8)] * 11, name="image")
    of_class = sr.reduce_with(Model, images, batch_size=3, fn_constructor_args=[tmp_path / "1"], concurrency=1)
    assert_found(of_class.find_label_issues().take_all(), expected)
    of_function = sr.reduce_with(Model(tmp_path / "2"), images, batch_size=2)
    assert_found(of_function.find_label_issues().take_all(), expected)
    assert {path.name for path in tmp_path.iterdir()} == {"1", "2"}


def test_workers_that_die_between_rounds(client, sr, monkeypatch):
    import ray

    from segscore.ray import _decision

    labels, pred_probs = ties(12, 4, 9, 8)
    expected = client.score(labels, pred_probs, method="num_pixel_issues")
    killed = []

    def of_each(function, blocks, *arguments):
        pid = ray.get(ray.remote(lambda: os.getpid()).remote())
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)
        return original(function, blocks, *arguments)

    original = _decision.of_each
    reduction = sr.reduce(dataset_of(labels, pred_probs, blocks=4)).materialize()
    monkeypatch.setattr(_decision, "of_each", of_each)
    assert_found(reduction.find_label_issues().take_all(), expected)
    assert len(killed) == 5


def test_other_columns_are_kept_as_they_are(sr):
    import pyarrow as pa
    import ray.data

    labels, pred_probs = sample(4, 3, 4, 4)
    table = pa.table({"count": pa.array([1, None, 3, 4], pa.int8()), "path": ["a", "b", None, "d"]})
    dataset = dataset_of(labels, pred_probs, blocks=1).map_batches(
        lambda batch: batch.append_column("count", table["count"]).append_column("path", table["path"]),
        batch_format="pyarrow",
        batch_size=None,
    )
    found = pa.concat_tables(ray.get(sr.find_label_issues(dataset).to_arrow_refs()))
    assert found.select(["count", "path"]).equals(table)


def test_rows_that_are_refused(sr):
    labels, pred_probs = sample(5, 3, 4, 4)
    dataset = dataset_of(labels, pred_probs, blocks=1)
    with pytest.raises(ValueError, match="rows have no column 'masks'"):
        sr.find_label_issues(dataset, labels="masks")
    with pytest.raises(ValueError, match="rename or drop 'score'"):
        sr.find_label_issues(dataset.rename_columns({"id": "score"}))
    labels[3, 0, 2] = 7
    dataset = dataset_of(labels, pred_probs, blocks=1)
    with pytest.raises(segscore.InvalidInputError, match=r"Of the image 3: labels\[0, 0, 2\] is 7"):
        sr.find_label_issues(dataset, image_id="id")
    with pytest.raises(segscore.InvalidInputError, match="Of the image 3 of its batch"):
        sr.reduce(dataset).materialize()
    with pytest.raises(ValueError, match="There are no images"):
        sr.find_label_issues(dataset.filter(lambda row: False))
    with pytest.raises(ValueError, match="as many classes"):
        sr.find_label_issues(dataset_of(labels[:2], [pred_probs[0], sample(1, 4, 4, 4)[1][0]]))
    with pytest.raises(TypeError, match="either pred_probs or logits"):
        sr.reduce(dataset, pred_probs="a", logits="b")
    with pytest.raises(TypeError, match="model must be a function"):
        sr.reduce_with("model", dataset)
    with pytest.raises(TypeError, match="dictionary of columns"):
        sr.reduce_with(lambda batch: batch["labels"], dataset).materialize()
    with pytest.raises(ValueError, match="method must be"):
        sr.get_label_quality_scores(dataset, method="median")
    with pytest.raises(ValueError, match="temperature"):
        sr.get_label_quality_scores(dataset, temperature=0)


def test_ray_is_imported_by_its_own_module_alone():
    def output(program):
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert output("import segscore, sys; print('ray' in sys.modules)") == "False\n"
    without = (
        "import sys; sys.modules['ray'] = None\ntry: import segscore.ray\nexcept ImportError as error: print(error)"
    )
    assert "pip install 'segscore[ray]'" in output(without)

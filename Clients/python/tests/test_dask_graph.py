"""The graph of label issues on a cluster: which tasks there are, what is kept until when, and that keys are steady."""

import pickle
from collections import Counter

import dask.array as da
import numpy as np
import pytest
from dask.utils import key_split
from distributed import SchedulerPlugin
from distributed.utils_test import gen_cluster

import segscore.dask as sd
from conftest import sample
from server import BINARY

BLOCKS = 6


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """Has the engine be the library that lies beside the program."""
    monkeypatch.setenv("SEGSCORE_PROGRAM", str(BINARY))


def lazy_sample(dtype=np.float32, blocks=BLOCKS):
    labels, pred_probs = sample(2 * blocks, 3, 8, 10, dtype)
    return da.from_array(labels, chunks=(2, -1, -1)), da.from_array(pred_probs, chunks=(2, -1, -1, -1))


def kinds_of(graph):
    """How many tasks of each kind there are, of those that are ours."""
    kinds = Counter(key_split(key) for key in dict(graph))
    return {kind.removeprefix("segscore-"): count for kind, count in kinds.items() if kind.startswith("segscore-")}


def test_tasks_have_the_names_of_what_they_do():
    reduction = sd.reduce(*lazy_sample(), split_every=3)
    merges = 2 + 1  # Of six results by threes, each time.
    of_arrays = dict.fromkeys(["kept", "largest", "totals", "issues"], BLOCKS)
    assert kinds_of(reduction.find_label_issues().__dask_graph__()) == of_arrays | {
        "reduce": BLOCKS,
        "confident": BLOCKS,
        "histogram": BLOCKS,
        "mark": BLOCKS,
        "merge": 4 * merges,
        "thresholds": 1,
        "cut": 3,
        "quotas": 1,
    }


def test_float64_has_two_rounds_more():
    kinds = kinds_of(sd.reduce(*lazy_sample(np.float64)).find_label_issues().__dask_graph__())
    assert (kinds["histogram"], kinds["cut"]) == (3 * BLOCKS, 5)


def test_optimized_graphs_keep_the_names():
    reduction = sd.reduce(*lazy_sample())
    issues = reduction.find_label_issues()
    optimized = issues.__dask_optimize__(issues.__dask_graph__(), issues.__dask_keys__())
    kinds = kinds_of(optimized)
    assert {"reduce", "confident", "histogram", "merge", "cut", "mark", "issues"} <= kinds.keys()
    assert kinds["reduce"] == kinds["mark"] == BLOCKS


def test_graphs_of_many_blocks_are_sent_in_few_bytes():
    labels = da.zeros((100_000, 4, 4), np.uint8, chunks=(1, -1, -1))
    pred_probs = da.zeros((100_000, 3, 4, 4), np.float32, chunks=(1, -1, -1, -1))
    reduction = sd.reduce(labels, pred_probs)
    for graph in (reduction.find_label_issues().dask, reduction.statistics().dask):
        made = [name for name, layer in graph.layers.items() if layer.is_materialized()]
        assert {key_split(name) for name in made} <= {"segscore-statistics"}
        assert len(pickle.dumps(graph)) < 1 << 20


def test_layers_that_were_sent_make_the_same_tasks():
    def needs(graph):
        return {key: task.dependencies for key, task in graph.items() if key_split(key).startswith("segscore-")}

    issues = sd.reduce(*lazy_sample()).find_label_issues()
    assert needs(pickle.loads(pickle.dumps(issues.dask))) == needs(issues.dask)


@pytest.mark.parametrize("split_every", [2, 3, 8])
def test_no_task_takes_more_results_than_it_may(split_every):
    blocks = 20
    graph = sd.reduce(*lazy_sample(blocks=blocks), split_every=split_every).find_label_issues().__dask_graph__()
    merges = [task for key, task in dict(graph).items() if key_split(key) == "segscore-merge"]
    # Equal scores are told with the cut.
    assert max(len(task.dependencies) for task in merges) == split_every + 1


def test_keys_are_the_same_for_the_same_arrays_and_others_for_others():
    def keys(*arrays, **options):
        reduction = sd.reduce(*arrays, **options)
        lazily = [reduction.find_label_issues(), reduction.statistics(), reduction.to_dataframe()]
        lazily += reduction.get_label_quality_scores()
        lazily += reduction.get_label_quality_scores(method="margin")
        lazily.append(reduction.common_label_issues())
        return [set(array.__dask_graph__()) for array in lazily], [str(array.__dask_keys__()) for array in lazily]

    labels, pred_probs = lazy_sample()
    assert keys(labels, pred_probs) == keys(*lazy_sample())
    plain, _ = keys(labels, pred_probs)
    for other in (
        keys(labels, pred_probs, ignore_label=2),
        keys(labels, pred_probs, downsample=2),
        keys(labels, pred_probs.rechunk((3, -1, -1, -1))),
        keys(labels[::-1], pred_probs),
    ):
        results = {key for graph in other[0] for key in graph if key_split(key) in ("segscore-reduce", "segscore-mark")}
        assert results and not results & set().union(*plain)


def test_a_model_and_the_reduction_of_what_it_predicts_are_one_task():
    labels, pred_probs = lazy_sample()
    reduction = sd.reduce_with(np.asarray, pred_probs, labels, classes=3)
    graph = dict(reduction.own.__dask_graph__())
    tasks = {key: task for key, task in graph.items() if key_split(key) == "segscore-reduce"}
    assert len(tasks) == BLOCKS
    [model] = [key for key in graph if key_split(key) == "segscore-model"]
    for (_, block), task in tasks.items():
        assert task.dependencies == {model, (pred_probs.name, block, 0, 0, 0), (labels.name, block, 0, 0)}


class Ends(SchedulerPlugin):
    """What ends when: a task by being in memory, and its result by being let go."""

    def __init__(self):
        self.seen = []

    def transition(self, key, start, finish, *args, **kwargs):
        if (start, finish) == ("processing", "memory"):
            self.seen.append((key_split(key), "made"))
        elif start == "memory":
            self.seen.append((key_split(key), "gone"))


@gen_cluster(client=True, nthreads=[("127.0.0.1", 1)] * 2)
async def test_largest_is_let_go_ahead_of_the_cut(client, scheduler, *workers):
    ends = Ends()
    scheduler.add_plugin(ends)
    issues = sd.reduce(*lazy_sample()).find_label_issues()
    await client.compute(issues)
    gone = [place for place, event in enumerate(ends.seen) if event == ("segscore-largest", "gone")]
    reduced = [place for place, event in enumerate(ends.seen) if event == ("segscore-reduce", "gone")]
    # The search may take the first digit ahead of n; the cut itself is the last of its tasks.
    cut = max(place for place, event in enumerate(ends.seen) if event == ("segscore-cut", "made"))
    marked = min(place for place, event in enumerate(ends.seen) if event == ("segscore-mark", "made"))
    assert len(gone) == len(reduced) == BLOCKS
    assert max(gone + reduced) < cut < marked


@gen_cluster(client=True, nthreads=[("127.0.0.1", 1)] * 2)
async def test_a_model_may_be_made_by_a_worker(client, scheduler, *workers):
    from dask import delayed

    ends = Ends()
    scheduler.add_plugin(ends)
    labels, pred_probs = lazy_sample()
    made = delayed(lambda: np.asarray, pure=True)(dask_key_name="model")
    issues = sd.reduce_with(made, pred_probs, labels, classes=3).find_label_issues()
    expected = sd.reduce(labels, pred_probs).find_label_issues()
    assert np.array_equal(await client.compute(issues), await client.compute(expected))
    assert ends.seen.count(("model", "made")) == 1

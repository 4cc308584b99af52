"""What `dask_blocks.py` has workers do: blocks of images that lie in their memory, and the bare calls of the engine."""

import functools
import time
from collections import defaultdict

import numpy as np

import data
from segscore import _engine
from segscore._rounds import ClassTotals, Cut, Histogram, Search, digits_of, quotas_of

CLASSES, SIDE = 21, 512
"""Of an image, which is 22 MB of float32."""

POOL = 12
"""How many images stand for any number of them; more than caches hold."""


@functools.cache
def pool() -> dict[str, np.ndarray]:
    """The images that a process makes once."""
    return data.arrays(POOL, CLASSES, SIDE, SIDE)


def block(number: int, images: int) -> dict[str, np.ndarray]:
    """The block of that number, of images that divide the pool."""
    first = number * images % POOL
    return {name: array[first : first + images] for name, array in pool().items()}


def array_of(name: str, images: int, block_id: tuple[int, ...] = (0,)) -> np.ndarray:
    """An array of a block; Dask says which."""
    return block(block_id[0], images)[name]


def calls(blocks: list[dict[str, np.ndarray]]) -> dict[str, float]:
    """Finds the label issues of blocks without Dask.

    Returns
    -------
    dict[str, float]
        How many seconds each function of the engine took for all of them. What is merged between is not in these.
    """
    spent: defaultdict[str, float] = defaultdict(float)

    def timed(function, *arguments):
        start = time.perf_counter()
        result = function(*arguments)
        spent[function.__name__] += time.perf_counter() - start
        return result

    kept = [timed(_engine.reduce, each["labels"], each["pred_probs"], "pred_probs", {}) for each in blocks]
    totals = ClassTotals.merged([ClassTotals.of(each["class_sums"], each["class_counts"]) for each in kept])
    thresholds = totals.thresholds()
    count = sum(
        timed(_engine.count_confident, each.pop("largest"), each["predicted"], each["labels"], thresholds)
        for each in kept
    )
    digits, search, found = digits_of(kept[0]["own"].dtype), Search(), []
    for digit in digits:
        found = [
            Histogram.of(timed(_engine.histogram, each["own"], each["labels"], search.prefix, *digit)) for each in kept
        ]
        search = search.next(count, digit, Histogram.merged(found))
    cut = Cut.of(search, count, digits)
    quotas = quotas_of(cut.ties, np.array([each.count_of(cut.last) for each in found]))
    for each, quota in zip(kept, quotas.tolist(), strict=True):
        timed(_engine.mark, each["own"], each["labels"], cut.score, quota, each["labels"], each["predicted"])
    return dict(spent)


def bare(count: int, images: int) -> tuple[float, float]:
    """The seconds that the engine takes for a number of blocks, and those of the processor that the process takes."""
    before = time.process_time()
    spent = calls([block(number, images) for number in range(count)])
    return sum(spent.values()), time.process_time() - before

"""Plans label issues of data sets beyond one machine on paper: bytes, memory, tasks, and what bounds the time.

    python Benchmarks/plan_scale.py [--storage 0.25] [--storage-total 25] [--block 256]

Prints the tables of `docs/scale.md`. What a block costs was measured by `dask_blocks.py` on two cores; nothing of what
is printed was measured on more. Storage is given as GB/s of one worker and of all of them together.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass

REDUCE = {2: 0.6e-9, 4: 0.2e-9}
"""Seconds of one core to reduce a byte of predictions, by the bytes of a number."""
ROUNDS = 20e-9
"""Seconds of one core that the rounds after it take for a pixel: a count, two histograms of digits, and marks."""
WORKER_TASK, SCHEDULER_TASK = 3e-3, 1e-3
"""Seconds that Dask itself takes for a task: of the worker's core, measured, and of the scheduler's one thread."""
BLOCK_TASKS = 10
"""Tasks for each block: two read, one reduces, two hand on what it found, four are of rounds, one hands on the mask."""
FAN_IN = 8
"""How many results of blocks one task merges."""
MERGED = 4
"""Merges over all blocks: totals with the first digit, n, the other digit, and how many cells at the cut there are."""
PIXEL = 4 + 4 + 1 + 1
"""Bytes that are kept of a pixel: own, largest, predicted, label."""


@dataclass(frozen=True)
class DataSet:
    name: str
    images: int
    classes: int
    height: int
    width: int

    @property
    def pixels(self) -> int:
        return self.images * self.height * self.width

    def size(self, item: int) -> int:
        return self.pixels * self.classes * item


DATA_SETS = [
    DataSet("Cityscapes", 2_975 + 500, 19, 1024, 2048),
    DataSet("ADE20K", 20_210, 150, 512, 683),
    DataSet("COCO-Stuff", 118_287, 171, 480, 640),
    DataSet("18 TB", 180_000, 24, 1024, 1024),
]
WORKERS = [1, 10, 100, 1000]


@dataclass(frozen=True)
class Plan:
    data_set: DataSet
    item: int
    block_bytes: float
    storage: float
    storage_total: float

    @property
    def blocks(self) -> int:
        image = self.data_set.size(self.item) / self.data_set.images
        return math.ceil(self.data_set.images / max(int(self.block_bytes // image), 1))

    @property
    def tasks(self) -> int:
        merges, level = 0, self.blocks
        while level > 1:
            level = math.ceil(level / FAN_IN)
            merges += level
        return self.blocks * BLOCK_TASKS + MERGED * merges

    def seconds(self, workers: int) -> dict[str, float]:
        """How long each takes alone: storage, cores of workers, and the scheduler."""
        size = self.data_set.size(self.item)
        cores = size * REDUCE[self.item] + self.data_set.pixels * ROUNDS + self.tasks * WORKER_TASK
        return {
            "storage": size / min(workers * self.storage, self.storage_total),
            "cores": cores / workers,
            "scheduler": self.tasks * SCHEDULER_TASK,
        }

    def wall(self, workers: int) -> tuple[float, str]:
        """Seconds, and what takes longest. A worker of one thread reads a block and then computes; the scheduler works
        at the same time."""
        each = self.seconds(workers)
        reading = each["storage"] + each["cores"]
        return max(reading, each["scheduler"]), max(each, key=lambda name: each[name])


def duration(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def tables(options: argparse.Namespace) -> Iterator[str]:
    yield (
        "| data set | numbers | predictions | reduced | blocks | tasks | "
        + " | ".join(f"{workers:,} worker{'s' * (workers > 1)}" for workers in WORKERS)
        + " |"
    )
    yield "| --- " * (6 + len(WORKERS)) + "|"
    for data_set in DATA_SETS:
        for item, numbers in ((2, "float16"), (4, "float32")):
            plan = Plan(data_set, item, options.block * 1e6, options.storage * 1e9, options.storage_total * 1e9)
            times = []
            for workers in WORKERS:
                seconds, bound = plan.wall(workers)
                times.append(f"{duration(seconds)}, {bound}")
            yield (
                f"| {data_set.name} | {numbers} | {data_set.size(item) / 1e12:.2f} TB "
                f"| {data_set.pixels * PIXEL / 1e9:.0f} GB | {plan.blocks:,} | {plan.tasks:,} | {' | '.join(times)} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", type=float, default=0.25, help="GB/s that one worker reads: %(default)s")
    parser.add_argument("--storage-total", type=float, default=25, help="GB/s that all read: %(default)s")
    parser.add_argument("--block", type=float, default=256, help="MB of predictions in a block: %(default)s")
    for line in tables(parser.parse_args()):
        print(line)


if __name__ == "__main__":
    main()

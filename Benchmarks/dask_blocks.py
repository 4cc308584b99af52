"""Measures `segscore.dask`: what Dask adds to the engine, how it stands to cleanlab, and what workers hold in memory.

    make wheels
    pip install "$(ls .build/wheels/segscore-*-manylinux*.whl)[dask,zarr]" cleanlab==2.9.0
    python Benchmarks/dask_blocks.py [--rows library,overhead,cleanlab,costs,memory] [--rounds 5]

`memory` writes 20 GB beneath `--folder`, and removes them unless it is to `--keep` them. Times depend on the machine
and on what else it does, so look at the ratios: those of one row are of one run, the contestants taking turns.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Self

import dask
import dask.array as da
import numpy as np
import zarr
from cleanlab.experimental.label_issues_batched import LabelInspector
from distributed import Client, LocalCluster, wait

import bench
import blocks
import data
import measure
import segscore.dask as sd
from bare_kernels import BareKernels
from segscore import _engine


@contextlib.contextmanager
def cluster(workers: int, memory_limit: str | int = 0) -> Iterator[Client]:
    """Workers of one thread each, in processes of their own."""
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, memory_limit=memory_limit, dashboard_address=None
        ) as started,
        Client(started) as client,
    ):
        yield client


# MARK: What Dask adds


def lazily(count: int, images: int) -> tuple[da.Array, da.Array]:
    """Labels and probabilities of a number of blocks, which workers have in memory."""

    def lazy(name: str, dtype: type, *extents: int) -> da.Array:
        chunks = ((images,) * count, *extents)
        return da.map_blocks(blocks.array_of, name, images, chunks=chunks, dtype=dtype, meta=np.empty(0, dtype))

    return lazy("labels", np.uint8, blocks.SIDE, blocks.SIDE), lazy(
        "pred_probs", np.float32, blocks.CLASSES, blocks.SIDE, blocks.SIDE
    )


def overhead(options: argparse.Namespace) -> Iterator[object]:
    """One worker of one thread, against the sum of the calls that it makes, made in the same process."""
    with cluster(1) as client:
        client.submit(blocks.bare, 4, 3, pure=False).result()
        for count, images in ((48, 3), (24, 6), (12, 12)):
            cpu: list[tuple[float, float]] = []

            def spent() -> float:
                [seconds] = client.run(time.process_time).values()
                return seconds

            def whole(count: int = count, images: int = images, cpu: list[tuple[float, float]] = cpu) -> float:
                """From the first line to the mask in the memory of the worker."""
                before = spent()
                wall = measure.timed(lambda: wait(sd.find_label_issues(*lazily(count, images)).persist()))
                cpu.append((spent() - before, 0))
                return wall

            def calls(count: int = count, images: int = images, cpu: list[tuple[float, float]] = cpu) -> float:
                wall, seconds = client.submit(blocks.bare, count, images, pure=False).result()
                cpu[-1] = (cpu[-1][0], seconds)
                return wall

            size = 4 * images * blocks.CLASSES * blocks.SIDE**2 / 1e6
            work = f"{count} blocks of {size:.0f} MB, one worker"
            yield measure.compare(work, "bare calls", whole, calls, rounds=options.rounds, at_most=1.25)
            turns = iter(cpu[1:])
            pairs = [next(turns) for _ in range(options.rounds)]
            both = iter([seconds for pair in pairs for seconds in pair])
            yield measure.compare(
                "the same, CPU of the worker",
                "of bare calls",
                lambda both=both: next(both),
                lambda both=both: next(both),
                rounds=options.rounds,
                warm_up=0,
            )


# MARK: What the library adds


def library(options: argparse.Namespace) -> Iterator[object]:
    """A block of 66 MB by the functions of the library, against the loops over pixels alone."""
    few = data.arrays(3, blocks.CLASSES, blocks.SIDE, blocks.SIDE)
    labels, pred_probs = few["labels"].astype(np.uint8), np.ascontiguousarray(few["pred_probs"])
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        loops = BareKernels(folder, labels, pred_probs)
        found = _engine.reduce(labels, pred_probs, "pred_probs", {})
        bare = loops.reduce()
        assert all(np.array_equal(bare[name], found[name]) for name in bare)
        own, largest, predicted = found["own"], found["largest"], found["predicted"]
        thresholds, cut = np.full(blocks.CLASSES, 0.5), float(np.quantile(own, 0.02))
        pixels = labels, predicted
        contests = {
            "reduce": (lambda: _engine.reduce(labels, pred_probs, "pred_probs", {}), loops.reduce),
            "count_confident": (
                lambda: _engine.count_confident(largest, predicted, labels, thresholds),
                lambda: loops.confident(largest, predicted, thresholds),
            ),
            "histogram": (lambda: _engine.histogram(own, labels, 0, 15, 15), lambda: loops.histogram(own, 0, 15, 15)),
            "mark": (lambda: _engine.mark(own, labels, cut, 1, *pixels), lambda: loops.mark(own, predicted, cut)),
        }
        whole = (
            lambda: [ours() for ours, _ in (*contests.values(), contests["histogram"])],
            lambda: [theirs() for _, theirs in (*contests.values(), contests["histogram"])],
        )
        for name, (ours, theirs) in {**contests, "all of a block": whole}.items():
            yield measure.compare(
                f"library: {name}",
                "the loops alone",
                lambda ours=ours: measure.timed(ours),
                lambda theirs=theirs: measure.timed(theirs),
                rounds=options.rounds,
                calls=9,
                at_most=1.25 if name == "all of a block" else None,
            )


# MARK: Against cleanlab


def inspected(labels: np.ndarray, pred_probs: np.ndarray, jobs: int) -> np.ndarray:
    """The mask of cleanlab's batches, as `cleanlab.segmentation.filter.find_label_issues` uses them."""
    inspector = LabelInspector(num_class=pred_probs.shape[1], verbose=False, n_jobs=jobs)

    def batches():
        for image in range(len(labels)):
            flat = np.moveaxis(pred_probs[image : image + 1], 0, 1).reshape(pred_probs.shape[1], -1).T
            yield labels[image].ravel().astype(int), flat

    for batch in batches():
        inspector.update_confident_thresholds(*batch)
    for batch in batches():
        inspector.score_label_quality(*batch)
    mask = np.zeros(labels.shape, bool)
    mask.flat[inspector.get_label_issues()] = True
    return mask & (pred_probs.argmax(axis=1) != labels)


def cleanlab(options: argparse.Namespace) -> Iterator[object]:
    """Two workers that read zarr, against cleanlab on both cores with everything in memory."""
    images = options.images
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        few = data.arrays(8, blocks.CLASSES, blocks.SIDE, blocks.SIDE)
        named = {name: np.concatenate([array] * (images // 8)) for name, array in few.items()}
        for name, array in named.items():
            chunks = (3, *array.shape[1:])
            zarr.create_array(
                f"{folder}/{name}", shape=array.shape, chunks=chunks, dtype=array.dtype, compressors=None
            )[:] = array
        with cluster(2):

            def ours() -> np.ndarray:
                labels, pred_probs = (da.from_zarr(f"{folder}/{name}") for name in ("labels", "pred_probs"))
                return sd.find_label_issues(labels, pred_probs).compute()

            found = ours()
            masks = []
            for jobs in options.jobs:
                yield measure.compare(
                    f"{images} × 21 × 512 × 512 float32",
                    f"cleanlab's LabelInspector, n_jobs={jobs}",
                    lambda: measure.timed(ours),
                    lambda jobs=jobs: measure.timed(lambda: masks.append(inspected(**named, jobs=jobs))),
                    rounds=max(options.rounds // 2, 1),
                    at_most=0.1,
                    warm_up=0,
                )
            different = int((found != masks[0]).sum())
            yield f"{int(found.sum())} label issues, {different} pixels other than cleanlab's"


# MARK: What a block costs


def costs(options: argparse.Namespace) -> Iterator[object]:
    """Seconds of one core for `plan_scale.py`."""
    yield "\n| block | reduce, ns a byte | confident, ns a pixel | histogram | mark |\n| --- | --- | --- | --- | --- |"
    for classes, dtype in ((19, np.float16), (19, np.float32), (150, np.float16), (150, np.float32)):
        named = data.arrays(max(64 // classes, 1), classes, 512, 512)
        named["pred_probs"] = named["pred_probs"].astype(dtype)
        blocks.calls([named])
        turns = [blocks.calls([named]) for _ in range(options.rounds)]
        spent = {name: sorted(turn[name] for turn in turns)[len(turns) // 2] * 1e9 for name in turns[0]}
        pixels = named["labels"].size
        yield (
            f"| {named['pred_probs'].shape} {np.dtype(dtype).name} "
            f"| {spent['reduce'] / named['pred_probs'].nbytes:.3f} | {spent['count_confident'] / pixels:.2f} "
            f"| {spent['histogram'] / pixels:.2f} | {spent['mark'] / pixels:.2f} |"
        )


# MARK: Memory


def status_bytes(process: int, name: str) -> int:
    text = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024


def write_scenes(folder: pathlib.Path, count: int) -> int:
    """Writes images of Cityscapes' shape, float16 without compression, and returns how many bytes these are."""
    few = data.arrays(4, 19, 1024, 2048)
    few["pred_probs"] = few["pred_probs"].astype(np.float16)
    written = 0
    is_there = (folder / "pred_probs" / "zarr.json").exists()
    for name, array in few.items():
        shape = (count, *array.shape[1:])
        written += count * array[0].nbytes
        if is_there:
            continue
        made = zarr.create_array(
            folder / name, shape=shape, chunks=(1, *shape[1:]), dtype=array.dtype, compressors=None
        )
        for image in range(count):
            # Rolled along a row, so that no two images are the same.
            made[image] = np.roll(array[image % 4], 8 * image, axis=-1)
    return written


class Sampler:
    """Looks again and again at the most memory that processes took, and at what they spill."""

    def __init__(self, processes: list[int], spill: pathlib.Path):
        self.peaks: dict[int, int] = dict.fromkeys(processes, 0)
        self.spilled = 0
        self._spill = spill
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(0.2):
            for process in self.peaks:
                # A process that has ended has no memory, and is not counted any more.
                with contextlib.suppress(FileNotFoundError, ProcessLookupError, TypeError):
                    self.peaks[process] = status_bytes(process, "VmHWM")
            sizes = []
            for path in self._spill.rglob("*"):
                with contextlib.suppress(FileNotFoundError):
                    sizes.append(path.stat().st_size)
            self.spilled = max(self.spilled, sum(sizes))


def memory(options: argparse.Namespace) -> Iterator[object]:
    """Two workers that write label issues, with memory for what is reduced, and without."""
    folder = pathlib.Path(options.folder or tempfile.gettempdir(), "segscore-scenes")
    try:
        start = time.perf_counter()
        written = write_scenes(folder, options.scenes)
        yield f"{written / 1e9:.1f} GB written in {time.perf_counter() - start:.0f} s"
        for limit in options.limits.split(","):
            spill = folder / "spill"
            with dask.config.set({"temporary-directory": str(spill)}), cluster(2, limit) as client:
                [allowed] = {each["memory_limit"] for each in client.scheduler_info()["workers"].values()}
                processes = sorted(client.run(os.getpid).values())
                with Sampler(processes, spill) as sampler:
                    start = time.perf_counter()
                    labels, pred_probs = (da.from_zarr(folder / name) for name in ("labels", "pred_probs"))
                    sd.find_label_issues(labels, pred_probs).to_zarr(folder / f"issues-{limit}", overwrite=True)
                    spent = time.perf_counter() - start
                lost = len(set(processes) - set(client.run(os.getpid).values()))
            pace, spilled = written / spent / 1e9, sampler.spilled / 1e9
            yield f"{limit}: {spent:.1f} s, {pace:.2f} GB/s, {spilled:.2f} GB spilled at most, {lost} workers lost"
            for peak in sampler.peaks.values():
                yield measure.single(f"peak memory of a worker, limit {limit}", peak / 2**20, "MiB", allowed / 2**20)
    finally:
        if not options.keep:
            shutil.rmtree(folder)


ALL = {each.__name__: each for each in (library, overhead, cleanlab, costs, memory)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", default="library,overhead,cleanlab,costs", help="which to measure: %(default)s, or memory"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where data is written, by default the system's folder for temporary files")
    parser.add_argument("--images", type=int, default=64, help="of cleanlab's row, a multiple of 8: %(default)s")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2], help="n_jobs of cleanlab: %(default)s")
    parser.add_argument("--scenes", type=int, default=250, help="of the row of memory, 80 MB each: %(default)s")
    parser.add_argument("--keep", action="store_true", help="keep the data of the row of memory, to use it again")
    parser.add_argument("--limits", default="4GiB,2GiB", help="memory limits of a worker: %(default)s")
    options = parser.parse_args()
    print(f"{bench.machine()}\n\n| work | segscore.dask | against | ratio | bar |\n| --- | --- | --- | --- | --- |")
    for name in options.rows.split(","):
        for row in ALL[name](options):
            print(row, flush=True)


if __name__ == "__main__":
    main()

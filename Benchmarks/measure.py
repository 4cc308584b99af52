"""Medians and ratios of contestants that take turns."""

import dataclasses
import statistics
import threading
import time
from collections.abc import Callable


@dataclasses.dataclass
class Row:
    """A line of the table: what segscore took, what the other took, and their ratio, which is what to look at."""

    work: str
    ours: float
    theirs: float
    ratio: float
    spread: tuple[float, float]
    unit: str
    against: str
    bar: str
    holds: bool

    def __str__(self) -> str:
        mark = "" if self.holds else " **missed**"
        return (
            f"| {self.work} | {self.ours:.4g} {self.unit} | {self.theirs:.4g} {self.unit} ({self.against}) "
            f"| {self.ratio:.3f} ({self.spread[0]:.3f}–{self.spread[1]:.3f}) | {self.bar}{mark} |"
        )


def compare(
    work: str,
    against: str,
    ours: Callable[[], float],
    theirs: Callable[[], float],
    *,
    rounds: int,
    at_most: float | None = None,
    at_least: float | None = None,
    unit: str = "ms",
    warm_up: int = 1,
    calls: int = 1,
) -> Row:
    """Lets two contestants take turns. The ratio is the median of the pairs' ratios, the spread the least and greatest.

    Without a bar any ratio holds. A turn has several calls, of which the median counts, since the first call finds the
    caches full of what the other contestant has left there.
    """
    for _ in range(warm_up):
        ours(), theirs()

    def turn(work: Callable[[], float]) -> float:
        return statistics.median(work() for _ in range(calls))

    pairs = [(turn(ours), turn(theirs)) for _ in range(rounds)]
    ratios = sorted(a / b for a, b in pairs)
    ratio = statistics.median(ratios)
    scale = 1000 if unit == "ms" else 1
    if at_most is not None:
        bar, holds = f"≤ {at_most:.3g}", ratio <= at_most
    elif at_least is not None:
        bar, holds = f"≥ {at_least:.3g}", ratio >= at_least
    else:
        bar, holds = "none", True
    return Row(
        work,
        statistics.median(a for a, _ in pairs) * scale,
        statistics.median(b for _, b in pairs) * scale,
        ratio,
        (ratios[0], ratios[-1]),
        unit,
        against,
        bar,
        holds,
    )


def single(work: str, value: float, unit: str, at_most: float) -> Row:
    """A figure that has a bar of its own."""
    return Row(work, value, at_most, value / at_most, (value / at_most,) * 2, unit, "the bar", "≤ 1", value <= at_most)


def together(count: int, times: int, work: Callable[[], object]) -> float:
    """How many pieces of work are done a second by several threads at once."""

    def repeat():
        for _ in range(times):
            work()

    threads = [threading.Thread(target=repeat) for _ in range(count)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count * times / (time.perf_counter() - start)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start

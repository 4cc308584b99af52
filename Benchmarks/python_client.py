"""Measures what the Python package costs against cleanlab in the same process, the two taking turns.

    pip install ./Clients/python cleanlab==2.9.0
    python Benchmarks/python_client.py [--binary .build/release/segscore] [--rounds 9] [--unix]

Prints for 8 x 21 x 512 x 512 float32 and float16 how much the process grows, and the ratio of
`get_label_quality_scores` to cleanlab's: the median of the pairs' ratios, their least and greatest. For softmin there
is also the ratio to a bare socket that sends all bytes to the same server and reads no scores. Over a Unix socket the
arrays stay where they are, and the server reads them there. Times depend on the machine and on what else it does, so
look at the ratios.
"""

import argparse
import functools
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import cleanlab.segmentation.rank

import contestants
import data
import measure
import segscore
import segscore.segmentation.rank

SHAPE = (8, 21, 512, 512)

# What a process prints that asks a server of its own for the first time, and how long NumPy took it to import.
FIRST = """
import time
start = time.perf_counter()
import numpy as np
imported = time.perf_counter()
import segscore
labels, pred_probs = np.zeros((2, 64, 64), np.uint8), np.full((2, 4, 64, 64), 0.25, np.float32)
asked = time.perf_counter()
segscore.Client().score(labels, pred_probs)
print(time.perf_counter() - asked, imported - start)
"""


def status_bytes(name: str) -> int:
    text = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024


def growth(work) -> tuple[int, int]:
    """How many bytes the process grows by at most while it works, and how many the answer has."""
    before = status_bytes("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # Has the kernel forget the peak.
    answer = work()
    return status_bytes("VmHWM") - before, sum(array.nbytes for array in answer)


def first_answer(binary: str) -> tuple[float, float]:
    """How long the first answer of a server of one's own takes, its start included, and the import of NumPy."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGSCORE")}
    environment["SEGSCORE_PROGRAM"] = binary
    command = [sys.executable, "-c", FIRST]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    answer, imported = map(float, done.stdout.split())
    return answer, imported


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=".build/release/segscore")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--unix", action="store_true", help="ask over a Unix socket")
    options = parser.parse_args()
    arrays = data.arrays(*SHAPE)
    halves = arrays["pred_probs"].astype("float16")
    # The bytes that the process may grow by besides the answer, and the bars of softmin and of the other method.
    slack, *bars = (8_000_000, 0.4, 0.04) if options.unix else (16_000_000, 1.3, 1 / 6)

    def scores(module, images=SHAPE[0], pred_probs=arrays["pred_probs"], **parameters):
        return module.get_label_quality_scores(
            arrays["labels"][:images], pred_probs[:images], verbose=False, **parameters
        )

    def timed(module, **parameters):
        return functools.partial(measure.timed, functools.partial(scores, module, **parameters))

    ours, theirs = segscore.segmentation.rank, cleanlab.segmentation.rank
    with tempfile.TemporaryDirectory() as folder:
        flags = ("--spool-dir", folder, "--allow-client-memory")
        server = contestants.Segscore(os.path.abspath(options.binary), folder, *flags)
        endpoint = server.unix if options.unix else server.tcp
        segscore.configure(f"unix:{endpoint.address}" if options.unix else "http://{}:{}".format(*endpoint.address))
        try:
            print("| work | the package | against | ratio | bar |\n| --- | --- | --- | --- | --- |")
            # Growth comes first, while no memory is left over from other work.
            scores(ours, method="softmin", images=1)
            for method in ("softmin", "num_pixel_issues"):
                grown, answer = growth(functools.partial(scores, ours, method=method))
                mark = "" if grown < answer + slack else " **missed**"
                print(
                    f"| growth, {method} | {grown / 1e6:.1f} MB | {answer / 1e6:.1f} MB (the answer) "
                    f"| {grown / answer:.3f} | the answer + {slack // 10**6} MB{mark} |",
                    flush=True,
                )
            for kind, pred_probs in (("", arrays["pred_probs"]), (" of float16", halves)):
                print(
                    measure.compare(
                        f"softmin{kind}",
                        "cleanlab in process",
                        timed(ours, pred_probs=pred_probs),
                        timed(theirs, pred_probs=pred_probs),
                        rounds=options.rounds,
                        at_most=bars[0],
                        warm_up=3,
                        calls=3,
                    ),
                    flush=True,
                )
                print(
                    measure.compare(
                        f"num_pixel_issues{kind}",
                        "cleanlab in process",
                        timed(ours, pred_probs=pred_probs, method="num_pixel_issues"),
                        timed(theirs, pred_probs=pred_probs, method="num_pixel_issues", n_jobs=1),
                        rounds=max(options.rounds // 3, 1),
                        at_most=bars[1],
                    ),
                    flush=True,
                )
            binary = os.path.abspath(options.binary)
            print(
                measure.compare(
                    "the first answer of a server of one's own",
                    "import numpy",
                    lambda: first_answer(binary)[0],
                    lambda: first_answer(binary)[1],
                    rounds=options.rounds,
                    at_most=2,
                    calls=3,
                ),
                flush=True,
            )
            form = data.form(arrays)
            print(
                measure.compare(
                    "softmin",
                    "all bytes by a bare socket",
                    timed(ours),
                    lambda: endpoint.post(*form),
                    rounds=options.rounds,
                )
            )
        finally:
            server.stop()


if __name__ == "__main__":
    main()

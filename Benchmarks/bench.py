"""Measures segscore against what it is to keep up with or to beat, all in one run.

    make bench
    python Benchmarks/bench.py [--binary .build/release/segscore] [--rounds 9] [--rows wire,files] [--json FILE]

Prints medians, the ratio (the median of the pairs' ratios, and their spread) and the bar that each ratio is held to.
Times depend on the machine and on what else it does, so look at the ratios. Needs NumPy and a C compiler; rows for
which cleanlab, FastAPI, uvicorn, wrk or simdjson is missing are left out.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform

import contestants
import rows


def machine() -> str:
    """The processor, its cores and the kernel."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    name = next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")), "?")
    return f"{name}, {os.cpu_count()} cores, Linux {platform.release()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=".build/release/segscore")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rows", default=",".join(rows.ALL), help="which to measure: %(default)s")
    parser.add_argument("--json", help="a file to write the rows to as well")
    options = parser.parse_args()

    print(f"{machine()}\n\n| work | segscore | against | ratio | bar |\n| --- | --- | --- | --- | --- |", flush=True)
    found = []
    with contestants.temporary_folder() as folder:
        bench = rows.Bench(os.path.abspath(options.binary), folder, options.rounds)
        try:
            for name in options.rows.split(","):
                for row in rows.ALL[name](bench):
                    print(row, flush=True)
                    found.append(row)
        finally:
            bench.stop()
    if options.json:
        document = {"machine": machine(), "rows": [dataclasses.asdict(row) for row in found]}
        pathlib.Path(options.json).write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()

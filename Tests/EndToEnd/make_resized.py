"""Writes resized.json: what PyTorch makes of made-up images, as checksums. It needs torch, which no test does.

Sizes are those for which PyTorch takes its kernel for contiguous arrays: for others, whose height and width add to 128
at most, it takes one for channels that come last, which rounds otherwise.

    python make_resized.py > resized.json
"""

import json
import sys

import torch

from sampling import CASES, checksum, sample_of


def main():
    results = {}
    for case in CASES:
        values, (height, width), mode, align_corners = sample_of(case)
        options = {"align_corners": align_corners} if mode == "bilinear" else {}
        resized = torch.nn.functional.interpolate(torch.from_numpy(values), (height, width), mode=mode, **options)
        results[str(case)] = checksum(resized.numpy())
    json.dump({"torch": torch.__version__, "checksums": results}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()

"""Draws the sample data set: twelve small aerial scenes, the masks given for them, and what a model makes of them.

python make_sample.py            writes the files beside this program
python make_sample.py --check    draws again, and compares with the files that are there
"""

import argparse
import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import png
from mistakes import Kind, plant
from model import predict
from scene import Scene, compose

SEED = 12
IMAGES = 12
PLANTED = [Kind.MISSING, Kind.MISSING, Kind.SWAPPED, Kind.SWAPPED, Kind.SHIFTED, Kind.STROKE]

PALETTE = np.array(
    [(193, 205, 151), (110, 112, 120), (200, 84, 60), (52, 110, 58), (240, 196, 25), (66, 133, 190)], np.uint8
)
"""The colour of each class in mask files and in the overview."""


@dataclass
class Example:
    """One image of the sample with everything that belongs to it."""

    picture: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    probabilities: NDArray[np.float16]
    row: list[str | int] | None


def draw(index: int, kind: Kind | None) -> Example:
    """Draws image `index`. Scene, mistake and model have random streams of their own, so none moves another."""
    scene_rng, mistake_rng, model_rng = (np.random.default_rng([SEED, index, stream]) for stream in range(3))
    scene = Scene.draw(scene_rng)
    truth = compose(scene.things)
    probabilities = predict(scene.things, model_rng)
    if kind is None:
        return Example(scene.pixels(), truth, truth, probabilities, None)
    mistake = plant(kind, scene.things, mistake_rng)
    changed = int((mistake.labels != truth).sum())
    names = ["" if category is None else category.name.lower() for category in (mistake.true, mistake.given)]
    return Example(scene.pixels(), truth, mistake.labels, probabilities, [index, kind.value, changed, *names])


def overview(examples: list[Example]) -> NDArray[np.uint8]:
    """All images at half size, two a row: picture, truth, given mask, and the model's likeliest class."""
    tiles = []
    for example in examples:
        masks = [PALETTE[m] for m in (example.truth, example.labels, example.probabilities.argmax(axis=0))]
        tiles.append(np.concatenate([_bordered(_halved(tile)) for tile in (example.picture, *masks)], axis=1))
    rows = [
        np.concatenate([left, np.full((132, 8, 3), 255, np.uint8), right], axis=1)
        for left, right in zip(tiles[::2], tiles[1::2], strict=True)
    ]
    return np.concatenate(rows)


def _halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width, channels = picture.shape
    blocks = picture.reshape(height // 2, 2, width // 2, 2, channels)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3))
    return means.round().astype(np.uint8)


def _bordered(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.pad(tile, [(2, 2), (2, 2), (0, 0)], constant_values=255)


def files() -> dict[str, bytes]:
    """Draws the whole sample: file names, relative to this folder, with their bytes."""
    order = np.random.default_rng(SEED).permutation(IMAGES)
    kinds = dict(zip(order.tolist(), PLANTED, strict=False))
    examples = [draw(index, kinds.get(index)) for index in range(IMAGES)]
    made = {
        "labels.npy": _npy(np.stack([example.labels for example in examples])),
        "pred_probs.npy": _npy(np.stack([example.probabilities for example in examples])),
        "overview.png": png.encode_rgb(overview(examples)),
    }
    for index, example in enumerate(examples):
        made[f"images/{index:02}.png"] = png.encode_rgb(example.picture)
        made[f"truth/{index:02}.png"] = png.encode_indexed(example.truth, PALETTE)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["image", "kind", "pixels", "true_class", "given_class"])
    writer.writerows(example.row for example in examples if example.row is not None)
    return {**made, "mistakes.csv": table.getvalue().encode()}


def _npy(array: NDArray[np.generic]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def same(name: str, left: bytes, right: bytes) -> bool:
    """Whether two files are equal, bit for bit; PNG files after unpacking, since another zlib packs differently."""
    return left == right or (name.endswith(".png") and png.content(left) == png.content(right))


def main() -> int:
    """Writes or checks the sample; returns the exit status."""
    parser = argparse.ArgumentParser(description="Draws the sample data set.")
    parser.add_argument("--check", action="store_true", help="compare with the files that are there; write nothing")
    parser.add_argument(
        "--into", type=Path, default=Path(__file__).parent, help="folder (default: beside this program)"
    )
    arguments = parser.parse_args()
    made, folder = files(), arguments.into
    if not arguments.check:
        for name, content in made.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return 0
    wrong = [n for n, c in made.items() if not (folder / n).is_file() or not same(n, (folder / n).read_bytes(), c)]
    for name in wrong:
        print(f"{name} is not what the generator draws", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

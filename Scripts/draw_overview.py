"""Draws docs/images/wrong-masks.png: what a running server answers about three images of Examples/sample.

segscore serve
python Scripts/draw_overview.py [URL]     # needs numpy, pillow and requests
"""

import io
import sys
from pathlib import Path

import numpy as np
import requests
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "Examples/sample"
PICTURE = ROOT / "docs/images/wrong-masks.png"

IMAGES = {6: "the mask is shifted", 5: "a stray stroke of car", 9: "a house is called car"}
COLUMNS = ["picture", "given mask", "pixel scores", "label issues"]
# The colours of the classes in Examples/sample/make_sample.py: ground, road, house, tree, car, water.
CLASSES = np.array(
    [(193, 205, 151), (110, 112, 120), (200, 84, 60), (52, 110, 58), (240, 196, 25), (66, 133, 190)], np.uint8
)
ISSUE = (226, 0, 122)
INK = (36, 41, 47)
SIDE, GAP, HEADING, CAPTION = 216, 8, 30, 26


def answers(url: str) -> tuple[dict[int, float], dict[int, bytes], dict[int, bytes]]:
    """The scores of the images, their heat maps and their masks of label issues, as the server answers them."""

    def scored(**parameters: str) -> str:
        with open(SAMPLE / "labels.npy", "rb") as labels, open(SAMPLE / "pred_probs.npy", "rb") as pred_probs:
            answer = requests.post(
                f"{url}/score", params=parameters, files={"labels": labels, "pred_probs": pred_probs}, timeout=60
            )
        answer.raise_for_status()
        return f"{url}/jobs/{answer.json()['job']}"

    def pictures(array: str) -> dict[int, bytes]:
        png = {"Accept": "image/png"}
        found = {i: requests.get(array, params={"image": i}, headers=png, timeout=60) for i in IMAGES}
        for answer in found.values():
            answer.raise_for_status()
        return {image: answer.content for image, answer in found.items()}

    softmin, issues = scored(), scored(method="num_pixel_issues")
    ranking = requests.get(f"{softmin}/ranking", timeout=60).json()["ranking"]
    scores = {place["image"]: place["score"] for place in ranking}
    return scores, pictures(f"{softmin}/pixel_scores"), pictures(f"{issues}/label_issues")


def marked(mask: NDArray[np.uint8], issues: bytes) -> Image.Image:
    """The mask, faded, with the pixels in colour that are label issues."""
    faded = (mask.astype(np.uint16) + 3 * 245) // 4
    found = np.asarray(Image.open(io.BytesIO(issues)).convert("L")) > 0
    faded[found] = ISSUE
    return Image.fromarray(faded.astype(np.uint8))


def draw(url: str) -> Image.Image:
    """A row for each image, with a line below that says what is wrong with the mask."""
    scores, heat_maps, issues = answers(url)
    labels = np.load(SAMPLE / "labels.npy")
    row = SIDE + CAPTION
    sheet = Image.new("RGB", (4 * SIDE + 5 * GAP, HEADING + len(IMAGES) * row + GAP), "white")
    pen = ImageDraw.Draw(sheet)
    heading, caption = ImageFont.load_default(16), ImageFont.load_default(14)
    for column, text in enumerate(COLUMNS):
        left = GAP + column * (SIDE + GAP)
        pen.text((left, HEADING / 2), text, INK, heading, anchor="lm")
    for index, (image, mistake) in enumerate(IMAGES.items()):
        top = HEADING + index * row
        mask = CLASSES[labels[image]]
        photo = Image.open(SAMPLE / f"images/{image:02}.png").convert("RGB")
        heat_map = Image.open(io.BytesIO(heat_maps[image])).convert("RGB")
        tiles = [photo, Image.fromarray(mask), heat_map, marked(mask, issues[image])]
        for column, tile in enumerate(tiles):
            sheet.paste(tile.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (GAP + column * (SIDE + GAP), top))
        text = f"image {image}, score {scores[image]:.4f}: {mistake}"
        pen.text((GAP, top + SIDE + CAPTION / 2 - 2), text, INK, caption, anchor="lm")
    return sheet


def in_few_colours(sheet: Image.Image) -> Image.Image:
    """The sheet with a palette, so that its file is small: classes have their own colours, the rest the nearest."""
    exact = [*map(tuple, CLASSES.tolist()), ISSUE, INK, (255, 255, 255)]
    adaptive = sheet.quantize(240 - len(exact), kmeans=4).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in exact for part in colour] + adaptive)
    return sheet.quantize(palette=palette, dither=Image.Dither.NONE)


def main() -> None:
    """Draws the picture of what the server answers."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
    in_few_colours(draw(url)).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()

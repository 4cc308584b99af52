"""Prints the ranking that segscore answered beside the mistakes that were planted: show_ranking.py RANKING MISTAKES."""

import csv
import json
import sys
from pathlib import Path


def table(ranking: list[dict[str, float]], planted: dict[int, str]) -> list[str]:
    """The lines of the table, worst image first, and how many of the mistakes stand at its top."""
    lines = ["  image   score  issue pixels  planted mistake"]
    for place in ranking:
        image, kind = int(place["image"]), planted.get(int(place["image"]))
        mark = ">" if kind else " "
        lines.append(f"{mark} {image:5}  {place['score']:6.4f}  {int(place['num_pixel_issues']):12}  {kind or '-'}")
    found = sum(int(place["image"]) in planted for place in ranking[: len(planted)])
    lines += ["", f"{found} of the {len(planted)} mistaken masks are among the {len(planted)} worst."]
    return lines


def main() -> None:
    """Reads both files and prints the table."""
    ranking = json.loads(Path(sys.argv[1]).read_text())["ranking"]
    with open(sys.argv[2], newline="") as file:
        planted = {int(row["image"]): _sentence(row) for row in csv.DictReader(file)}
    print("\n".join(table(ranking, planted)))


def _sentence(row: dict[str, str]) -> str:
    match row:
        case {"kind": "missing", "true_class": true}:
            return f"a {true} is missing"
        case {"kind": "swapped", "true_class": true, "given_class": given}:
            return f"a {true} is called {given}"
        case {"kind": "stroke", "given_class": given}:
            return f"a stray stroke of {given}"
        case {"kind": "shifted"}:
            return "the mask is shifted"
    return row["kind"]


if __name__ == "__main__":
    main()

"""Prints the classes that are taken for others, as segscore answered: show_summary.py SUMMARY."""

import json
import sys
from pathlib import Path


def table(summary: list[dict[str, str | int]]) -> list[str]:
    """The lines of the table, the most pixels first."""
    lines = ["  labelled  rather  label issues"]
    for row in summary:
        lines.append(f"  {row['given_label']:8}  {row['predicted_label']:6}  {row['num_pixel_issues']:12}")
    return lines


if __name__ == "__main__":
    print("\n".join(["", *table(json.loads(Path(sys.argv[1]).read_text()))]))

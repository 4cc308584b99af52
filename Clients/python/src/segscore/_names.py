"""What classes and images are called, as parameters of a request."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

MOST_BYTES = 1024  # Of the name of an image.
STRANGE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]")


def names_of(names: Sequence[str]) -> list[str]:
    """Names as a list.

    Raises
    ------
    TypeError
        This is one string, or one of them is none.
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"names are a list of strings, and not {names!r:.80}")
    return list(names)


def are_plain(names: Sequence[str]) -> bool:
    """Whether the server takes names of images: they are text without control characters or backslashes, and short."""
    try:
        sizes = [len(name.encode()) for name in names]
    except UnicodeEncodeError:
        return False
    return max(sizes, default=0) <= MOST_BYTES and not any(STRANGE.search(name) for name in names)


def names_text(names: Sequence[str] | None) -> str | None:
    """Names between commas, or, where a name would not come out of that as it is, as a JSON array.

    Raises
    ------
    TypeError
        This is one string, or one of them is none.
    """
    if names is None:
        return None
    names = names_of(names)
    if names and all(name == name.strip() and name and "," not in name for name in names) and names[0][0] != "[":
        return ",".join(names)
    return json.dumps(names, ensure_ascii=False, separators=(",", ":"))

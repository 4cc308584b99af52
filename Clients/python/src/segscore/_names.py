"""What classes and images are called, as parameters of a request."""

from __future__ import annotations

import json
from collections.abc import Sequence


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

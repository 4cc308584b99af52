"""Progress bars."""

from __future__ import annotations

import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any

DELAY = 0.5  # Seconds of work that need no bar.

if TYPE_CHECKING:
    from typing_extensions import Self


class Bar:
    """A bar that counts images, if one is wanted and tqdm is installed; it shows nothing otherwise."""

    def __init__(self, description: str, total: int | None, shown: bool):
        self._bar: Any = None
        if shown:
            try:
                with warnings.catch_warnings():
                    # Of a notebook without ipywidgets, in which the bar is made of text.
                    warnings.simplefilter("ignore")
                    from tqdm.auto import tqdm
            except ImportError:
                return
            self._bar = tqdm(desc=description, total=total, delay=DELAY)

    def show(self, images: int) -> None:
        """Sets the bar to so many images. These may be fewer than before, since a batch may be sent again."""
        if self._bar is not None:
            self._bar.update(images - self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

"""Progress bars."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


class Bar:
    """A bar that counts images, where one is wanted and tqdm is installed; else nothing."""

    def __init__(self, description: str, total: int | None, shown: bool):
        self._bar: Any = None
        if shown:
            try:
                from tqdm import tqdm
            except ImportError:
                return
            self._bar = tqdm(desc=description, total=total)

    def show(self, images: int) -> None:
        """Tells how many images there are so far; a batch that is sent again begins anew."""
        if self._bar is not None:
            self._bar.update(images - self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

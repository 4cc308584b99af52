"""How often a request is tried, and how long to wait in between."""

from __future__ import annotations

import email.utils
import random
import time

from .errors import SegscoreError

FIRST_WAIT = 0.1  # Seconds; doubled with every failure.
LONGEST_WAIT = 60.0


class Attempts:
    """The tries that one request still has."""

    def __init__(self, retries: int):
        self._left = retries
        self._wait = FIRST_WAIT

    def failed(self, error: SegscoreError, retry_after: str | None = None) -> None:
        """Waits before the next try: longer than before the last one, and at least as long as the server asked for.

        Raises
        ------
        SegscoreError
            It is the error that was given, since no try is left.
        """
        if self._left <= 0:
            raise error
        self._left -= 1
        # Clients that failed at the same moment should not all come back at the same moment.
        pause = self._wait * random.uniform(0.5, 1)
        time.sleep(min(max(pause, seconds_of(retry_after)), LONGEST_WAIT))
        self._wait *= 2


def seconds_of(retry_after: str | None) -> float:
    """The seconds that a `Retry-After` asks for; it may also be a date (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return 0
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time(), 0)
    except (TypeError, ValueError):
        return 0

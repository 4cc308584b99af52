"""How images are scored beyond one machine: what methods there are, and the temperature of one."""

from __future__ import annotations

DEFAULT_TEMPERATURE = 0.1


def checked_temperature(method: str, temperature: float | None) -> float:
    """The temperature of softmin.

    Raises
    ------
    ValueError
        The method is not known, or the temperature is not above 0.
    """
    if method not in ("softmin", "num_pixel_issues", "margin"):
        raise ValueError(f"method must be 'softmin', 'num_pixel_issues' or 'margin', and is {method!r}")
    temperature = DEFAULT_TEMPERATURE if temperature is None else temperature
    if not 0 < temperature < float("inf"):
        raise ValueError(f"temperature must be a number above 0, and is {temperature}")
    return temperature

"""Distances and noise on the pixel grid, from which everything in the sample is drawn.

A `Field` is a float64 array, (SIZE, SIZE) where nothing else is said. A shape is a field of signed distances in
pixels, negative inside: one field gives the mask (`< 0`), the smooth edge (`coverage`) and the shading by depth.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SIZE = 256
Field = NDArray[np.float64]
Mask = NDArray[np.bool_]

Y, X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64) + 0.5


def coverage(distance: Field, softness: float = 1.0) -> Field:
    """How much of each pixel a shape covers, in [0, 1], its edge `softness` pixels wide."""
    return np.clip(0.5 - distance / softness, 0, 1)


def frame(x: float, y: float, angle: float, shift: float = 0) -> tuple[Field, Field]:
    """Coordinates (along, across) of a frame at (x, y) turned by `angle` radians; `shift` moves it right and down."""
    dx, dy = X - x - shift, Y - y - shift
    return dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)


def box(along: Field, across: Field, half_length: float, half_width: float, radius: float = 0) -> Field:
    """Distance to a rectangle around the origin of a frame, with corners rounded by `radius`."""
    u, v = np.abs(along) - half_length + radius, np.abs(across) - half_width + radius
    return np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0) - radius


def blob(x: float, y: float, radius: float, lobes: NDArray[np.float64], shift: float = 0) -> Field:
    """Distance (nearly) to a disc whose outline waves; row k of `lobes` is the height and the phase of k + 2 waves."""
    dx, dy = X - x - shift, Y - y - shift
    turn, outline = np.arctan2(dy, dx), np.ones_like(dx)
    for waves, (height, phase) in enumerate(lobes, start=2):
        outline += height * np.sin(waves * turn + phase)
    distance: Field = np.hypot(dx, dy) - radius * outline
    return distance


@dataclass(frozen=True)
class Path:
    """A curve through (P, 2) points, x then y, with each pixel's distance to it and its place along it."""

    points: NDArray[np.float64]
    distance: Field
    along: Field

    @classmethod
    def through(cls, points: NDArray[np.float64]) -> "Path":
        """Measures the distance from every pixel to the nearest of the segments between the points."""
        best, along, travelled = np.full((SIZE, SIZE), np.inf), np.zeros((SIZE, SIZE)), 0.0
        for (ax, ay), (bx, by) in pairwise(points):
            length = float(np.hypot(bx - ax, by - ay))
            ux, uy = (bx - ax) / length, (by - ay) / length
            step = np.clip((X - ax) * ux + (Y - ay) * uy, 0, length)
            distance = np.hypot(X - ax - step * ux, Y - ay - step * uy)
            nearer = distance < best
            best, along = np.where(nearer, distance, best), np.where(nearer, travelled + step, along)
            travelled += length
        return cls(points, best, along)

    def at(self, fraction: float) -> tuple[float, float, float]:
        """The point at a fraction of the way, and the angle in which the path runs there."""
        place = fraction * (len(self.points) - 2)
        first = int(place)
        (ax, ay), (bx, by) = self.points[first], self.points[first + 1]
        rest = place - first
        return ax + rest * (bx - ax), ay + rest * (by - ay), float(np.arctan2(by - ay, bx - ax))


def bend(start: Field, middle: Field, end: Field) -> Field:
    """25 points, (25, 2), of the quadratic curve from `start` to `end` that `middle` pulls at."""
    t = np.linspace(0, 1, 25)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end


def noise(rng: np.random.Generator, scale: float) -> Field:
    """Smooth random hills about `scale` pixels wide, variance near 1: a cubic B-spline over normal deviates."""
    knots = int(np.ceil(SIZE / scale)) + 3
    place = np.arange(SIZE) / scale
    first, t = place.astype(int), place % 1
    weights = np.zeros((SIZE, knots))
    pieces = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    for offset, piece in enumerate(pieces):
        weights[np.arange(SIZE), first + offset] = piece / 6
    return 2.1 * (weights @ rng.standard_normal((knots, knots)) @ weights.T)


def blur(values: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """Nearly a Gaussian blur along the last two axes: three box means of 2·radius + 1 pixels, edges repeated."""
    width = 2 * radius + 1
    for axis in (-2, -1) * 3:
        lanes = np.moveaxis(values, axis, -1)
        padded = np.pad(lanes, [(0, 0)] * (lanes.ndim - 1) + [(radius + 1, radius)], mode="edge")
        sums = np.cumsum(padded, axis=-1)
        values = np.moveaxis((sums[..., width:] - sums[..., :-width]) / width, -1, axis)
    return values

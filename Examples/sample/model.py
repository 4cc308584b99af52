"""An imperfect model: the probabilities it gives to a scene, of which it has seen the true masks and no given mask.

Its errors are drawn from their own random stream, so that they fall on mistaken and on right masks alike.
"""

import numpy as np
from numpy.typing import NDArray

from geometry import SIZE, X, Y, blur, noise
from scene import Category, Thing

STEPS = 1024
"""Probabilities are multiples of 1/STEPS, which float16 holds exactly and which pack well."""

CONFUSION = np.array(
    [  # ground road  house tree  car   water   is what the model makes of
        [0.915, 0.020, 0.005, 0.045, 0.002, 0.013],  # ground
        [0.030, 0.910, 0.040, 0.004, 0.010, 0.006],  # road
        [0.010, 0.060, 0.905, 0.004, 0.020, 0.001],  # house
        [0.080, 0.004, 0.004, 0.890, 0.002, 0.020],  # tree
        [0.010, 0.110, 0.050, 0.005, 0.820, 0.005],  # car
        [0.030, 0.008, 0.002, 0.020, 0.000, 0.940],  # water
    ]
)

LOOKALIKE = {
    Category.ROAD: Category.GROUND,
    Category.HOUSE: Category.ROAD,
    Category.TREE: Category.GROUND,
    Category.CAR: Category.ROAD,
    Category.WATER: Category.TREE,
}

DOUBT = {Category.ROAD: 0.0, Category.HOUSE: 0.15, Category.TREE: 0.2, Category.CAR: 0.25, Category.WATER: 0.15}
"""How often the model takes half of its evidence for a thing of the class, or more, for the lookalike's."""


def predict(things: list[Thing], rng: np.random.Generator) -> NDArray[np.float16]:
    """The (K, SIZE, SIZE) probabilities: multiples of 1/STEPS in [0, 1] that sum to exactly 1 over the classes."""
    evidence = _warp(_see(things, rng), rng)
    seen = np.einsum("khw,kc->chw", evidence, CONFUSION)
    unsure = rng.uniform(0.45, 0.9)
    hills = np.stack([0.6 * noise(rng, 28) + 0.6 * noise(rng, 9) + 0.3 * noise(rng, 3) for _ in Category])
    logits = 1.25 * np.log(seen + 1e-3) + unsure * hills
    weights = np.exp(logits - logits.max(axis=0))
    return _rounded(weights / weights.sum(axis=0))


def _see(things: list[Thing], rng: np.random.Generator) -> NDArray[np.float64]:
    """The (K, SIZE, SIZE) share of each class in what the model sees: soft outlines, and its doubts about things."""
    evidence = np.zeros((len(Category), SIZE, SIZE))
    evidence[Category.GROUND] = 1
    for thing in things:
        share = np.zeros(len(Category))
        share[thing.category] = 1
        if rng.random() < DOUBT[thing.category]:
            doubt = rng.uniform(0.5, 0.95)
            share[thing.category] = 1 - doubt
            share[LOOKALIKE[thing.category]] = doubt
        soft = blur(thing.mask.astype(np.float64), 1)
        evidence += soft * (share[:, None, None] - evidence)
    return evidence


def _warp(evidence: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Moves the outlines about by a pixel or two, then softens them."""
    rows = np.clip(np.rint(Y - 0.5 + 1.2 * noise(rng, 14)), 0, SIZE - 1).astype(int)
    columns = np.clip(np.rint(X - 0.5 + 1.2 * noise(rng, 14)), 0, SIZE - 1).astype(int)
    return blur(evidence[:, rows, columns], 1)


def _rounded(probabilities: NDArray[np.float64]) -> NDArray[np.float16]:
    """Rounds to multiples of 1/STEPS; the likeliest class, at least 1/K, takes up what rounding lost or won."""
    counts = np.rint(probabilities * STEPS).astype(np.int64)
    likeliest = probabilities.argmax(axis=0)[None]
    rest = STEPS - counts.sum(axis=0, keepdims=True)
    np.put_along_axis(counts, likeliest, np.take_along_axis(counts, likeliest, axis=0) + rest, axis=0)
    return (counts / STEPS).astype(np.float16)

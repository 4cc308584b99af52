"""Plants the mistakes that annotators make into true masks."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from geometry import SIZE, Path, bend
from scene import Category, Thing, compose

OBJECTS = (Category.HOUSE, Category.TREE, Category.CAR)
"""What an annotator draws one by one."""

SMALLEST_OBJECT = 60
"""Pixels of an object that must be in sight for its absence to be a mistake and not a matter of taste."""

BRUSH = 3.5
"""Half the width of a stray stroke, in pixels."""


class Kind(StrEnum):
    """The kinds of planted mistakes."""

    MISSING = "missing"
    SWAPPED = "swapped"
    SHIFTED = "shifted"
    STROKE = "stroke"


@dataclass(frozen=True)
class Mistake:
    """A mask with a mistake in it; `true` is the class of an object left out or swapped, `given` what stands there."""

    labels: NDArray[np.uint8]
    true: Category | None = None
    given: Category | None = None


def plant(kind: Kind, things: list[Thing], rng: np.random.Generator) -> Mistake:
    """The mask that an annotator would give who makes one mistake of this kind and no other."""
    match kind:
        case Kind.MISSING:
            return _leave_out(things, rng)
        case Kind.SWAPPED:
            return _swap(things, rng)
        case Kind.SHIFTED:
            return _shift(things, rng)
        case Kind.STROKE:
            return _scribble(things, rng)


def _objects(things: list[Thing]) -> list[int]:
    """Where in the list the houses, trees and cars are of which enough can be seen."""
    owner = np.full((SIZE, SIZE), -1)
    for index, thing in enumerate(things):
        owner[thing.mask] = index
    return [i for i, thing in enumerate(things) if thing.category in OBJECTS and (owner == i).sum() >= SMALLEST_OBJECT]


def _leave_out(things: list[Thing], rng: np.random.Generator) -> Mistake:
    """One object was not drawn: what lies beneath it is labelled instead."""
    index = int(rng.choice(_objects(things)))
    labels = compose(things[:index] + things[index + 1 :])
    beneath = np.bincount(labels[things[index].mask]).argmax()
    return Mistake(labels, things[index].category, Category(int(beneath)))


def _swap(things: list[Thing], rng: np.random.Generator) -> Mistake:
    """One object was drawn where it is, as something else that stands on the ground."""
    index = int(rng.choice(_objects(things)))
    true = things[index].category
    given = Category(int(rng.choice([c for c in OBJECTS if c != true])))
    return Mistake(compose([*things[:index], Thing(given, things[index].mask), *things[index + 1 :]]), true, given)


def _shift(things: list[Thing], rng: np.random.Generator) -> Mistake:
    """The whole mask slipped by 7 to 12 pixels; its edge pixels fill what came free."""
    reach, turn = rng.uniform(7, 12), rng.uniform(0, 2 * np.pi)
    right, down = round(reach * np.cos(turn)), round(reach * np.sin(turn))
    rows = np.clip(np.arange(SIZE) - down, 0, SIZE - 1)
    columns = np.clip(np.arange(SIZE) - right, 0, SIZE - 1)
    return Mistake(compose(things)[np.ix_(rows, columns)])


def _scribble(things: list[Thing], rng: np.random.Generator) -> Mistake:
    """The brush ran over the picture with some class still chosen."""
    start, middle, end = rng.uniform(30, SIZE - 30, (3, 2))
    stroke = Path.through(bend(start, middle, end)).distance < BRUSH
    labels, given = compose(things), Category(int(rng.integers(len(Category))))
    labels[stroke] = given
    return Mistake(labels, given=given)
